package blockcache

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, dir string, max int64) *Cache {
	t.Helper()
	c, err := Open(dir, max)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	c := open(t, dir, DefaultMax)
	key := [32]byte{1}
	if _, ok := c.Get(key, make([]byte, 10)); ok {
		t.Error("an empty cache has something")
	}
	c.Put(key, []byte("packed"))
	c.Put([32]byte{2}, nil)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = open(t, dir, DefaultMax)
	if v, ok := c.Get(key, make([]byte, 0, 6)); !ok || string(v) != "packed" {
		t.Errorf("got %q, %v", v, ok)
	}
	if v, ok := c.Get([32]byte{2}, nil); !ok || len(v) != 0 {
		t.Errorf("got %q, %v for an empty value", v, ok)
	}
	if _, ok := c.Get(key, make([]byte, 0, 5)); ok {
		t.Error("a value larger than the buffer")
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder is %v, %v", info.Mode(), err)
	}
}

// TestDamage changes each byte of an entry, cuts and lengthens it, and moves
// it to another key.
func TestDamage(t *testing.T) {
	c := open(t, t.TempDir(), DefaultMax)
	key, other := [32]byte{1}, [32]byte{1, 1}
	c.Put(key, []byte("packed"))
	good, err := os.ReadFile(c.name(key))
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, key [32]byte, b []byte) {
		t.Helper()
		if err := os.WriteFile(c.name(key), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if v, ok := c.Get(key, make([]byte, 100)); ok {
			t.Errorf("%s: got %q", what, v)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		refuse("a changed byte", key, bad)
		refuse("cut", key, good[:i])
	}
	refuse("longer", key, append(bytes.Clone(good), 0))
	refuse("another's", other, good)
	c.Put(key, []byte("packed"))
	if _, ok := c.Get(key, make([]byte, 100)); !ok {
		t.Error("a damaged entry is not replaced")
	}
}

func TestMakesRoom(t *testing.T) {
	c := open(t, t.TempDir(), 256*3*(sumSize+100))
	old := time.Now().Add(-2 * fresh)
	for i := range byte(3) {
		c.Put([32]byte{7, i}, make([]byte, 100))
		when := old.Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(c.name([32]byte{7, i}), when, when); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := c.Get([32]byte{7, 0}, make([]byte, 100)); !ok { // used, so it stays
		t.Fatal("missing")
	}
	c.Put([32]byte{7, 3}, make([]byte, 100))
	left := filepath.Join(c.dir, "07", partial+"x")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	when := time.Now().Add(-2 * stale)
	if err := os.Chtimes(left, when, when); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, true, true} {
		if _, ok := c.Get([32]byte{7, byte(i)}, make([]byte, 100)); ok != want {
			t.Errorf("entry %d: there: %v", i, ok)
		}
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("a file that was never completed stays")
	}
}

func TestTwoBuildsAtOnce(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			c, err := Open(dir, 256*200)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 200 {
				key := [32]byte{byte(i % 3), byte(i)}
				value := bytes.Repeat([]byte{byte(i)}, 50)
				if v, ok := c.Get(key, make([]byte, 100)); ok && !bytes.Equal(v, value) {
					t.Errorf("key %d has %v", i, v)
				}
				c.Put(key, value)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, DefaultMax); err == nil {
		t.Error("a file is taken for a cache")
	}
	dir := t.TempDir()
	c := open(t, dir, DefaultMax)
	if err := os.WriteFile(filepath.Join(dir, "09"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Put([32]byte{9}, []byte("x"))
	c.Put([32]byte{8}, []byte("x"))
	if err := c.Close(); err == nil {
		t.Error("Close does not say that nothing could be kept")
	}
	if _, err := os.Stat(filepath.Join(dir, "08")); err == nil {
		t.Error("writes go on after one failed")
	}
}
