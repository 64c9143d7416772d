package format

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"repro/format/manifest"
	"repro/format/pieces"
)

// maxSlots bounds the descriptors of a file that is opened: 38 MB of table,
// which must be in the file before memory is taken for it.
const maxSlots = 65536

// Image is an open SIF file. Goroutines may share it.
type Image struct {
	name    string
	size    int64
	r       io.ReaderAt
	header  Header
	table   []byte // raw descriptors
	objects []Object

	manifest func() (*storedManifest, error)
	layout   func() []Problem
	file     *os.File // nil: not of a file
	close    func() error
}

// Open opens the SIF file called name. It fails with [ErrMalformed] if header
// and descriptors do not lie within the file. The caller must call Close.
//
// Name may also be that of a list of pieces (package pieces), which stands for
// such a file. Such an image is only read.
func Open(name string) (*Image, error) {
	im, _, err := openFile(name)
	if !errors.Is(err, ErrMalformed) {
		return im, err
	}
	if im, listErr := openPieces(name); im != nil || listErr != nil {
		return im, listErr
	}
	return nil, err
}

// openPieces opens the image that a list of pieces stands for. It returns nil if
// the file called name is no list.
func openPieces(name string) (*Image, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, len(pieces.Magic))
	if _, err := f.ReadAt(head, 0); err != nil || !pieces.IsList(head) {
		return nil, nil
	}
	file, err := pieces.Open(f)
	if errors.Is(err, pieces.ErrMalformed) {
		err = fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err != nil {
		return nil, err
	}
	im, err := New(file, file.Size(), name)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	im.close = file.Close
	return im, nil
}

func openFile(name string) (*Image, *os.File, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !fi.Mode().IsRegular() { // opening a pipe would wait for a writer
		return nil, nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	if fi, err = f.Stat(); err == nil {
		var im *Image
		if im, err = New(f, fi.Size(), name); err == nil {
			im.file, im.close = f, f.Close
			return im, f, nil
		}
	}
	f.Close()
	return nil, nil, err
}

// New opens the SIF file of size bytes that r reads. Name is what messages
// call it.
func New(r io.ReaderAt, size int64, name string) (*Image, error) {
	im := &Image{name: name, size: size, r: r, close: func() error { return nil }}
	if err := im.read(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	im.manifest, im.layout = sync.OnceValues(im.readManifest), sync.OnceValue(im.checkLayout)
	return im, nil
}

func (im *Image) read() error {
	var raw [headerSize]byte
	if im.size < headerSize {
		return malformed("header: not a SIF file: %d bytes", im.size)
	}
	if err := readAt(im.r, raw[:], 0); err != nil {
		return err
	}
	h, err := parseHeader(raw)
	if err != nil {
		return err
	}
	if h.Total < 0 || h.Total > maxSlots {
		return malformed("header: %d descriptors, at most %d are allowed", h.Total, maxSlots)
	}
	if h.TableSize != h.Total*descriptorSize {
		return malformed("header: table of %d bytes for %d descriptors", h.TableSize, h.Total)
	}
	if h.TableOffset < headerSize || h.TableOffset > im.size-h.TableSize {
		return malformed("header: table at byte %d does not lie within the file", h.TableOffset)
	}
	im.header = h
	im.table = make([]byte, h.TableSize)
	if err := readAt(im.r, im.table, h.TableOffset); err != nil {
		return err
	}
	return im.readTable()
}

func (im *Image) readTable() error {
	ids := map[uint32]bool{}
	for i := range int(im.header.Total) {
		raw := [descriptorSize]byte(im.table[i*descriptorSize:])
		if raw[4] == 0 {
			continue
		}
		o := parseObject(i+1, raw)
		if o.Size < 0 || o.Offset < headerSize || o.Offset > im.size || o.Size > im.size-o.Offset {
			return malformed("descriptor %d (%q): %d bytes at byte %d do not lie within the file",
				o.Slot, o.Name, o.Size, o.Offset)
		}
		if o.ID == 0 || ids[o.ID] {
			return malformed("descriptor %d (%q): ID %d is not its own", o.Slot, o.Name, o.ID)
		}
		ids[o.ID] = true
		im.objects = append(im.objects, o)
	}
	return nil
}

// Name returns the name under which the image was opened.
func (im *Image) Name() string { return im.name }

// File returns the open file that everything is read from, or nil if the image
// was not opened by name, or is in pieces. The caller must not close it.
func (im *Image) File() *os.File { return im.file }

// Bytes returns all bytes of the file.
func (im *Image) Bytes() *io.SectionReader { return io.NewSectionReader(im.r, 0, im.size) }

// Size returns the size of the file in bytes.
func (im *Image) Size() int64 { return im.size }

// Header returns the header.
func (im *Image) Header() Header { return im.header }

// Objects returns the objects in slot order. The caller must not change them.
func (im *Image) Objects() []Object { return im.objects }

// Section returns the bytes of an object as they are in the file, unchecked.
func (im *Image) Section(o Object) *io.SectionReader {
	return io.NewSectionReader(im.r, o.Offset, o.Size)
}

// Close closes the file, where Open opened it.
func (im *Image) Close() error { return im.close() }

// Manifest returns the manifest: [ErrForeign] if there is none, [ErrMalformed]
// if it breaks the rules of MAN. The caller must not change it.
func (im *Image) Manifest() (*manifest.Manifest, error) {
	m, err := im.manifest()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", im.name, err)
	}
	return &m.Manifest, nil
}

// readAt fills b. The end of the file there means that it shrank while open.
func readAt(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return malformed("file ends before byte %d", off+int64(len(b)))
	}
	return err
}
