package format_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
)

// TestVerifiedCanBeRun: what Check accepts, a runner can open. Tree and layer
// have the digests that the manifest states, but the root that it states leads
// to neither.
func TestVerifiedCanBeRun(t *testing.T) {
	noise := make([]byte, 200<<10) // more than one block of the hash tree
	for i, r := 0, rand.New(rand.NewPCG(1, 1)); i < len(noise); i++ {
		noise[i] = byte(r.Uint32())
	}
	s := sampleSpec()
	put(s.Layers[0].Tree, "bin/noise", tree.NewFile(0o644, noise))
	name := create(t, s)
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer im.Close()
	m, err := im.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	root := layerRoot(t, m, "environment")
	b := read(t, name)
	first := im.Objects()[0]
	stored := b[first.Offset : first.Offset+first.Size]
	copy(stored, strings.Replace(string(stored), string(root), string(manifest.DigestOf([]byte("another tree"))), 1))
	h := sha256.New()
	h.Write([]byte("repro image 1\x00"))
	h.Write(stored)
	id := b[48:64] // UUID, of the manifest
	copy(id, h.Sum(nil))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	changed := filepath.Join(t.TempDir(), "changed.sif")
	if err := os.WriteFile(changed, b, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, o := range []format.CheckOptions{{}, {Classic: true}} {
		bad, err := format.Open(changed)
		if err != nil {
			t.Fatal(err)
		}
		statuses, err := bad.Check(t.Context(), o)
		bad.Close()
		if !errors.Is(err, format.ErrAltered) {
			t.Errorf("classic %v: %v", o.Classic, err)
		}
		for _, st := range statuses {
			if st.Intact != (st.Name != "environment") {
				t.Errorf("%s: intact %v, %s", st.Name, st.Intact, st.Problem)
			}
		}
	}
	if bytes.Equal(b, read(t, name)) {
		t.Error("nothing was changed")
	}
}

func layerRoot(t *testing.T, m *manifest.Manifest, name string) manifest.Digest {
	t.Helper()
	for _, o := range m.Objects {
		if o.Name == name && o.Layer != nil {
			return o.Layer.Root
		}
	}
	t.Fatalf("no layer %q", name)
	return ""
}

// TestPadding: behind a file system stand zeros, and no more than fill a page.
func TestPadding(t *testing.T) {
	for name, c := range map[string]struct {
		tail []byte
		want bool
	}{
		"none": {nil, true}, "zeros": {make([]byte, 4095), true}, "a page": {make([]byte, 4096), false}, "a byte": {append(make([]byte, 4000), 1), false},
	} {
		b := append([]byte("file system"), c.tail...)
		if err := format.Padding(bytes.NewReader(b), 11, int64(len(b))); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
