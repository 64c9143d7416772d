package tree_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/tree"
)

// TestUnchanged: a file opens as long as it is the same one, of the same size.
func TestUnchanged(t *testing.T) {
	dir := t.TempDir()
	name, other := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(name, "text")
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	open := tree.Unchanged(name, info)
	f, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(f); string(b) != "text" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	f.Close()
	refused := func(what string) {
		t.Helper()
		if _, err := open(); err == nil || !strings.Contains(err.Error(), name+": changed while the image was built") {
			t.Errorf("%s: %v", what, err)
		}
	}
	write(name, "text and more")
	refused("longer")
	write(name, "tex")
	refused("shorter")
	write(other, "text")
	if err := os.Rename(other, name); err != nil {
		t.Fatal(err)
	}
	refused("another file of the same size")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := open(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("gone: %v", err)
	}
}
