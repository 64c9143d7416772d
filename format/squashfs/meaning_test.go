package squashfs

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"repro/format/tree"
)

// readAll reads whatever a file system holds.
func readAll(b []byte) error {
	r, err := NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	root, err := r.Tree()
	if err != nil {
		return err
	}
	_, err = tree.Digest(root, nil)
	return err
}

// TestVectors holds the reader and Check against every vector: those of
// verification alone are read, and refused by Check.
func TestVectors(t *testing.T) {
	const dir = "../../testdata/vectors/squashfs"
	text, err := os.ReadFile(filepath.Join(dir, "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Name         string
		Verification bool
	}
	if err := json.Unmarshal(text, &list); err != nil || len(list) < 120 {
		t.Fatalf("%d vectors, %v", len(list), err)
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name+".squashfs"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, v := range list {
		b := read(v.Name)
		if err := readAll(b); errors.Is(err, ErrMalformed) == v.Verification {
			t.Errorf("%s: reading: %v", v.Name, err)
		}
		if err := checked(t, b); v.Verification && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: Check: %v", v.Name, err)
		}
	}
	for _, name := range []string{"valid", "valid-index"} {
		if err := checked(t, read(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEveryFieldMatters changes each field of each kind by one and to extremes:
// Check notices, but where the field is a free value of a file.
func TestEveryFieldMatters(t *testing.T) {
	image := manyShapes(t)
	fields, kinds := fieldsOf(t, image)
	free := map[string]bool{ // values that a tree may have: modes, times, owners' ids, targets, names, contents
		"superblock 8": true, "options": true, "id": true, "target": true, "name": true, "data": true, "xattr byte": true,
		"index name": false, "padding": true, // which the image's check looks at
	}
	for kind := 1; kind <= 13; kind++ {
		for _, field := range []string{"1", "2", "3", "4"} { // mode, owner, group, time
			free["inode "+strconv.Itoa(kind)+" field "+field] = true
		}
	}
	free["inode 8 field 12"], free["inode 9 field 12"] = true, true // which extended attributes
	for _, kind := range []string{"4", "5", "11", "12"} {
		free["inode "+kind+" field 7"] = true // the device
	}
	for _, kind := range kinds {
		if free[kind] {
			continue
		}
		of := fields[kind]
		for i := range min(len(of), 12) {
			f := of[i*len(of)/min(len(of), 12)]
			for _, v := range []uint64{f.get(image) + 1, f.get(image) - 1, 1<<64 - 1} {
				b := bytes.Clone(image)
				if f.set(b, v); bytes.Equal(b, image) {
					continue
				}
				if err := checked(t, b); !errors.Is(err, ErrMalformed) {
					t.Errorf("%s at %d: %#x to %#x: %v", kind, f[0], f.get(image), f.get(b), err)
				}
			}
		}
	}
}

// TestCheckUnpacks: a block whose head does not say how much it holds is
// unpacked, and one that is cut is noticed before anybody reads it.
func TestCheckUnpacks(t *testing.T) {
	root := tree.NewDir()
	for i, name := range []string{"a", "b", "c"} {
		content := bytes.Repeat([]byte{byte(i), 1, 2, 3}, 3000)
		if err := root.Put(name, tree.NewFile(0o644, content)); err != nil {
			t.Fatal(err)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, codec := range []string{"gzip", "zstd"} {
		m := &memory{}
		if _, err := Write(t.Context(), m, root, Options{Codec: codec, BlockSize: 4096}); err != nil {
			t.Fatal(err)
		}
		if err := checked(t, m.b); err != nil {
			t.Fatalf("%s: %v", codec, err)
		}
		s, err := NewReader(bytes.NewReader(m.b), int64(len(m.b)))
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for range 200 {
			b := bytes.Clone(m.b)
			b[int(s.inodes.start)+r.IntN(int(s.size-s.inodes.start))] ^= 1 << r.IntN(8)
			if checked(t, b) != nil {
				refused++
			}
		}
		if refused < 190 {
			t.Errorf("%s: %d of 200 flipped bits in tables are noticed", codec, refused)
		}
	}
}
