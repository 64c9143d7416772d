package badfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func TestWays(t *testing.T) {
	ways := []error{ErrDamaged, ErrTooLarge, ErrUnread}
	for i, err := range []error{Damaged("a %d", 1), TooLarge("a %d", 1), Unread("a %d", 1)} {
		if err.Error() != "a 1" {
			t.Errorf("%q", err)
		}
		wrapped := fmt.Errorf("x: %w", err)
		for k, way := range ways {
			if errors.Is(wrapped, way) != (i == k) {
				t.Errorf("%q is %v: %v", err, way, i != k)
			}
		}
		if !Is(wrapped) {
			t.Errorf("%q is not one of the package's", err)
		}
	}
	if Is(fs.ErrNotExist) || Is(nil) {
		t.Error("an error of the storage is taken for one of the package's")
	}
}

func TestShorten(t *testing.T) {
	if got := Shorten("short"); got != "short" {
		t.Error(got)
	}
	long := strings.Repeat("x", 201)
	if got := Shorten(long); got != long[:200]+"…" {
		t.Error(got)
	}
}
