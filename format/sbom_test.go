package format_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/format"
	"repro/format/tree"
)

// TestLateSBOM has the bill of materials come, or fail, when more of the layer
// is compressed than waits anywhere.
func TestLateSBOM(t *testing.T) {
	bad := errors.New("database is damaged")
	spec := func(late time.Duration, err error) format.Spec {
		s := sampleSpec()
		put(s.Layers[0].Tree, "large", tree.NewFile(0o644, noise(1, 48<<20)))
		s.SBOM = func(context.Context) ([]byte, error) {
			time.Sleep(late)
			return []byte("{}"), err
		}
		return s
	}
	early, late := read(t, create(t, spec(0, nil))), read(t, create(t, spec(300*time.Millisecond, nil)))
	if string(early) != string(late) {
		t.Error("other bytes")
	}
	broken := spec(300*time.Millisecond, nil)
	put(broken.Layers[0].Tree, "broken", &tree.Node{Mode: 0o644, Size: 5, Open: func() (io.ReadCloser, error) {
		return nil, errors.New("cannot be read")
	}})
	for want, s := range map[string]format.Spec{"database is damaged": spec(300*time.Millisecond, bad), "cannot be read": broken} {
		dir := t.TempDir()
		if _, err := format.Create(t.Context(), filepath.Join(dir, "x.sif"), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Error(left, err)
		}
	}
}
