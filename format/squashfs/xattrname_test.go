package squashfs

import (
	"bytes"
	"errors"
	"testing"
)

// TestXattrNames refuses names that end elsewhere for Linux than they do here.
func TestXattrNames(t *testing.T) {
	image := manyShapes(t)
	if err := checked(t, image); err != nil {
		t.Fatal(err)
	}
	// The attribute user.c of one file: its type, the length of "c", and that.
	entry := []byte{0, 0, 1, 0, 'c', 1, 0, 0, 0, '3'}
	at := bytes.Index(image, entry)
	if at < 0 || bytes.Count(image, entry) != 1 {
		t.Fatalf("the attribute is at %d, of %d", at, bytes.Count(image, entry))
	}
	for name, c := range map[string]struct {
		offset int
		value  byte
		ok     bool
	}{
		"another name": {4, 'd', true},
		"a NUL":        {4, 0, false},
		"no name":      {2, 0, false},
		"another type": {0, byte(len(xattrPrefixes)), false},
	} {
		b := bytes.Clone(image)
		b[at+c.offset] = c.value
		if err := checked(t, b); c.ok != (err == nil) || !c.ok && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var plan xattrPlan
	for _, name := range []string{"user.", "system.x", "user.a\x00b"} {
		if _, err := plan.add(map[string][]byte{name: nil}); err == nil {
			t.Errorf("%q was written", name)
		}
	}
	if _, err := plan.add(map[string][]byte{"user.a": nil}); err != nil {
		t.Error(err)
	}
}
