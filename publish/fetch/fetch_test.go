package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"repro/format/manifest"
	"repro/publish/fetch"
)

var content = bytes.Repeat([]byte("measured "), 10_000)

func external(source string) manifest.External {
	return manifest.External{Path: "/paper/data/a.csv", Source: source, Digest: manifest.DigestOf(content), Size: int64(len(content))}
}

// TestFetch brings a file, and finds it there the second time.
func TestFetch(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.ServeContent(w, r, "a.csv", time.Time{}, bytes.NewReader(content))
	}))
	defer server.Close()
	dir := t.TempDir()
	for _, already := range []bool{false, true} {
		files, err := fetch.Files(t.Context(), []manifest.External{external(server.URL + "/a.csv")}, dir, fetch.Options{})
		if err != nil || files[0].Already != already || files[0].Size != int64(len(content)) {
			t.Fatalf("%+v, %v", files, err)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "data", "a.csv")); !bytes.Equal(got, content) {
		t.Errorf("other bytes came")
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// TestResume cuts the first download off in the middle.
func TestResume(t *testing.T) {
	var ranges []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		if len(ranges) == 1 {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			w.Write(content[:12_345])
			return // the connection breaks
		}
		http.ServeContent(w, r, "a.csv", time.Time{}, bytes.NewReader(content))
	}))
	defer server.Close()
	dir := t.TempDir()
	x := []manifest.External{external(server.URL)}
	if _, err := fetch.Files(t.Context(), x, dir, fetch.Options{}); err == nil {
		t.Fatal("half a file was taken for the whole")
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "a.csv")); err == nil {
		t.Fatal("half a file has the name of the whole")
	}
	if _, err := fetch.Files(t.Context(), x, dir, fetch.Options{}); err != nil {
		t.Fatal(err)
	}
	if ranges[1] != "bytes=12345-" {
		t.Errorf("asked for %q", ranges[1])
	}
}

// TestRestart is a start that belongs to another version of the file.
func TestRestart(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.csv", time.Time{}, bytes.NewReader(content))
	}))
	defer server.Close()
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "data"), 0o777)
	os.WriteFile(filepath.Join(dir, "data", ".a.csv.part"), []byte("an older version"), 0o666)
	if _, err := fetch.Files(t.Context(), []manifest.External{external(server.URL)}, dir, fetch.Options{}); err != nil {
		t.Fatal(err)
	}
}

// TestRefused holds what a server may do against what is taken.
func TestRefused(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"other content": func(w http.ResponseWriter, r *http.Request) { w.Write(bytes.Repeat([]byte{'x'}, len(content))) },
		"too long":      func(w http.ResponseWriter, r *http.Request) { w.Write(append(content, 'x')) },
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(content); err != nil {
					return
				}
			}
		},
		"missing": http.NotFound,
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.invalid/a.csv", http.StatusFound)
		},
		"in circles": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			defer server.Close()
			dir := t.TempDir()
			files, err := fetch.Files(t.Context(), []manifest.External{external(server.URL)}, dir, fetch.Options{})
			if err == nil || files[0].Problem == "" {
				t.Fatal("accepted")
			}
			if _, err := os.Stat(filepath.Join(dir, "data", "a.csv")); err == nil {
				t.Error("left a file")
			}
		})
	}
	for _, source := range []string{"http://example.org/a", "ftp://example.org/a", "file:///etc/passwd", "doi:10.1000/182", "a.csv"} {
		if _, err := fetch.Files(t.Context(), []manifest.External{external(source)}, t.TempDir(), fetch.Options{}); err == nil {
			t.Errorf("%s: accepted", source)
		}
	}
}

