package capture

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestClaim: two captures in one folder would lose the steps of one.
func TestClaim(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("captures need Linux")
	}
	dir := t.TempDir()
	release, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim(dir); err == nil || !strings.Contains(err.Error(), "another capture is at work in this folder") {
		t.Errorf("a second claim: %v", err)
	}
	release()
	again, err := claim(dir)
	if err != nil {
		t.Fatalf("after the first ended: %v", err)
	}
	again()
}

// TestSweep removes what captures that were killed left, and nothing else.
func TestSweep(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("captures need Linux")
	}
	dir := t.TempDir()
	for _, name := range []string{".repro-capture-1", ".repro-capture-held", "other"} {
		if err := os.MkdirAll(filepath.Join(dir, name, "upper0"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, ".repro-capture-file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	release, err := claim(filepath.Join(dir, ".repro-capture-held"))
	if err != nil {
		t.Fatal(err)
	}
	names := func() (all []string) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return all
	}
	sweep(dir, time.Now().Add(50*time.Second))
	if got := names(); len(got) != 4 {
		t.Errorf("of young ones, %q are left", got)
	}
	sweep(dir, time.Now().Add(time.Hour))
	if got := names(); !slices.Equal(got, []string{".repro-capture-file", ".repro-capture-held", "other"}) {
		t.Errorf("left: %q", got)
	}
	release()
	sweep(dir, time.Now().Add(time.Hour))
	if got := names(); !slices.Equal(got, []string{".repro-capture-file", "other"}) {
		t.Errorf("left: %q", got)
	}
}
