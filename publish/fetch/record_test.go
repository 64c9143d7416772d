package fetch

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/json"
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

	"repro/publish/repository/repositorytest"
)

func TestParseDOI(t *testing.T) {
	for name, want := range map[string]string{
		"doi:10.5281/zenodo.1": "10.5281/zenodo.1", "https://doi.org/10.7910/DVN/ABC": "10.7910/DVN/ABC",
		"DOI:10.5281/zenodo.1": "10.5281/zenodo.1", "https://www.doi.org/10.5281/zenodo.1": "10.5281/zenodo.1", "http://dx.doi.org/10.5281/zenodo.1": "10.5281/zenodo.1",
		"https://doi.org.example.org/10.5281/zenodo.1": "", "10.5281/zenodo.1": "", "doi:11.5281/x": "", "doi:10.5281/": "", "doi:10.5281/a b": "", "paper.sif": "",
	} {
		if got, ok := ParseDOI(name); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}

// sites are pages of each kind of repository, and what its interface answers.
func sites(t *testing.T, content []byte) map[string]string {
	m := fmt.Sprintf("%x", md5.Sum(content))
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("/content", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
	answer := func(path string, v any) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(v) })
	}
	list := func(v ...any) []any { return v }
	type o = map[string]any
	answer("/api/records/7/files", o{"entries": list(o{"key": "a.sif", "size": len(content), "checksum": "md5:" + m})})
	mux.Handle("/api/records/7/files/a.sif/content", http.RedirectHandler("/content", http.StatusFound))
	answer("/api/datasets/:persistentId/versions/:latest-published/files", o{"data": list(o{
		"label": "a.sif", "directoryLabel": "d", "dataFile": o{"id": 9, "filesize": len(content), "checksum": o{"type": "SHA-256", "value": fmt.Sprintf("%X", sha256.Sum256(content))}},
	})})
	mux.Handle("/api/access/datafile/9", http.RedirectHandler("/content", http.StatusFound))
	answer("/v2/registrations/abc12/files/osfstorage/", o{"data": list(o{
		"attributes": o{"name": "a.sif", "kind": "file", "size": len(content), "extra": o{"hashes": o{"sha256": fmt.Sprintf("%x", sha256.Sum256(content))}}},
		"links":      o{"download": s.URL + "/content"},
	}), "links": o{"next": nil}})
	answer("/v2/articles/55/versions/2", o{"files": list(o{"name": "a.sif", "size": len(content), "computed_md5": m, "download_url": s.URL + "/content"})})
	answer("/api/records/8/files", o{"entries": list(o{"key": "../a.sif", "size": 1, "checksum": "md5:" + m})})
	answer("/api/records/9/files", o{"entries": list(o{"key": "a.sif", "size": len(content), "checksum": "md5:" + strings.Repeat("0", 32)})})
	mux.Handle("/api/records/9/files/a.sif/content", http.RedirectHandler("/content", http.StatusFound))
	answer("/api/records/10/files", o{"entries": list(o{"key": "a.sif", "size": len(content)})})
	mux.Handle("/api/records/10/files/a.sif/content", http.RedirectHandler("/content", http.StatusFound))
	mux.Handle("/api/records/11/files", http.RedirectHandler("https://169.254.169.254/latest", http.StatusFound))
	mux.HandleFunc("/api/records/12/files", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") })
	return map[string]string{"": s.URL}
}