// TestOthersFile leaves a file alone that is not the one that the image names.
func TestOthersFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "data", "a.csv")
	os.MkdirAll(filepath.Dir(name), 0o777)
	os.WriteFile(name, []byte("mine"), 0o666)
	_, err := fetch.Files(t.Context(), []manifest.External{external("https://example.invalid/")}, dir, fetch.Options{})
	if got, _ := os.ReadFile(name); !errors.Is(err, fetch.ErrDiffers) || string(got) != "mine" {
		t.Errorf("%v, file holds %q", err, got)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fetch.Files(ctx, []manifest.External{external("https://example.invalid/")}, t.TempDir(), fetch.Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAddress(t *testing.T) {
	got, err := fetch.Address(manifest.External{Path: "/paper/data/a b.csv", Source: "doi:10.5281/zenodo.42"})
	if want := "https://zenodo.org/records/42/files/a%20b.csv?download=1"; err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := fetch.Address(manifest.External{Source: "doi:10.5281/zenodo.4x"}); err == nil || !strings.Contains(err.Error(), "Zenodo") {
		t.Error(err)
	}
}

// TestServers resumes at servers that do something else than they did when
// the first half came: whatever they send, only the file that the image names
// gets its name.
func TestServers(t *testing.T) {
	whole := func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "a.csv", time.Time{}, bytes.NewReader(content))
	}
	changed := bytes.Repeat([]byte("estimate "), len(content)/9)
	half := len(content) / 2
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		start   []byte   // what is there of a first download
		ranges  []string // what is asked for
		problem string   // empty: the file comes
	}{
		"the rest": {whole, content[:half], []string{fmt.Sprintf("bytes=%d-", half)}, ""},
		"the rest, moved": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, "/moved", http.StatusFound)
				return
			}
			whole(w, r)
		}, content[:half], []string{fmt.Sprintf("bytes=%d-", half), fmt.Sprintf("bytes=%d-", half)}, ""},
		"no ranges":         {func(w http.ResponseWriter, _ *http.Request) { w.Write(content) }, content[:half], []string{fmt.Sprintf("bytes=%d-", half)}, ""},
		"start of another":  {whole, changed[:half], []string{fmt.Sprintf("bytes=%d-", half), ""}, ""},
		"all, but of other": {whole, changed, []string{""}, ""},
		"changed since": {func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "a.csv", time.Time{}, bytes.NewReader(changed))
		}, content[:half], []string{fmt.Sprintf("bytes=%d-", half), ""}, "has digest"},
		"another range": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(content)
		}, content[:half], []string{fmt.Sprintf("bytes=%d-", half)}, "206"},
		"cut off, not said": {func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer c.Close()
			fmt.Fprintf(c, "HTTP/1.0 206 Partial Content\r\nContent-Range: bytes %d-%d/%d\r\n\r\n", half, len(content)-1, len(content))
			c.Write(content[half : half+100])
		}, content[:half], []string{fmt.Sprintf("bytes=%d-", half)}, fmt.Sprintf("ends after %d of %d bytes", half+100, len(content))},
		"cut off again": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", half, len(content)-1, len(content)))
			w.Header().Set("Content-Length", fmt.Sprint(len(content)-half))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(content[half : half+100])
		}, content[:half], []string{fmt.Sprintf("bytes=%d-", half)}, "after"},
	} {
		t.Run(name, func(t *testing.T) {
			var ranges []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ranges = append(ranges, r.Header.Get("Range"))
				c.handler(w, r)
			}))
			defer server.Close()
			dir := t.TempDir()
			file, part := filepath.Join(dir, "data", "a.csv"), filepath.Join(dir, "data", ".a.csv.part")
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(part, c.start, 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := fetch.Files(t.Context(), []manifest.External{external(server.URL)}, dir, fetch.Options{})
			if !slices.Equal(ranges, c.ranges) {
				t.Errorf("asked for %q, want %q", ranges, c.ranges)
			}
			got, readErr := os.ReadFile(file)
			if c.problem == "" {
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%v, %v", err, readErr)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.problem) || !errors.Is(readErr, os.ErrNotExist) {
				t.Errorf("%v, want %q; %v", err, c.problem, readErr)
			}
			if info, err := os.Stat(part); strings.HasPrefix(name, "cut off") && (err != nil || info.Size() != int64(half+100)) {
				t.Errorf("what came is not kept: %v", err)
			}
		})
	}
}

// TestLeads follows a server to another, and not to where only this machine or its
// network gets.
func TestLeads(t *testing.T) {
	to := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/content" {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	}))
	defer server.Close()
	for where, want := range map[string]string{
		server.URL + "/content":        "",
		"https://169.254.169.254/x":    "leads to the private address 169.254.169.254",
		"https://[fe80::1]/x":          "leads to the private address [fe80::1]",
		"http://registry.example.org/": "want https",
		"file:///etc/passwd":           "want https",
		server.URL + "/again":          "more than 10 redirects",
	} {
		to = where
		dir := t.TempDir()
		_, err := fetch.Files(t.Context(), []manifest.External{external(server.URL + "/a.csv")}, dir, fetch.Options{})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", where, err, want)
		}
	}
}
