package mount

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// Bounds on what is read of a program to find out what it needs.
const (
	maxSegments = 64
	maxDynamic  = 1024 // entries
	maxNeeded   = 64   // libraries of one file
	maxELFName  = 4096 // bytes
)

var errELF = errors.New("not an ELF file that a loader here takes")

// elfNeeds is what the kernel and the loader look for when they start an ELF
// file (System V ABI, parts Object Files and Program Loading).
type elfNeeds struct {
	machine uint16
	interp  string
	needed  []string
	folders []string // where DT_RUNPATH or DT_RPATH sends the loader first
}

// segment is one program header.
type segment struct {
	kind              uint32
	off, address, len uint64
}

const (
	headerSize   = 64 // of the file, in the 64-bit form
	segmentSize  = 56
	dynamicSize  = 16
	segLoad      = 1
	segDynamic   = 2
	segInterp    = 3
	dynNeeded    = 1
	dynStrings   = 5
	dynRPath     = 15
	dynRunPath   = 29
	machineX86   = 62
	machineARM64 = 183
)

// readELF reads a little-endian 64-bit file, by its segments as the kernel and
// the loader do. Package debug/elf goes by sections, whose table stands at the
// end of a file, far from what a start reads, and is not made for hostile files.
// It is a guess from outside bytes at what a program will want: nothing depends
// on it.
func readELF(r io.ReaderAt) (elfNeeds, error) {
	var n elfNeeds
	head, err := readPart(r, 0, headerSize)
	if err != nil {
		return n, err
	}
	le := binary.LittleEndian
	if !bytes.HasPrefix(head, []byte("\x7fELF\x02\x01")) || le.Uint16(head[54:]) != segmentSize || le.Uint16(head[56:]) > maxSegments {
		return n, errELF
	}
	n.machine = le.Uint16(head[18:])
	table, err := readPart(r, le.Uint64(head[32:]), segmentSize*int(le.Uint16(head[56:])))
	if err != nil {
		return n, err
	}
	var segments []segment
	for ; len(table) > 0; table = table[segmentSize:] {
		segments = append(segments, segment{le.Uint32(table), le.Uint64(table[8:]), le.Uint64(table[16:]), le.Uint64(table[32:])})
	}
	for _, s := range segments {
		switch s.kind {
		case segInterp:
			b, err := readPart(r, s.off, int(min(s.len, maxELFName)))
			if err != nil {
				return n, err
			}
			n.interp = text(b)
		case segDynamic:
			if err := n.dynamic(r, s, segments); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// dynamic reads the dynamic section.
func (n *elfNeeds) dynamic(r io.ReaderAt, s segment, segments []segment) error {
	b, err := readPart(r, s.off, int(min(s.len/dynamicSize, maxDynamic))*dynamicSize)
	if err != nil {
		return err
	}
	var strings uint64
	type named struct{ tag, at uint64 }
	var names []named
	for ; len(b) > 0; b = b[dynamicSize:] {
		tag, value := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		switch tag {
		case dynStrings:
			strings = place(segments, value)
		case dynNeeded, dynRPath, dynRunPath:
			if names = append(names, named{tag, value}); len(names) > maxNeeded {
				return errELF
			}
		}
	}
	for _, name := range names {
		b := make([]byte, maxELFName)
		got, err := r.ReadAt(b, int64((strings+name.at)&(1<<62-1)))
		if err != nil && err != io.EOF {
			return err
		}
		if s := text(b[:got]); name.tag == dynNeeded {
			n.needed = append(n.needed, s)
		} else {
			n.folders = append(n.folders, s)
		}
	}
	return nil
}

// place returns where in the file an address is loaded from, 0 if nowhere.
func place(segments []segment, address uint64) uint64 {
	for _, s := range segments {
		if s.kind == segLoad && address >= s.address && address-s.address < s.len {
			return s.off + address - s.address
		}
	}
	return 0
}

func readPart(r io.ReaderAt, off uint64, n int) ([]byte, error) {
	if off > 1<<62 {
		return nil, errELF
	}
	b := make([]byte, n)
	if got, err := r.ReadAt(b, int64(off)); got < n {
		return nil, err
	}
	return b, nil
}

// text returns b up to its first zero byte.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}
