package folder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func put(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func files(dir string) string {
	var names []string
	_ = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(rel))
		}
		return nil
	})
	return strings.Join(names, " ")
}

func TestClaim(t *testing.T) {
	base := t.TempDir()
	dir, release, err := Claim(t.Context(), filepath.Join(base, "x/../run"), false)
	if err != nil || dir != filepath.Join(base, "run") {
		t.Fatalf("%q, %v", dir, err)
	}
	if _, _, err := Claim(t.Context(), dir, false); err == nil || !strings.Contains(err.Error(), "another run is writing") {
		t.Errorf("claimed twice: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Claim(ctx, dir, false); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	release(false)
	if _, err := os.Stat(dir); err == nil {
		t.Error("a folder that was made for nothing is still there")
	}
	put(t, dir, "thesis.tex")
	if _, _, err := Claim(t.Context(), dir, false); err == nil || !strings.Contains(err.Error(), `holds "thesis.tex"`) {
		t.Errorf("a folder with other files: %v", err)
	}
	for _, replace := range []bool{true, false} { // the second time it is marked
		_, release, err := Claim(t.Context(), dir, replace)
		if err != nil {
			t.Fatal(err)
		}
		release(false)
	}
	if files(dir) != ".repro-run thesis.tex" {
		t.Errorf("a folder that was there before: %s", files(dir))
	}
	if _, _, err := Claim(t.Context(), "", false); err == nil {
		t.Error("no folder")
	}
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(filepath.Join(dir, Marker), 0o755)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Claim(t.Context(), dir, true); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder as Marker: %v", err)
	}
}

func TestEmpty(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "outputs/a", "logs/a.log", "again/outputs/a", "report.json", "report.html", "mine", "mine.d/x")
	if err := Empty(dir); err != nil {
		t.Fatal(err)
	}
	if got := files(dir); got != "mine mine.d/x" {
		t.Errorf("left: %s", got)
	}
	for _, name := range []string{Outputs, Logs} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRetain(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "outputs/paper/a", "outputs/paper/b", "outputs/c", "logs/a.log", "logs/b.log", "again/x", "report.json", "mine", ".repro-before/outputs/forged")
	if err := Retain(dir, []string{"outputs/paper/a", "logs/a.log", "logs/gone.log"}); err != nil {
		t.Fatal(err)
	}
	if got := files(dir); got != "logs/a.log mine outputs/paper/a" {
		t.Errorf("left: %s", got)
	}
}

// Runs that start at once in a new folder all find it theirs, whatever the first
// of them has put there already.
func TestMarkAtOnce(t *testing.T) {
	for range 50 {
		dir := t.TempDir()
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if err := Mark(dir, false); err != nil {
					t.Error(err)
				}
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("run-", i)), nil, 0o644); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}
