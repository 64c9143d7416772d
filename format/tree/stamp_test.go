package tree

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// TestStamp holds stamps against changes, and against clocks that are too
// coarse to tell one that comes soon after.
func TestStamp(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("stamps are Linux's")
	}
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	info := func() hostInfo {
		t.Helper()
		fi, err := os.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		return hostInfoOf(fi)
	}
	before := info()
	if s := before.stamp(time.Now()); s != "" {
		t.Error("a file that has just changed has a stamp")
	}
	later := time.Now().Add(time.Hour)
	first := before.stamp(later)
	if first == "" || first != info().stamp(later) {
		t.Error("no stamp, or not the same one")
	}
	time.Sleep(20 * time.Millisecond) // beyond the tick of the clock of files
	old := before.modified
	if err := os.WriteFile(name, []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
	if info().stamp(later) == first {
		t.Error("a file of other content, with its time of modification set back, has the same stamp")
	}
}
