package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"repro/format"
	"repro/internal/progress"
	"repro/publish/stranger"
)

// TestPullGoesOn pulls through connections that are cut off at random places, until
// two hundred were. SPEC.md, REG-6.
func TestPullGoesOn(t *testing.T) {
	image, content := newImage(t, 8<<20)
	s := serve(t, true)
	push(t, s.host, "paper:1", image)
	c := cut(t, s.host, 1<<10, 250<<10)
	for c.cuts.Load() < 200 {
		s.count("", "")
		name := filepath.Join(t.TempDir(), "paper.sif")
		pulled, err := pullWhatever(t, c.host, name)
		if err != nil {
			t.Fatal(err)
		}
		sameFileContent(t, name, content)
		if pulled.Received > int64(len(content)) {
			t.Errorf("%d bytes were taken of %d", pulled.Received, len(content))
		}
		if n := s.fromStart(); n > 2*maxTries { // those cut off before the first block was whole
			t.Errorf("the image was asked for from its start %d times", n)
		}
	}
	t.Logf("%d cuts", c.cuts.Load())
}

// pullWhatever pulls as a user does who types it again.
func pullWhatever(t *testing.T, host, name string) (p *Pulled, err error) {
	for range 20 {
		var r *Repository
		if r, err = tryConnect(t.Context(), host, "paper:1", false); err == nil {
			if p, err = r.Pull(t.Context(), name, nil); err == nil {
				return p, nil
			}
		}
		if !stranger.IsNetwork(err) {
			return nil, err
		}
	}
	return nil, err
}

// fromStart counts requests for all of a blob, or for its first part as a pull has it.
func (s *server) fromStart() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.seen {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") && (r.Header.Get("Range") == "" || strings.HasPrefix(r.Header.Get("Range"), "bytes=0-") && r.Header.Get("Range") != fmt.Sprintf("bytes=0-%d", lookChunk-1)) {
			n++
		}
	}
	return n
}

