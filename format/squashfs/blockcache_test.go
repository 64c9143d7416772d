package squashfs_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"repro/format/squashfs"
	"repro/format/tree"
	"repro/internal/blockcache"
)

// shelf is a cache that counts.
type shelf struct {
	mu         sync.Mutex
	held       map[[32]byte][]byte
	hits, puts int
}

func (s *shelf) Get(key [32]byte, buf []byte) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.held[key]
	if !ok || len(v) > cap(buf) {
		return nil, false
	}
	s.hits++
	return append(buf[:0], v...), true
}

func (s *shelf) Put(key [32]byte, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	if s.held == nil {
		s.held = map[[32]byte][]byte{}
	}
	s.held[key] = bytes.Clone(value)
}

func TestCacheDoesNotShow(t *testing.T) {
	shared := &shelf{} // by all codecs and sizes: their keys must not meet
	eachCodec(t, func(t *testing.T, codec string) {
		for _, size := range []int{0, 4096} {
			o := squashfs.Options{Codec: codec, ModTime: 1_700_000_000, BlockSize: size}
			m, _ := write(t, full(t), o)
			want := m.sum()
			o.Cache = shared
			for _, round := range []string{"empty", "filled"} {
				shared.puts = 0
				if m, _ := write(t, hesitant(full(t)), o); m.sum() != want {
					t.Errorf("%s cache, blocks of %d: other bytes", round, size)
				}
			}
			if shared.puts > 0 {
				t.Errorf("%d blocks were compressed again", shared.puts)
			}
		}
	})
	if shared.hits == 0 {
		t.Error("the cache is of no use")
	}
}

// TestCacheAfterAnEdit changes one small file of many, to another size too,
// and one block of a large one: little is compressed again, and what is
// written is what a writer without a cache writes.
func TestCacheAfterAnEdit(t *testing.T) {
	sample := func(small, large string) *tree.Node {
		r := rand.New(rand.NewPCG(1, 2))
		root := tree.NewDir()
		for i := range 2000 {
			b := bytes.Repeat([]byte{byte(i), byte(i >> 8), 'x'}, 1+r.IntN(1000))
			if i == 700 {
				b = append(b, small...)
			}
			if err := root.Put(fmt.Sprintf("f/%04d", i), tree.NewFile(0o644, b)); err != nil {
				t.Fatal(err)
			}
		}
		b := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
		copy(b[2<<20:], large)
		if err := root.Put("large", tree.NewFile(0o644, b)); err != nil {
			t.Fatal(err)
		}
		return root
	}
	kept := &shelf{}
	write(t, sample("", ""), squashfs.Options{Cache: kept})
	all := kept.puts
	kept.puts = 0
	m, _ := write(t, sample("edited", "edited"), squashfs.Options{Cache: kept})
	want, _ := write(t, sample("edited", "edited"), squashfs.Options{})
	if m.sum() != want.sum() {
		t.Error("other bytes")
	}
	if kept.puts == 0 || kept.puts > all/2 {
		t.Errorf("%d of %d blocks were compressed again", kept.puts, all)
	}
}

// TestDamagedCache cuts and changes what a real cache holds.
func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	o := squashfs.Options{}
	m, _ := write(t, full(t), o)
	want := m.sum()
	for round := range 3 {
		c, err := blockcache.Open(dir, blockcache.DefaultMax)
		if err != nil {
			t.Fatal(err)
		}
		o.Cache = c
		if m, _ := write(t, full(t), o); m.sum() != want {
			t.Errorf("round %d: other bytes", round)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		damage(t, filepath.Join(dir, "*", "*"), round)
	}
}

// damage cuts or changes each second file.
func damage(t *testing.T, pattern string, round int) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%q: %d files, %v", pattern, len(names), err)
	}
	for i, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case i%2 == 0:
			continue
		case round == 0:
			b = b[:len(b)/2]
		default:
			b[len(b)-1] ^= 1
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
