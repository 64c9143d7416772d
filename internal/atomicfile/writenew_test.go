package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// Of many that write one name at once, one succeeds, and its data are there.
func TestWriteNew(t *testing.T) {
	dir := t.TempDir()
	for round := range 20 {
		name := filepath.Join(dir, fmt.Sprint("file-", round))
		var all sync.WaitGroup
		made := make([]bool, 8)
		for i := range made {
			all.Go(func() {
				var err error
				if made[i], err = WriteNew(name, []byte(fmt.Sprint(i)), 0o644); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		winner, winners := -1, 0
		for i, m := range made {
			if m {
				winner, winners = i, winners+1
			}
		}
		if b, err := os.ReadFile(name); winners != 1 || err != nil || string(b) != fmt.Sprint(winner) {
			t.Errorf("%d succeeded, last %d; the file holds %q, %v", winners, winner, b, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	if made, err := WriteNew(filepath.Join(dir, "missing/file"), nil, 0o644); made || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v, %v", made, err)
	}
	if made, err := WriteNew(filepath.Join(dir, "file-0"), []byte("x"), 0o644); made || err != nil {
		t.Errorf("again: %v, %v", made, err)
	}
}

// What a server answers to the second copy of a request does not matter: the
// number of links tells.
func TestLinked(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux, to count links")
	}
	dir := t.TempDir()
	temp, name := filepath.Join(dir, "temp"), filepath.Join(dir, "name")
	if err := os.WriteFile(temp, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	exists := &os.LinkError{Op: "link", Err: fs.ErrExist}
	if made, known := linked(temp, exists); made || !known {
		t.Errorf("somebody else's: %v, %v", made, known)
	}
	if err := os.Link(temp, name); err != nil {
		t.Fatal(err)
	}
	if made, known := linked(temp, exists); !made || !known {
		t.Errorf("made, but answered that it exists: %v, %v", made, known)
	}
	if made, known := linked(temp, &os.LinkError{Op: "link", Err: fs.ErrPermission}); made || known {
		t.Errorf("no links here: %v, %v", made, known)
	}
}
