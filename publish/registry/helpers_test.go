package registry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
)

// quick is for tests, which do not wait for better times.
var quick = Options{pause: time.Millisecond, stall: 10 * time.Second}

// noise returns n bytes that do not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

// newImage makes an image with a layer of about n bytes.
func newImage(t testing.TB, n int) (name string, content []byte) {
	t.Helper()
	return newVersion(t, n, []byte("print(1)\n"))
}

// newVersion is newImage with another second layer.
func newVersion(t testing.TB, n int, code []byte) (name string, content []byte) {
	t.Helper()
	root := func(path string, content []byte) *tree.Node {
		dir := tree.NewDir()
		if err := dir.Put(path, tree.NewFile(0o644, content)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	name = filepath.Join(t.TempDir(), "paper.sif")
	_, err := format.Create(t.Context(), name, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version, Arch: "amd64", Environment: manifest.Environment{Kind: "host"},
			Paper:   manifest.Paper{Title: "A sample", Authors: []manifest.Author{{Name: "Ada"}}, Date: "2026-11-23T12:00:00Z"},
			Steps:   []manifest.Step{{Name: "run", Command: []string{"true"}, Dir: "/paper"}},
			Results: []manifest.Result{},
		},
		Recipe:  []byte("title: A sample\n"),
		Inspect: []byte(`{"data":{"attributes":{}},"type":"container"}` + "\n"),
		Layers: []format.LayerSpec{
			{Name: "environment", Role: manifest.RoleLayer, Tree: root("bin/sh", noise(n))},
			{Name: "code", Role: manifest.RoleLayer, Tree: root("paper/a.py", code)},
			{Name: "published", Role: manifest.RoleHidden, Tree: root("r.txt", []byte("1\n"))},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(name); err != nil {
		t.Fatal(err)
	}
	return name, content
}

func openImage(t testing.TB, name string) *format.Image {
	t.Helper()
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// server is a registry, and what was asked of it.
type server struct {
	host string

	mu   sync.Mutex
	seen []*http.Request
	edit func(w http.ResponseWriter, r *http.Request) bool // answers in place of it
}

// serve starts go-containerregistry's registry.
func serve(t testing.TB, referrers bool) *server {
	s := &server{}
	inner := registry.New(registry.WithReferrersSupport(referrers), registry.Logger(log.New(io.Discard, "", 0)))
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r)
		edit := s.edit
		s.mu.Unlock()
		if edit == nil || !edit(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(h.Close)
	s.host = strings.TrimPrefix(h.URL, "http://")
	return s
}

// count counts requests of a kind since it was asked last.
func (s *server) count(method, part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.seen {
		if r.Method == method && strings.Contains(r.URL.Path, part) {
			n++
		}
	}
	s.seen = nil
	return n
}

// serveDebian starts the registry of Debian's package docker-registry, with more
// lines for its configuration: what belongs under http, and the rest.
func serveDebian(t testing.TB, more ...string) string {
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("needs docker-registry")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	l.Close()
	dir := t.TempDir()
	more = append(more, "", "")
	config := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q%s}\n%s", filepath.Join(dir, "data"), host, more[0], more[1])
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), []byte(config), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", filepath.Join(dir, "config.yml"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 200 {
		if c, err := net.Dial("tcp", host); err == nil {
			c.Close()
			return host
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("docker-registry does not start")
	return ""
}

// cutter lets connections through to a registry and cuts each off after a random
// number of bytes, in either direction.
type cutter struct {
	host string
	cuts atomic.Int64
}

func cut(t testing.TB, to string, least, most int64) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c := &cutter{host: l.Addr().String()}
	r := rand.New(rand.NewPCG(1, 2))
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			left := &atomic.Int64{}
			left.Store(least + r.Int64N(most-least))
			go c.pass(in, to, left)
		}
	}()
	return c
}

func (c *cutter) pass(in net.Conn, to string, left *atomic.Int64) {
	defer in.Close()
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	done := make(chan bool, 2)
	copyTo := func(w, r net.Conn) {
		b := make([]byte, 4<<10)
		for {
			n, err := r.Read(b)
			if n > 0 && left.Add(int64(-n)) < 0 {
				done <- true
				return
			}
			if _, writeErr := w.Write(b[:n]); err != nil || writeErr != nil {
				done <- false
				return
			}
		}
	}
	go copyTo(out, in)
	go copyTo(in, out)
	if <-done {
		c.cuts.Add(1)
	}
}

func connect(t testing.TB, host, name string, push bool) *Repository {
	t.Helper()
	r, err := tryConnect(t.Context(), host, name, push)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryConnect(ctx context.Context, host, name string, push bool) (*Repository, error) {
	ref, err := ParseReference(Scheme + host + "/" + name)
	if err != nil {
		return nil, err
	}
	return Connect(ctx, ref, push, quick)
}

func connectWith(t testing.TB, o Options, host, name string, push bool) *Repository {
	t.Helper()
	ref, err := ParseReference(Scheme + host + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Connect(t.Context(), ref, push, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pushWith(t testing.TB, o Options, host, name string, image string) *Pushed {
	t.Helper()
	p, err := connectWith(t, o, host, name, true).Push(t.Context(), openImage(t, image), nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func push(t testing.TB, host, name string, image string, attachments ...Attachment) *Pushed {
	t.Helper()
	p, err := connect(t, host, name, true).Push(t.Context(), openImage(t, image), attachments)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sameFileContent(t testing.TB, name string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: not what was pushed (%d of %d bytes, %v)", name, len(got), len(want), err)
	}
}

// left returns what is in a folder.
func left(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
