package squashfs

import "math"

const (
	listHeaderSize = 12
	listEntrySize  = 8   // without the name
	listRun        = 256 // entries below one header
	listExtra      = 3   // what a directory's size counts above its listing: Unix' "." and ".."
)

// inodesAndDirectories writes the inode table and the directory table. Each
// inode is made before the listing that refers to it, each listing before the
// directory's own inode (SQ-14).
func (w *writer) inodesAndDirectories() error {
	inodes := &metadata{encoder: w.encoder}
	dirs := &metadata{encoder: w.encoder}
	for _, in := range w.plan.inodes {
		b, err := in.encode(), error(nil)
		if in.node.IsDir() {
			if b, err = in.list(dirs, w.plan); err != nil {
				return err
			}
		}
		in.ref = uint64(inodes.start())<<16 | uint64(inodes.offset())
		if err := inodes.write(b); err != nil {
			return err
		}
	}
	for _, m := range []*metadata{inodes, dirs} {
		if err := m.flush(); err != nil {
			return err
		}
	}
	w.super.InodeTable = uint64(w.at)
	if err := w.write(inodes.out); err != nil {
		return err
	}
	w.super.DirTable = uint64(w.at)
	return w.write(dirs.out)
}

// indexed is one entry of a directory's index: the first entry of the listing
// in a metadata block.
type indexed struct {
	at    int // in the listing
	start uint32
	name  string
}

// list writes the listing of directory in to dirs and returns its inode.
func (in *inode) list(dirs *metadata, p *plan) ([]byte, error) {
	start, offset := dirs.start(), dirs.offset()
	size, index, err := in.writeListing(dirs)
	if err != nil {
		return nil, err
	}
	parent := uint32(len(p.inodes) + 1)
	if in.parent != nil {
		parent = in.parent.number
	}
	size += listExtra
	if in.xattr == none32 && len(index) == 0 && size <= math.MaxUint16 {
		b := le.AppendUint32(in.header(typeDir), start)
		b = le.AppendUint32(b, in.links)
		b = le.AppendUint16(b, uint16(size))
		b = le.AppendUint16(b, offset)
		return le.AppendUint32(b, parent), nil
	}
	b := le.AppendUint32(in.header(typeDir+extended), in.links)
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, start)
	b = le.AppendUint32(b, parent)
	b = le.AppendUint16(b, uint16(len(index)))
	b = le.AppendUint16(b, offset)
	b = le.AppendUint32(b, in.xattr)
	for _, x := range index {
		b = le.AppendUint32(b, uint32(x.at))
		b = le.AppendUint32(b, x.start)
		b = le.AppendUint32(b, uint32(len(x.name)-1))
		b = append(b, x.name...)
	}
	return b, nil
}

// writeListing writes runs of entries. A run shares a header, which holds what
// its inodes have in common: the metadata block that they stand in and a number near
// theirs. Each metadata block of the directory table but the first gets a new run and
// an entry in the index, so that a reader can jump to it (SQ-14, SQ-15).
func (in *inode) writeListing(dirs *metadata) (size int, index []indexed, err error) {
	first := dirs.start()
	for rest := in.children; len(rest) > 0; {
		if at := dirs.start(); at != first {
			index = append(index, indexed{at: size, start: at, name: rest[0].name})
			first = at
		}
		b, n := run(rest, metadataSize-int(dirs.offset()))
		if err := dirs.write(b); err != nil {
			return 0, nil, err
		}
		size += len(b)
		rest = rest[n:]
	}
	return size, index, nil
}

// run encodes as many of the entries as can share a header, and stops soon
// after room bytes: the next run then starts in another metadata block.
func run(entries []child, room int) ([]byte, int) {
	head := entries[0]
	b := make([]byte, listHeaderSize, metadataSize)
	n := 0
	for _, e := range entries {
		delta := int64(e.number) - int64(head.number)
		if n == listRun || e.ref>>16 != head.ref>>16 || delta != int64(int16(delta)) || n > 0 && len(b) >= room {
			break
		}
		b = le.AppendUint16(b, uint16(e.ref))
		b = le.AppendUint16(b, uint16(int16(delta)))
		b = le.AppendUint16(b, typeOf(e.node.Mode))
		b = le.AppendUint16(b, uint16(len(e.name)-1))
		b = append(b, e.name...)
		n++
	}
	le.PutUint32(b, uint32(n-1))
	le.PutUint32(b[4:], uint32(head.ref>>16))
	le.PutUint32(b[8:], head.number)
	return b, n
}
