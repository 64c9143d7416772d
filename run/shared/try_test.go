package shared

import (
	"os"
	"path/filepath"
	"testing"
)

// What a try could not finish leaves its log, and nothing else that takes room.
func TestDiscard(t *testing.T) {
	try := &Try{t.TempDir()}
	for _, name := range []string{try.Log(), filepath.Join(try.Dir, layerName), filepath.Join(try.Outputs(), "paper/out/big")} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := try.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(try.Dir)
	if err != nil || len(left) != 1 || left[0].Name() != filepath.Base(try.Log()) {
		t.Errorf("left are %v, %v", left, err)
	}
}
