package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/format"
)

// TestStrangers pulls from registries that send something else. The error names
// host and object and says what is wrong, and nothing is left. SPEC.md, REG-8.
func TestStrangers(t *testing.T) {
	image, content := newImage(t, 200<<10)
	s := serve(t, true)
	pushed := push(t, s.host, "paper:1", image)
	raw, err := imageManifest(openImage(t, image), pushed.File)
	if err != nil {
		t.Fatal(err)
	}
	file := string(pushed.File)
	manifests, blobs := "/v2/paper/manifests/1", "/v2/paper/blobs/"+file
	answer := func(path string, a func(w http.ResponseWriter, r *http.Request)) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path || r.Method != http.MethodGet {
				return false
			}
			a(w, r)
			return true
		}
	}
	text := func(kind, body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			io.WriteString(w, body)
		}
	}
	changed := func(old, new string) func(http.ResponseWriter, *http.Request) {
		if !bytes.Contains(raw, []byte(old)) {
			t.Fatalf("the manifest has no %q", old)
		}
		return text(manifestIn, strings.ReplaceAll(string(raw), old, new))
	}
	file2 := func(edit func(b []byte) []byte) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(edit(bytes.Clone(content))))
		}
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}
	for what, c := range map[string]struct {
		edit func(http.ResponseWriter, *http.Request) bool
		want string
		is   error
	}{
		"HTML":                {answer(manifests, text("text/html", "<html>log in</html>")), "manifest 1: answers with text/html in place of JSON", nil},
		"no JSON":             {answer(manifests, text(manifestIn, "{")), "in place of JSON", nil},
		"endless manifest":    {answer(manifests, endless), "answers more than 4194304 bytes", nil},
		"container":           {answer(manifests, changed(layerType, "application/vnd.oci.image.layer.v1.tar+gzip")), "is this a container's image?", format.ErrForeign},
		"index":               {answer(manifests, text(indexIn, `{"mediaType":"`+indexIn+`"}`)), "index of several", format.ErrForeign},
		"huge size":           {answer(manifests, changed(fmt.Sprintf(`"size":%d`, len(content)), `"size":9000000000000000000`)), "states a layer of", format.ErrMalformed},
		"no size":             {answer(manifests, changed(fmt.Sprintf(`"size":%d`, len(content)), `"size":0`)), "states a layer of 0", format.ErrMalformed},
		"digest as path":      {answer(manifests, changed(file, "sha256:../../../../etc")), "want sha256 and 64", format.ErrMalformed},
		"another content id":  {answer(manifests, changed(string(pushed.ContentID), "sha256:"+strings.Repeat("0", 64))), "names content", format.ErrAltered},
		"smaller than stated": {answer(manifests, changed(fmt.Sprintf(`"size":%d`, len(content)), fmt.Sprintf(`"size":%d`, len(content)+4096))), "", nil},
		"altered layer":       {answer(blobs, file2(func(b []byte) []byte { b[len(b)/3] ^= 1; return b })), `content differs from its hash tree`, format.ErrAltered},
		"altered padding":     {answer(blobs, file2(func(b []byte) []byte { b[32<<10-1] ^= 1; return b })), "", format.ErrAltered},
		"not an image":        {answer(blobs, file2(func(b []byte) []byte { return make([]byte, len(b)) })), "not a SIF file", format.ErrMalformed},
		"private address": {answer(manifests, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		}), "manifest 1: ", nil},
		"private, over https": {answer(blobs, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://169.254.169.254/x", http.StatusFound)
		}), "leads to the private address 169.254.169.254", nil},
		"redirects": {answer(manifests, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, manifests, http.StatusFound) }), "more than 10 redirects", nil},
		"refused": {answer(manifests, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			io.WriteString(w, `{"errors":[{"code":"DENIED","message":"no \u001b[31m\nrepro: note: all is well"}]}`)
		}), "403 Forbidden\": DENIED: no \x1b[31m repro: note", ErrLogin},
		"another part": {answer(blobs, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 7-9/10")
			w.WriteHeader(206)
		}), "the registry sends \"bytes 7-9/10\"", nil},
		"stands still": {answer(manifests, func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("{"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), "no byte came for too long", nil},
		"endless list":         {answer("/v2/paper/referrers/"+string(pushed.Digest), endless), "answers more than", nil},
		"attached by a number": {answer("/v2/paper/referrers/"+string(pushed.Digest), text(indexIn, `{"manifests":[{"artifactType":"`+bundleType+`","digest":"sha256:1","size":3}]}`)), "want sha256 and 64", format.ErrMalformed},
	} {
		t.Run(what, func(t *testing.T) {
			s.mu.Lock()
			s.edit = c.edit
			s.mu.Unlock()
			dir := t.TempDir()
			ref, err := ParseReference(Scheme + s.host + "/paper:1")
			if err != nil {
				t.Fatal(err)
			}
			o := quick
			if what == "stands still" {
				o.stall = 100 * time.Millisecond
			}
			r, err := Connect(t.Context(), ref, false, o)
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.Pull(t.Context(), filepath.Join(dir, "paper.sif"), nil)
			if err == nil {
				t.Fatal("pulled")
			}
			if !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("err = %v\nwant %q, %v", err, c.want, c.is)
			}
			if !strings.Contains(err.Error(), s.host) && !strings.Contains(err.Error(), dir) {
				t.Errorf("err = %v: names neither the registry nor the file", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "paper.sif")); err == nil {
				t.Error("the image is there")
			}
		})
	}
}