// TestPullTakesUp goes on after the program ended, checks what is there, and asks
// only for the rest.
func TestPullTakesUp(t *testing.T) {
	image, content := newImage(t, 4<<20)
	s := serve(t, true)
	push(t, s.host, "paper:1", image)
	dir := t.TempDir()
	name := filepath.Join(dir, "paper.sif")
	begin := func() (part string) {
		ctx, cancel := context.WithCancel(t.Context())
		r := connect(t, s.host, "paper:1", false)
		r.o.Progress = func(e progress.Event) {
			if e.Done > int64(len(content))/2 {
				cancel()
			}
		}
		if _, err := r.Pull(ctx, name, nil); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		files := left(t, dir)
		if len(files) != 1 || !strings.HasPrefix(files[0], ".paper.sif.") {
			t.Fatalf("left: %q", files)
		}
		return filepath.Join(dir, files[0])
	}
	finish := func(most int64) {
		t.Helper()
		p, err := connect(t, s.host, "paper:1", false).Pull(t.Context(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		sameFileContent(t, name, content)
		if p.Received > most {
			t.Errorf("%d bytes came again, want at most %d", p.Received, most)
		}
		if files := left(t, dir); len(files) != 1 {
			t.Errorf("left: %q", files)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	begin()
	finish(int64(len(content))/2 + 1<<20)

	part := begin() // what is there may have been altered: in a layer,
	flipByte(t, part, 1<<20)
	finish(2 * int64(len(content)))

	part = begin() // and where the layers are written down
	flipByte(t, part, 32+2)
	finish(2 * int64(len(content)))
}

func flipByte(t *testing.T, name string, at int64) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestPushGoesOn pushes through connections that are cut off. Debian's registry and
// go-containerregistry's forget an upload, or its place, when a request for it is cut
// off: then it begins again. One that keeps what came, as the specification of
// registries says, is asked how much that is, and nothing before it is sent twice.
// SPEC.md, REG-4.
func TestPushGoesOn(t *testing.T) {
	image, content := newImage(t, 3<<20)
	try := func(t *testing.T, to string, least, most int64) (cuts, sent int64) {
		c := cut(t, to, least, most)
		var pushed *Pushed
		for range 50 {
			r, err := tryConnect(t.Context(), c.host, "paper:1", true)
			if err == nil {
				pushed, err = r.Push(t.Context(), openImage(t, image), nil)
			}
			if err == nil {
				break
			}
			if !stranger.IsNetwork(err) && !strings.Contains(err.Error(), "range") {
				t.Fatal(err)
			}
		}
		if pushed == nil {
			t.Fatal("does not come to an end")
		}
		name := filepath.Join(t.TempDir(), "paper.sif")
		if _, err := connect(t, to, "paper:1", false).Pull(t.Context(), name, nil); err != nil {
			t.Fatal(err)
		}
		sameFileContent(t, name, content)
		t.Logf("%d cuts, %d of %d bytes sent", c.cuts.Load(), pushed.Sent, len(content))
		return c.cuts.Load(), pushed.Sent
	}
	t.Run("debian", func(t *testing.T) { try(t, serveDebian(t), 256<<10, 4<<20) })
	t.Run("forgets", func(t *testing.T) { try(t, serve(t, true).host, 256<<10, 4<<20) })
	t.Run("keeps", func(t *testing.T) {
		s := serve(t, true)
		k := &keeping{}
		s.edit = k.answer
		cuts, sent := try(t, s.host, 64<<10, 512<<10)
		if cuts < 5 || k.begun != 2 { // of the image and the configuration
			t.Errorf("%d cuts, %d uploads were begun", cuts, k.begun)
		}
		if most := int64(len(content)) + cuts*(8<<20); sent > most { // what was on its way in buffers
			t.Errorf("%d bytes were sent", sent)
		}
	})
}

// keeping stands in for the uploads of a registry, and keeps what came of a request
// that was cut off.
type keeping struct {
	mu    sync.Mutex
	have  map[string][]byte
	begun int
}

func (k *keeping) answer(w http.ResponseWriter, r *http.Request) bool {
	if !strings.Contains(r.URL.Path, "/uploads/") || r.URL.Query().Get("digest") != "" && r.Method == http.MethodPost {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.have == nil {
		k.have = map[string][]byte{}
	}
	switch r.Method {
	case http.MethodPost:
		k.begun++
		w.Header().Set("Location", fmt.Sprintf("/v2/paper/blobs/uploads/kept-%d", k.begun))
		w.WriteHeader(http.StatusAccepted)
		return true
	case http.MethodPatch:
		var from int
		fmt.Sscanf(r.Header.Get("Content-Range"), "%d-", &from)
		if from != len(k.have[r.URL.Path]) {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}
		b, err := io.ReadAll(r.Body)
		k.have[r.URL.Path] = append(k.have[r.URL.Path], b...)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Location", r.URL.Path)
		w.WriteHeader(http.StatusAccepted)
	case http.MethodGet:
		w.Header().Set("Location", r.URL.Path)
		w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, len(k.have[r.URL.Path])-1)))
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPut: // handed on as a whole
		r.Method, r.URL.Path = http.MethodPost, "/v2/paper/blobs/uploads/"
		b := k.have[r.RequestURI[:strings.IndexByte(r.RequestURI, '?')]]
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		return false
	}
	return true
}

// TestPullOfOneThatIsThere never touches a file that somebody has.
func TestPullOfOneThatIsThere(t *testing.T) {
	image, _ := newImage(t, 1000)
	s := serve(t, true)
	push(t, s.host, "paper:1", image)
	name := filepath.Join(t.TempDir(), "paper.sif")
	if err := os.WriteFile(name, []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, s.host, "paper:1", false).Pull(t.Context(), name, nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("err = %v", err)
	}
	sameFileContent(t, name, []byte("mine"))
}

// TestPullAsksTheCheck gives no image its name that the caller refuses.
func TestPullAsksTheCheck(t *testing.T) {
	image, _ := newImage(t, 1000)
	s := serve(t, true)
	push(t, s.host, "paper:1", image)
	dir := t.TempDir()
	no := errors.New("not signed")
	_, err := connect(t, s.host, "paper:1", false).Pull(t.Context(), filepath.Join(dir, "paper.sif"), func(context.Context, *format.Image, []Attachment) error { return no })
	if !errors.Is(err, no) || len(left(t, dir)) != 0 {
		t.Errorf("err = %v, left: %q", err, left(t, dir))
	}
}
