package registry

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMount has a registry show what another of its repositories has. SPEC.md, REG-3.
func TestMount(t *testing.T) {
	image, content := newImage(t, 300<<10)
	host := serveDebian(t)
	o := quick
	o.Cache = t.TempDir()
	first := pushWith(t, o, host, "lab/one:1", image)
	second := pushWith(t, o, host, "lab/two:1", image)
	if first.Sent < int64(len(content)) || second.Sent != 2 { // {} is sent sooner than asked for
		t.Errorf("sent %d, then %d bytes", first.Sent, second.Sent)
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
	if _, err := connect(t, host, "lab/two:1", false).Pull(t.Context(), name, nil); err != nil {
		t.Fatal(err)
	}
	sameFileContent(t, name, content)

	// A wrong guess costs nothing but a question.
	wrong := filepath.Join(o.Cache, knownFolder, strings.ReplaceAll(host, ":", "%3A"))
	text := string(first.File) + " lab/nobody\n" + "sha256:12 lab/one\nno line\n"
	if err := os.WriteFile(wrong, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if third := pushWith(t, o, host, "lab/three:1", image); third.Sent != int64(len(content))+2 {
		t.Errorf("sent %d of %d bytes", third.Sent, len(content))
	}
	b, err := os.ReadFile(wrong)
	if want := string(first.File) + " lab/three\n"; err != nil || string(b) != want {
		t.Errorf("remembered %q (%v), want %q", b, err, want)
	}
}

// TestMountRefused sends the blob where the registry does not know how to mount one.
func TestMountRefused(t *testing.T) {
	image, content := newImage(t, 100<<10)
	for _, status := range []int{http.StatusMethodNotAllowed, http.StatusForbidden} {
		s := serve(t, true)
		o := quick
		o.Cache = t.TempDir()
		r := connectWith(t, o, s.host, "one:1", true)
		im := openImage(t, image)
		file, err := wholeImage(t.Context(), im)
		if err != nil {
			t.Fatal(err)
		}
		r.remember(descriptor{Digest: file, Size: im.Size()}) // which is not so
		asked := 0
		s.edit = func(w http.ResponseWriter, q *http.Request) bool {
			if q.URL.Query().Get("mount") == "" {
				return false
			}
			asked++
			w.WriteHeader(status)
			return true
		}
		if p := pushWith(t, o, s.host, "two:1", image); p.Sent < int64(len(content)) || asked != 1 {
			t.Errorf("%d: %d of %d bytes sent, asked %d times", status, p.Sent, len(content), asked)
		}
	}
}
