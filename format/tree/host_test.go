package tree

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestReadAt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("0123456789"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, _, err := openHost(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at, b := f.(io.ReaderAt), make([]byte, 4)
	if n, err := at.ReadAt(b, 3); n != 4 || err != nil || string(b) != "3456" {
		t.Errorf("%d %v %q", n, err, b)
	}
	if n, err := at.ReadAt(b, 8); n != 2 || err != io.EOF || string(b[:n]) != "89" {
		t.Errorf("at the end: %d %v %q", n, err, b[:n])
	}
	if all, err := io.ReadAll(f); err != nil || string(all) != "0123456789" {
		t.Errorf("Read was moved: %q, %v", all, err)
	}
}
