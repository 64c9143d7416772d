package fetch

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/publish/repository/repositorytest"
)

// failing answers requests below each of its paths with a status, some times, and
// then as inner does.
type failing struct {
	inner  http.Handler
	status int
	header http.Header
	left   map[string]int
	asked  map[string]int
}

func (f *failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked[r.URL.Path]++
	if f.left[r.URL.Path] > 0 {
		f.left[r.URL.Path]--
		for k, v := range f.header {
			w.Header()[k] = v
		}
		w.WriteHeader(f.status)
		return
	}
	f.inner.ServeHTTP(w, r)
}

const (
	listPath    = "/api/records/7/files"
	contentPath = "/api/records/7/files/a/content"
)

// deposit serves a record of one file, "abc", that states this size and checksum.
func deposit(t *testing.T, key string, size int, checksum string) *failing {
	mux := http.NewServeMux()
	mux.HandleFunc(listPath, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"entries":[{"key":%q,"size":%d,"checksum":%q}]}`, key, size, checksum)
	})
	mux.HandleFunc(contentPath, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "abc") })
	return &failing{inner: mux, left: map[string]int{}, asked: map[string]int{}}
}

// bring resolves and fetches the record of a server.
func bring(t *testing.T, f *failing) (string, []File, error) {
	t.Helper()
	defer func(d time.Duration) { firstPause = d }(firstPause)
	firstPause = time.Microsecond
	s := httptest.NewServer(f)
	defer s.Close()
	resolver := httptest.NewServer(repositorytest.DataCite{"10.1/x": s.URL + "/records/7"})
	defer resolver.Close()
	o := Options{Resolver: resolver.URL}
	dir := t.TempDir()
	rec, err := Resolve(t.Context(), "10.1/x", o)
	if err != nil {
		return dir, nil, err
	}
	files, err := rec.Fetch(t.Context(), dir, nil, o)
	return dir, files, err
}

var sumOfABC = fmt.Sprintf("md5:%x", md5.Sum([]byte("abc")))

// TestServerFails asks again what a server could not answer for now, and nothing else.
func TestServerFails(t *testing.T) {
	for _, path := range []string{listPath, contentPath} {
		for status, asks := range map[int]int{500: 3, 502: 3, 503: 3, 429: 3, 408: 3, 501: 1, 403: 1, 404: 1} {
			f := deposit(t, "a", 3, sumOfABC)
			f.status, f.left[path] = status, 2
			dir, files, err := bring(t, f)
			if f.asked[path] != asks || (err == nil) != (asks == 3) {
				t.Errorf("%s, %d: asked %d times, want %d; %v", path, status, f.asked[path], asks, err)
			}
			if got, _ := os.ReadFile(filepath.Join(dir, "a")); asks == 3 && (string(got) != "abc" || files[0].Size != 3) {
				t.Errorf("%s, %d: %q, %+v", path, status, got, files)
			}
		}
		f := deposit(t, "a", 3, sumOfABC)
		f.status, f.left[path] = 500, 100
		if _, _, err := bring(t, f); f.asked[path] != maxTries || err == nil || !strings.Contains(err.Error(), `answers "500 `) {
			t.Errorf("%s, for good: asked %d times, %v", path, f.asked[path], err)
		}
	}
}

// TestAskedToWait waits as long as a server asks, if that is not too long.
func TestAskedToWait(t *testing.T) {
	f := deposit(t, "a", 3, sumOfABC)
	f.status, f.left[listPath], f.header = 429, 1, http.Header{"Retry-After": {"1"}}
	begin := time.Now()
	if _, _, err := bring(t, f); err != nil || time.Since(begin) < time.Second {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
	f = deposit(t, "a", 3, sumOfABC)
	f.status, f.left[listPath], f.header = 429, 1, http.Header{"Retry-After": {"301"}}
	if _, _, err := bring(t, f); f.asked[listPath] != 1 || err == nil || !strings.Contains(err.Error(), "asks to wait for 5m1s: try again then") {
		t.Errorf("asked %d times: %v", f.asked[listPath], err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pause(ctx, 1, &statusError{after: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestNoSize takes a file for an empty one only if its checksum is that of nothing.
func TestNoSize(t *testing.T) {
	empty := fmt.Sprintf("md5:%x", md5.Sum(nil))
	dir, files, err := bring(t, deposit(t, "a", 0, empty))
	if info, statErr := os.Stat(filepath.Join(dir, "a")); err != nil || statErr != nil || info.Size() != 0 || files[0].Unchecked {
		t.Errorf("an empty file: %+v, %v, %v", files, err, statErr)
	}
	dir, files, err = bring(t, deposit(t, "a", 0, sumOfABC))
	if !errors.Is(err, ErrRecord) || files[0].Problem == "" {
		t.Errorf("no size: %+v, %v", files, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestRecordNames refuses a file that another's start would be written over.
func TestRecordNames(t *testing.T) {
	for key, want := range map[string]string{".a.part": "what is not whole yet is called so", "d/.a.part": "what is not whole yet is called so", "..": "leads out", "/a": "leads out", "a\t": "leads out"} {
		if _, _, err := bring(t, deposit(t, key, 3, sumOfABC)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", key, err, want)
		}
	}
	for _, key := range []string{"a.part", ".a", "part"} {
		if isPart(key) {
			t.Errorf("%s: refused", key)
		}
	}
}

// TestOtherForm says in the words of the form what a server does not keep to.
func TestOtherForm(t *testing.T) {
	f := deposit(t, "a", 3, sumOfABC)
	mux := http.NewServeMux()
	mux.HandleFunc(listPath, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"entries":"none"}`) })
	f.inner = mux
	_, _, err := bring(t, f)
	if err == nil || !strings.Contains(err.Error(), `answers with another form than is documented: "entries" is a string`) || strings.Contains(err.Error(), "Go struct") {
		t.Error(err)
	}
	if got := shortened(strings.Repeat("a", maxShown+1)); got != strings.Repeat("a", maxShown)+"..." {
		t.Error(got)
	}
	if got := shortened("a"); got != "a" {
		t.Error(got)
	}
}
