package squashfs

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"repro/format/tree"
)

// plain is a small file system, uncompressed, and its reader.
func plain(t *testing.T) ([]byte, *Reader) {
	t.Helper()
	root := tree.NewDir()
	for _, name := range []string{"a", "b", "d/c"} {
		if err := root.Put(name, tree.NewFile(0o644, []byte(name))); err != nil {
			t.Fatal(err)
		}
	}
	m := &memory{}
	if _, err := Write(t.Context(), m, root, Options{Codec: "none"}); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(m.b), int64(len(m.b)))
	if err != nil {
		t.Fatal(err)
	}
	return m.b, r
}

func checked(t *testing.T, image []byte) error {
	t.Helper()
	r, err := NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		return err
	}
	return r.Check(t.Context())
}

// TestCheck: Linux keeps files apart by their inode's number and may find them
// by the export table, so both must be those that a listing leads to.
func TestCheck(t *testing.T) {
	image, r := plain(t)
	if err := r.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	root, err := r.root()
	if err != nil {
		t.Fatal(err)
	}
	list, err := r.list(root)
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	inodeAt := func(i int) int { return int(r.inodes.start) + 2 + int(list[i].Ref&0xffff) }
	entryAt := bytes.Index(image[r.dirs.start:], []byte("\x00b")) // the name b, behind its length
	for name, c := range map[string]struct {
		change func(b []byte)
		want   string
	}{
		"two inodes with one number": {func(b []byte) {
			le.PutUint32(b[inodeAt(1)+12:], list[0].Number)
			at := int(r.dirs.start) + entryAt - 5
			le.PutUint16(b[at:], le.Uint16(b[at:])+uint16(int16(int32(list[0].Number)-int32(list[1].Number))))
		}, "stands in two places"},
		"export table": {func(b []byte) {
			list := le.Uint64(b[r.super.ExportTable:])
			b[list+2]++ // the offset of inode 1
		}, "export table: inode 1 is at"},
	} {
		b := bytes.Clone(image)
		c.change(b)
		if err := checked(t, b); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
