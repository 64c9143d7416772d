package registry

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"repro/format"
	"repro/publish/stranger"
)

// openRemote opens an image to be read in place, through a cache.
func openRemote(t *testing.T, host, name, cache string) *Remote {
	t.Helper()
	o := quick
	o.Cache = cache
	m, err := connectWith(t, o, host, name, false).Open(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func readLayer(t *testing.T, im *format.Image, off, n int64) ([]byte, error) {
	t.Helper()
	r, err := im.LayerBytes(format.EnvironmentName)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err = r.ReadAt(b, off)
	return b, err
}

// TestReadInPlace reads little to see little, and nothing twice, not even from an
// image of another paper that has the layer too. SPEC.md, REG-10.
func TestReadInPlace(t *testing.T) {
	image, _ := newImage(t, 20<<20)
	s := serve(t, true)
	push(t, s.host, "paper:1", image)
	im := openImage(t, image)
	cache := t.TempDir()
	same := func(m *Remote, off, n int64) {
		t.Helper()
		got, err := readLayer(t, m.Image, off, n)
		want, _ := readLayer(t, im, off, n)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("bytes %d+%d: %v", off, n, err)
		}
	}
	m := openRemote(t, s.host, "paper:1", cache)
	opened := m.Received()
	if opened > 1<<20 {
		t.Errorf("%d bytes were read to open it", opened)
	}
	same(m, 5<<20+100, 1000)
	if n := m.Received() - opened; n != layerChunk {
		t.Errorf("%d bytes were read of 1000", n)
	}
	s.count("", "")
	before := m.Received()
	same(m, 6<<20, 8<<20) // more and more at once
	if n, asked := m.Received()-before, s.count("GET", "/blobs/"); n < 8<<20 || n > 8<<20+layerAhead*layerChunk || asked > 9 {
		t.Errorf("%d bytes were read of %d, by %d requests", n, 8<<20, asked)
	}
	m.Close()

	m = openRemote(t, s.host, "paper:1", cache)
	before = m.Received()
	same(m, 6<<20, 8<<20)
	if n := m.Received() - before; n != 0 {
		t.Errorf("%d bytes were read again", n)
	}
	if m = openRemote(t, s.host, "paper:1", ""); m.Received() != opened {
		t.Errorf("%d bytes to open it, then %d", opened, m.Received())
	}
	same(m, 6<<20, 8<<20)
	if n := m.Received() - opened; n < 8<<20 {
		t.Errorf("%d bytes were read without a cache", n)
	}
}

// TestCacheThatWasTouched asks for what the cache has no more as it was.
func TestCacheThatWasTouched(t *testing.T) {
	image, _ := newImage(t, 1<<20)
	s := serve(t, true)
	push(t, s.host, "paper:1", image)
	cache := t.TempDir()
	m := openRemote(t, s.host, "paper:1", cache)
	want, err := readLayer(t, m.Image, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	// An entry with another's content, and its sum: only the hash tree tells.
	again := openRemote(t, s.host, "paper:1", cache)
	inner := newestLayer(t, s.host, cache)
	inner.cache.Put(layerKey(inner.spans[0].layer, 3), make([]byte, layerChunk))
	before := again.Received()
	got, err := readLayer(t, again.Image, 0, 1<<20)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("err = %v", err)
	}
	if n := again.Received() - before; n != layerChunk {
		t.Errorf("%d bytes were read, want %d", n, layerChunk)
	}
}

func newestLayer(t *testing.T, host, cache string) *layered {
	t.Helper()
	o := quick
	o.Cache = cache
	r := connectWith(t, o, host, "paper:1", false)
	s, err := r.manifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLayered(t.Context(), r, s, newRanges(t.Context(), r, s, lookChunk))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestCacheHasRoom keeps no more than there is room for, and reads on.
func TestCacheHasRoom(t *testing.T) {
	image, _ := newImage(t, 1<<20)
	s := serve(t, true)
	push(t, s.host, "paper:1", image)
	cache := t.TempDir()
	l := newestLayer(t, s.host, cache)
	l.room.Store(2*layerChunk + 1)
	b := make([]byte, 5*layerChunk)
	for i := range 5 { // each alone
		if _, err := l.ReadAt(b[:1], l.spans[0].start+int64((i*3%5)*2*layerChunk)); err != nil {
			t.Fatal(err)
		}
	}
	l.close()
	if kept, _ := filepath.Glob(filepath.Join(cache, layerFolder, "*", "*")); len(kept) != 2 {
		t.Errorf("%d chunks were kept", len(kept))
	}
}

// TestChangesUnderUs gives out nothing of a blob that became another, or does not
// come any more, and says which it is. SPEC.md, REG-10.
func TestChangesUnderUs(t *testing.T) {
	image, content := newImage(t, 4<<20)
	s := serve(t, true)
	pushed := push(t, s.host, "paper:1", image)
	for what, c := range map[string]struct {
		edit func(w http.ResponseWriter, r *http.Request)
		want string
		is   error
	}{
		"altered": {func(w http.ResponseWriter, r *http.Request) {
			b := bytes.Clone(content)
			for i := range b {
				b[i] ^= 0x20
			}
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
		}, "differs from", format.ErrAltered},
		"shorter": {func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content[:3<<20]))
		}, "of " + fmt.Sprint(len(content)) + ", the registry sends", nil},
		"whole": {func(w http.ResponseWriter, r *http.Request) { w.Write(content) }, errNoRanges.Error(), nil},
		"gone":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "404", nil},
		"cut": {func(w http.ResponseWriter, r *http.Request) {
			var from, to int
			fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(content)))
			w.Header().Set("Content-Length", fmt.Sprint(to-from+1))
			w.WriteHeader(http.StatusPartialContent)
		}, "unexpected EOF", nil},
	} {
		t.Run(what, func(t *testing.T) {
			m := openRemote(t, s.host, "paper:1", t.TempDir())
			s.mu.Lock()
			s.edit = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, string(pushed.File)) {
					return false
				}
				c.edit(w, r)
				return true
			}
			s.mu.Unlock()
			defer func() {
				s.mu.Lock()
				s.edit = nil
				s.mu.Unlock()
			}()
			_, err := readLayer(t, m.Image, 1<<20, 1000)
			if err == nil {
				t.Fatal("was read")
			}
			if err = m.Explain(err); !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.host) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// TestReadThroughCuts reads what was pushed, whatever is cut off and however many
// read at once.
func TestReadThroughCuts(t *testing.T) {
	image, _ := newImage(t, 4<<20)
	s := serve(t, true)
	push(t, s.host, "paper:1", image)
	im := openImage(t, image)
	c := cut(t, s.host, 20<<10, 900<<10)
	var m *Remote
	for m == nil {
		r, err := tryConnect(t.Context(), c.host, "paper:1", false)
		if err == nil {
			m, err = r.Open(t.Context(), false)
		}
		if err != nil && !stranger.IsNetwork(err) {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range 50 {
				off := r.Int64N(4<<20 - 100_000)
				got, err := readLayer(t, m.Image, off, 100_000)
				want, _ := readLayer(t, im, off, 100_000)
				if stranger.IsNetwork(err) {
					continue
				}
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("at %d: %v", off, err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d cuts", c.cuts.Load())
}
