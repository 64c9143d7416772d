package repositorytest

import (
	"bytes"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Dataverse is a fake of Dataverse, as far as its native API is documented for
// datasets and files. Not the real one.
type Dataverse struct {
	token string

	mu       sync.Mutex
	datasets map[string]*fakeDataset // by persistent id
	times    int
	nextFile int
	locked   int // times that the dataset is said to be locked
}

type fakeDataset struct {
	id        string
	doc       string
	embargo   string
	published bool
	files     []*fakeDataFile
}

type fakeDataFile struct {
	id      int
	label   string
	about   map[string]any
	content []byte
}

// NewDataverse returns an empty account.
func NewDataverse() *Dataverse {
	return &Dataverse{token: Token, datasets: map[string]*fakeDataset{}, nextFile: 100, locked: 1}
}

// ServeHTTP implements [http.Handler].
func (s *Dataverse) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.public(w, r) {
		return
	}
	if r.Header.Get("X-Dataverse-key") != s.token || r.Header.Get("Authorization") != "" {
		answer(w, 401, map[string]any{"status": "ERROR", "message": "Bad API key"})
		return
	}
	ok := func(v any) { answer(w, 200, map[string]any{"status": "OK", "data": v}) }
	switch {
	case r.URL.Path == "/api/search":
		_, mark, _ := strings.Cut(r.URL.Query().Get("q"), ":")
		items := []any{}
		for id, d := range s.datasets {
			if strings.Contains(d.doc, strings.Trim(mark, `"`)) {
				state := "DRAFT"
				if d.published {
					state = "RELEASED"
				}
				items = append(items, map[string]any{"global_id": id, "versionState": state})
			}
		}
		ok(map[string]any{"items": items})
	case r.URL.Path == "/api/dataverses/lab/datasets" && r.Method == "POST":
		id := fmt.Sprintf("doi:10.5072/FK2/AB%d", len(s.datasets))
		s.datasets[id] = &fakeDataset{id: id, doc: string(body)}
		answer(w, 201, map[string]any{"status": "OK", "data": map[string]any{"id": len(s.datasets), "persistentId": id}})
	case strings.HasPrefix(r.URL.Path, "/api/files/") && r.Method == "DELETE":
		for _, d := range s.datasets {
			d.files = slices.DeleteFunc(d.files, func(f *fakeDataFile) bool { return fmt.Sprint(f.id) == path.Base(r.URL.Path) })
		}
		ok(nil)
	case strings.HasPrefix(r.URL.Path, "/api/datasets/:persistentId/") && s.datasets[r.URL.Query().Get("persistentId")] != nil:
		s.dataset(w, r, s.datasets[r.URL.Query().Get("persistentId")], strings.TrimPrefix(r.URL.Path, "/api/datasets/:persistentId/"), body)
	default:
		answer(w, 404, map[string]any{"status": "ERROR", "message": "not found"})
	}
}

// public answers everybody: about what is published.
func (s *Dataverse) public(w http.ResponseWriter, r *http.Request) bool {
	id, access := strings.CutPrefix(r.URL.Path, "/api/access/datafile/")
	for _, d := range s.datasets {
		for _, f := range d.files {
			if access && d.published && fmt.Sprint(f.id) == id {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
				return true
			}
		}
	}
	d := s.datasets[r.URL.Query().Get("persistentId")]
	if d == nil || !d.published || !strings.HasSuffix(r.URL.Path, "versions/:latest-published/files") {
		return false
	}
	s.dataset(w, r, d, "versions/:latest-published/files", nil)
	return true
}

// Page returns the path of the page of what was published last, by which it is cited.
func (s *Dataverse) Page() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.datasets {
		return "/dataset.xhtml?persistentId=" + id
	}
	return ""
}

func (s *Dataverse) dataset(w http.ResponseWriter, r *http.Request, d *fakeDataset, what string, body []byte) {
	ok := func(v any) { answer(w, 200, map[string]any{"status": "OK", "data": v}) }
	state := "DRAFT"
	if d.published {
		state = "RELEASED"
	}
	switch {
	case what == "" && r.Method == "GET":
		ok(map[string]any{"latestVersion": map[string]any{"versionState": state}})
	case what == "locks":
		locks := []any{}
		if s.locked > 0 {
			s.locked--
			locks = append(locks, map[string]any{"lockType": "Ingest"})
		}
		ok(locks)
	case what == "versions/:draft" && r.Method == "PUT":
		d.doc, d.published = string(body), false
		ok(nil)
	case (what == "versions/:latest/files" || what == "versions/:latest-published/files") && r.Method == "GET":
		files := []any{}
		for _, f := range d.files {
			files = append(files, map[string]any{"label": f.label, "dataFile": map[string]any{
				"id": f.id, "filesize": len(f.content), "checksum": map[string]any{"type": "SHA-1", "value": fmt.Sprintf("%x", sha1.Sum(f.content))},
			}})
		}
		ok(files)
	case what == "add" && r.Method == "POST":
		s.add(w, r, d, body)
	case what == "files/actions/:set-embargo":
		d.embargo = string(body)
		ok(nil)
	case what == "actions/:publish" && r.Method == "POST" && r.URL.Query().Get("type") == "major":
		d.published = true
		s.times++
		ok(nil)
	default:
		answer(w, 405, map[string]any{"status": "ERROR", "message": r.Method + " " + what})
	}
}

// add takes a file in a form. As Dataverse does, it calls a second one of a name
// something else.
func (s *Dataverse) add(w http.ResponseWriter, r *http.Request, d *fakeDataset, body []byte) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		answer(w, 400, nil)
		return
	}
	f := &fakeDataFile{}
	for form := multipart.NewReader(strings.NewReader(string(body)), params["boundary"]); ; {
		part, err := form.NextPart()
		if err != nil {
			break
		}
		b, err := io.ReadAll(part)
		if err != nil {
			answer(w, 400, map[string]any{"status": "ERROR", "message": "the form is cut off"})
			return
		}
		if part.FormName() == "jsonData" {
			json.Unmarshal(b, &f.about)
		} else {
			f.label, f.content = part.FileName(), b
		}
	}
	if f.label == "" || f.about["tabIngest"] != "false" {
		answer(w, 400, map[string]any{"status": "ERROR", "message": "no file, or it would be rewritten"})
		return
	}
	for _, old := range d.files {
		if old.label == f.label {
			ext := path.Ext(f.label)
			f.label = strings.TrimSuffix(f.label, ext) + "-1" + ext
		}
	}
	s.nextFile++
	f.id = s.nextFile
	d.files = append(d.files, f)
	answer(w, 200, map[string]any{"status": "OK"})
}

// Put adds a file to every dataset, as if somebody else had.
func (s *Dataverse) Put(label string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.datasets {
		s.nextFile++
		d.files = append(d.files, &fakeDataFile{id: s.nextFile, label: label, content: content})
	}
}

// Dataset returns the document of the last dataset.
func (s *Dataverse) Dataset() (doc string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.datasets {
		doc = d.doc
	}
	return doc
}

// Embargo returns what was asked for the last dataset.
func (s *Dataverse) Embargo() (asked string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.datasets {
		asked = d.embargo
	}
	return asked
}

// Holds implements [Server].
func (s *Dataverse) Holds() (records, published int, files map[string][]byte, doi string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.datasets {
		doi, files = strings.TrimPrefix(d.id, "doi:"), map[string][]byte{}
		for _, f := range d.files {
			files[f.label] = f.content
		}
	}
	return len(s.datasets), s.times, files, doi
}

// Renew implements [Server].
func (s *Dataverse) Renew(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}