// TestRecord resolves each kind of repository and brings the file.
func TestRecord(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 5000)
	base := sites(t, content)[""]
	pages := repositorytest.DataCite{
		"10.1/invenio": base + "/records/7", "10.1/dataverse": base + "/citation?persistentId=doi:10.1/dataverse",
		"10.1/osf": "https://osf.io/abc12/", "10.1/figshare": "https://figshare.com/articles/software/A_b/55/2",
		"10.1/escape": base + "/records/8", "10.1/wrong": base + "/records/9", "10.1/unstated": base + "/records/10",
		"10.1/private": base + "/records/11", "10.1/html": base + "/records/12", "10.1/journal": "https://journal.example.org/article/1",
		"10.1/metadata": "https://169.254.169.254/records/1", "10.1/none": base + "/records/13",
	}
	resolver := httptest.NewServer(pages)
	defer resolver.Close()
	o := Options{Resolver: resolver.URL, hosts: map[string]string{"api.osf.io": base, "api.figshare.com": base}}
	for doi, name := range map[string]string{"10.1/invenio": "a.sif", "10.1/dataverse": "d/a.sif", "10.1/osf": "a.sif", "10.1/figshare": "a.sif", "10.1/unstated": "a.sif"} {
		rec, err := Resolve(t.Context(), doi, o)
		if err != nil {
			t.Errorf("%s: %v", doi, err)
			continue
		}
		if rec.Title != "A sample" || rec.Publisher != "A fake" || len(rec.Files) != 1 {
			t.Errorf("%s: %+v", doi, rec)
		}
		dir := t.TempDir()
		files, err := rec.Fetch(t.Context(), dir, nil, o)
		if err != nil || len(files) != 1 || files[0].Size != int64(len(content)) || files[0].Unchecked != (doi == "10.1/unstated") {
			t.Errorf("%s: %+v, %v", doi, files, err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, %v", doi, len(got), err)
		}
		if again, err := rec.Fetch(t.Context(), dir, []string{name}, o); err != nil || !again[0].Already {
			t.Errorf("%s: again: %+v, %v", doi, again, err)
		}
		os.WriteFile(filepath.Join(dir, name), content[1:], 0o666)
		if _, err := rec.Fetch(t.Context(), dir, nil, o); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: over another file: %v", doi, err)
		}
		if _, err := rec.Fetch(t.Context(), dir, []string{"b"}, o); err == nil {
			t.Errorf("%s: a file that is not there", doi)
		}
	}
	for doi, want := range map[string]string{
		"10.1/escape": "leads out of the folder", "10.1/private": "leads to the private address 169.254.169.254", "10.1/html": "something else than JSON",
		"10.1/journal": "is no repository whose files can be asked for", "10.1/metadata": "leads to the private address", "10.1/none": "answers \"404",
		"10.1/unknown": "no files are found by this DOI",
	} {
		if _, err := Resolve(t.Context(), doi, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", doi, err, want)
		}
	}
	rec, err := Resolve(t.Context(), "10.1/wrong", o)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := rec.Fetch(t.Context(), dir, nil, o); !errors.Is(err, ErrRecord) {
		t.Errorf("a wrong checksum: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestRecordCut cuts connections at every place; what has come is not asked for again.
func TestRecordCut(t *testing.T) {
	defer func(d time.Duration) { firstPause = d }(firstPause)
	firstPause = time.Microsecond
	content := bytes.Repeat([]byte("0123456789abcdef"), 40000)
	sent, cuts := 0, 0
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	defer s.Close()
	mux.HandleFunc("/api/records/7/files", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"entries":[{"key":"a","size":%d,"checksum":"md5:%x"}]}`, len(content), md5.Sum(content))
	})
	mux.HandleFunc("/api/records/7/files/a/content", func(w http.ResponseWriter, r *http.Request) {
		from := 0
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
		}
		n := min(len(content)-from, 50000)
		sent += n
		w.Write(content[from : from+n])
		if from+n < len(content) {
			cuts++
			panic(http.ErrAbortHandler)
		}
	})
	resolver := httptest.NewServer(repositorytest.DataCite{"10.1/cut": s.URL + "/records/7"})
	defer resolver.Close()
	o := Options{Resolver: resolver.URL}
	rec, err := Resolve(t.Context(), "10.1/cut", o)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := rec.Fetch(t.Context(), dir, nil, o); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "a")); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if cuts < 10 || sent > len(content)*11/10+cuts*16384 {
		t.Errorf("%d cuts, %d bytes sent of %d", cuts, sent, len(content))
	}
}
