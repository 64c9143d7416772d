package format

import (
	"path/filepath"
	"testing"

	"repro/internal/atomicfile"
)

// TestWriteAfterFlusher is the end of a layer on a busy disk: the flusher has
// ended, and still more than a step was not handed to it.
func TestWriteAfterFlusher(t *testing.T) {
	file, err := atomicfile.Create(filepath.Join(t.TempDir(), "x"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var f flusher
	f.start(file, 0)
	f.written(flushStep)
	f.stop()
	f.written(3 * flushStep)
}
