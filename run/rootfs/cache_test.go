package rootfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/internal/rmtree"
)

// The cache keeps within its bound what was used last, and what is in use.
func TestCacheBound(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	t.Cleanup(func() { _ = rmtree.Remove(cache) })
	use := func(name string, limit int64) (release func(), made bool) {
		t.Helper()
		_, release, err := Cached(t.Context(), cache, limit, manifest.DigestOf([]byte(name)), func(_ context.Context, dir string) error {
			made = true
			return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "file"), make([]byte, 1000), 0o644))
		})
		if err != nil {
			t.Fatal(err)
		}
		return release, made
	}
	roots := func() int {
		names, _ := filepath.Glob(filepath.Join(cache, "*", "root"))
		return len(names)
	}
	const two = 2500
	a, _ := use("a", two)
	b, _ := use("b", two)
	b()
	c, _ := use("c", two) // a is older, but in use
	if again, made := use("a", two); made || roots() != 2 {
		t.Errorf("an entry in use was given up; %d roots", roots())
	} else {
		again()
	}
	a()
	c()
	if release, made := use("c", two); made {
		t.Error("an entry within the bound was given up")
	} else {
		release()
	}
	if release, made := use("b", two); !made || roots() != 2 {
		t.Errorf("what was used longest ago was kept; %d roots", roots())
	} else {
		release()
	}
	small, _ := use("c", 10)
	if roots() != 1 {
		t.Errorf("%d roots beside one in use, over the bound", roots()-1)
	}
	touched := filepath.Join(cache, strings.TrimPrefix(string(manifest.DigestOf([]byte("c"))), "sha256:")+fmt.Sprintf("-%d", Version), "root/file")
	if err := os.WriteFile(touched, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Cached(t.Context(), cache, two, manifest.DigestOf([]byte("c")), nil); err == nil || !strings.Contains(err.Error(), "was touched") {
		t.Errorf("an entry that another run uses and that was touched: %v", err)
	}
	small()
	if roots() != 0 {
		t.Error("an entry over the bound stayed when nobody used it any more")
	}
}
