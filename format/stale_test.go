package format_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"repro/format"
	"repro/format/tree"
	"repro/internal/blockcache"
)

// TestCreateSeesThroughStaleDigests changes a file and leaves its stamp, as
// nothing but a meddler with clocks or disks can. Where its content is needed
// the layer is written anew, from what is there.
func TestCreateSeesThroughStaleDigests(t *testing.T) {
	dir := t.TempDir()
	spec := func(content string) format.Spec {
		s := sampleSpec()
		f := tree.NewFile(0o644, []byte(content))
		f.Stamp = "the same"
		put(s.Layers[0].Tree, "usr/lib/file", f)
		return s
	}
	for _, content := range []string{"before", "behind"} {
		c, err := blockcache.Open(dir, blockcache.DefaultMax)
		if err != nil {
			t.Fatal(err)
		}
		s := spec(content)
		s.Cache = c
		if got, want := read(t, create(t, s)), read(t, create(t, spec(content))); !bytes.Equal(got, want) {
			t.Errorf("%q: other bytes", content)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		blocks, err := filepath.Glob(filepath.Join(dir, "??"))
		if err != nil || len(blocks) == 0 {
			t.Fatalf("%d folders of blocks, %v", len(blocks), err)
		}
		for _, b := range blocks {
			if err := os.RemoveAll(b); err != nil {
				t.Fatal(err)
			}
		}
	}
}
