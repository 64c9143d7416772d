package fetch_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/internal/progress"
	"repro/publish/fetch"
)

// TestSize holds what is written to the size that the image states: a byte more
// is read to know that there is one, and ends the download.
func TestSize(t *testing.T) {
	chunks := func(parts ...[]byte) http.HandlerFunc { // without a Content-Length
		return func(w http.ResponseWriter, _ *http.Request) {
			for _, p := range parts {
				if _, err := w.Write(p); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		}
	}
	size := len(content)
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		start   int // bytes that are there already
		done    int // bytes that the last report counts
		problem string
		kept    bool // what came is kept for another try
	}{
		{"all", chunks(content), 0, size, "", false},
		{"in two parts", chunks(content[:100], content[100:]), 0, size, "", false},
		{"a byte more", chunks(content, []byte("x")), 0, size + 1, fmt.Sprintf("sends more than %d bytes", size), false},
		{"as much again", chunks(content, content), 0, size + 1, fmt.Sprintf("sends more than %d bytes", size), false},
		{"a byte less", chunks(content[:size-1]), 0, size - 1, fmt.Sprintf("ends after %d of %d bytes", size-1, size), true},
		{"nothing", chunks(), 0, -1, fmt.Sprintf("ends after 0 of %d bytes", size), true},
		{"a byte more after a start", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 10-%d/*", size))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(append(content[10:len(content):len(content)], 'x'))
		}, 10, size + 1, fmt.Sprintf("sends more than %d bytes", size), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			dir := t.TempDir()
			part := filepath.Join(dir, "data", ".a.csv.part")
			if c.start > 0 {
				if err := os.MkdirAll(filepath.Dir(part), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(part, content[:c.start], 0o666); err != nil {
					t.Fatal(err)
				}
			}
			done := int64(-1)
			_, err := fetch.Files(t.Context(), []manifest.External{external(server.URL)}, dir, fetch.Options{
				Progress: func(e progress.Event) { done = e.Done },
			})
			if done != int64(c.done) {
				t.Errorf("%d bytes were written, want %d", done, c.done)
			}
			if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Fatalf("%v, want %q", err, c.problem)
			}
			if tooMuch := strings.HasPrefix(c.problem, "sends"); errors.Is(err, fetch.ErrDiffers) != tooMuch {
				t.Errorf("%v", err)
			}
			if _, err := os.Stat(part); (err == nil) != c.kept {
				t.Errorf("what came is there: %v, want %v", err == nil, c.kept)
			}
			if _, err := os.Stat(filepath.Join(dir, "data", "a.csv")); (err == nil) != (c.problem == "") {
				t.Errorf("the file is there: %v", err == nil)
			}
		})
	}
}