// TestStrangersLogin puts what a registry says to who knocks on one line, and knows
// when another login may help.
func TestStrangersLogin(t *testing.T) {
	for status, denied := range map[int]bool{403: true, 404: false, 418: false} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, `{"errors":[{"code":"DENIED","message":"no\nrepro: note: all is well"}]}`)
		}))
		ref, err := ParseReference(Scheme + strings.TrimPrefix(s.URL, "http://") + "/paper:1")
		if err != nil {
			t.Fatal(err)
		}
		_, err = Connect(t.Context(), ref, false, quick)
		s.Close()
		if err == nil || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "Get ") || errors.Is(err, ErrLogin) != denied {
			t.Errorf("%d: %v", status, err)
			continue
		}
		if want := fmt.Sprintf(`the registry answers "%d %s"`, status, http.StatusText(status)); !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestPinned refuses what has not the digest that was asked for.
func TestPinned(t *testing.T) {
	image, _ := newImage(t, 1000)
	s := serve(t, true)
	pushed := push(t, s.host, "paper:1", image)
	s.edit = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		io.WriteString(w, "{}")
		return true
	}
	_, err := connect(t, s.host, "paper@"+string(pushed.Digest), false).Open(t.Context(), false)
	if !errors.Is(err, format.ErrAltered) || !strings.Contains(err.Error(), "manifest "+string(pushed.Digest)) {
		t.Errorf("err = %v", err)
	}
}

// TestBlockThatCameWrong asks again for a block that was altered on its way once,
// and for nothing before it.
func TestBlockThatCameWrong(t *testing.T) {
	image, content := newImage(t, 1<<20)
	s := serve(t, true)
	pushed := push(t, s.host, "paper:1", image)
	whole := 0
	var ranges []string
	s.edit = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, string(pushed.File)) {
			return false
		}
		b := bytes.Clone(content)
		if r.Header.Get("Range") == "" {
			whole++
			b[len(b)/2] ^= 1
		} else {
			ranges = append(ranges, r.Header.Get("Range"))
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
		return true
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
	if _, err := connect(t, s.host, "paper:1", false).Pull(t.Context(), name, nil); err != nil {
		t.Fatal(err)
	}
	sameFileContent(t, name, content)
	var from int
	if _, err := fmt.Sscanf(ranges[len(ranges)-1], "bytes=%d-", &from); err != nil || whole != 1 || from > len(content)/2 || from < len(content)/2-spanSize {
		t.Errorf("%d times from the start, then %q: want one from just before byte %d", whole, ranges, len(content)/2)
	}
}

// FuzzParseManifest reads manifests from anywhere: what passes names one layer of a
// size that can be, by a digest that is safe in an address.
func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"layers":[{"mediaType":"application/vnd.sylabs.sif.layer.v1.sif","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}]}`))
	f.Add([]byte(`{"layers":[{"mediaType":"application/vnd.sylabs.sif.layer.v1.sif","digest":"sha256:AB","size":-1}]}`))
	f.Add([]byte(`{"mediaType":"application/vnd.oci.image.index.v1+json"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := parseManifest(raw)
		if err == nil && (s.file.Size <= 0 || s.file.Size > maxImage || len(s.file.Digest) != 71 || strings.Trim(string(s.file.Digest[7:]), "0123456789abcdef") != "") {
			t.Errorf("%q: %+v", raw, s)
		}
	})
}
