package blockcache_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"repro/internal/blockcache"
)

func TestDigests(t *testing.T) {
	dir := t.TempDir()
	open := func() *blockcache.Cache {
		t.Helper()
		c, err := blockcache.Open(dir, blockcache.DefaultMax)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	finish := func(c *blockcache.Cache) {
		t.Helper()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	c := open()
	if _, ok := c.Digest("stamp"); ok {
		t.Error("a digest out of nothing")
	}
	want := [32]byte{1, 2, 3}
	c.KeepDigest("stamp", want)
	finish(c)
	c = open()
	if got, ok := c.Digest("stamp"); !ok || got != want {
		t.Errorf("got %x, %v", got, ok)
	}
	if _, ok := c.Digest("stamp of another"); ok {
		t.Error("another stamp has the digest")
	}
	c.KeepDigest("second", want)
	finish(c)
	c = open()
	for _, stamp := range []string{"stamp", "second"} {
		if _, ok := c.Digest(stamp); !ok {
			t.Errorf("%q is gone", stamp)
		}
	}

	name := filepath.Join(dir, "digests")
	sound, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string][]byte{
		"empty":   {},
		"cut":     sound[:len(sound)-1],
		"shorter": sound[64:],
		"changed": append(append(bytes.Clone(sound[:40]), sound[40]^1), sound[41:]...),
	} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := open().Digest("stamp"); ok {
			t.Errorf("%s: believed", what)
		}
	}
}
