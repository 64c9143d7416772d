package repositorytest

import (
	"bytes"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Invenio is a fake of InvenioRDM, as far as its REST API is documented for
// drafts. Not the real one.
type Invenio struct {
	token string

	mu        sync.Mutex
	records   map[string]*fakeRecord
	published int // times that publication was asked for and done
	Hidden    int // searches that do not find yet what is new
}

type fakeRecord struct {
	id, doi, review string
	doc             map[string]any
	files           map[string]*fakeFile
	published       bool
	successor       string // the draft of its new version
	unseen          int    // searches until it is found
}

type fakeFile struct {
	content []byte
	whole   bool
}

// NewInvenio returns an empty account.
func NewInvenio() *Invenio {
	return &Invenio{token: Token, records: map[string]*fakeRecord{}}
}

// ServeHTTP implements [http.Handler].
func (s *Invenio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.public(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+s.token {
		answer(w, 403, map[string]any{"message": "Permission denied."})
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) < 2 || parts[0] != "api" {
		answer(w, 404, nil)
		return
	}
	switch {
	case r.URL.Path == "/api/user/records":
		s.search(w, r)
	case r.URL.Path == "/api/records" && r.Method == "POST":
		rec := &fakeRecord{id: fmt.Sprintf("%05d-abc", len(s.records)+1), files: map[string]*fakeFile{}, unseen: s.Hidden}
		s.records[rec.id] = rec
		rec.take(body)
		answer(w, 201, rec.json())
	case parts[1] == "records" && len(parts) > 2 && s.records[parts[2]] != nil:
		s.record(w, r, s.records[parts[2]], parts[3:], body)
	default:
		answer(w, 404, map[string]any{"message": "The persistent identifier does not exist."})
	}
}

// public answers everybody: about what is published.
func (s *Invenio) public(w http.ResponseWriter, r *http.Request) bool {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.Method != "GET" || len(parts) < 4 || parts[3] != "files" || s.records[parts[2]] == nil || !s.records[parts[2]].published {
		return false
	}
	rec := s.records[parts[2]]
	if len(parts) == 6 && parts[5] == "content" && rec.files[parts[4]] != nil {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(rec.files[parts[4]].content))
		return true
	}
	answer(w, 200, rec.list())
	return true
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if v != nil && status != 204 {
		json.NewEncoder(w).Encode(v)
	}
}

func (r *fakeRecord) take(body []byte) {
	r.doc = map[string]any{}
	json.Unmarshal(body, &r.doc)
	// As InvenioRDM does: identifiers that the document leaves out are dropped.
	if ids, _ := r.doc["pids"].(map[string]any); ids == nil {
		r.doi = ""
	}
}

func (r *fakeRecord) json() map[string]any {
	m := map[string]any{
		"id": r.id, "is_draft": !r.published, "is_published": r.published, "status": "draft", "metadata": r.doc["metadata"],
		"links": map[string]any{"self_html": "https://fake.example.org/uploads/" + r.id},
	}
	if r.published {
		m["status"] = "published"
	} else if r.review == "submitted" {
		m["status"] = "in_review"
	}
	if r.doi != "" {
		m["pids"] = map[string]any{"doi": map[string]any{"identifier": r.doi, "provider": "datacite", "client": "datacite"}}
	}
	meta, _ := r.doc["metadata"].(map[string]any)
	if meta["title"] == nil || meta["creators"] == nil {
		m["errors"] = []any{map[string]any{"field": "metadata.title", "messages": []string{"Missing data for required field."}}}
	}
	return m
}

func (s *Invenio) search(w http.ResponseWriter, r *http.Request) {
	_, mark, _ := strings.Cut(r.URL.Query().Get("q"), ":")
	mark = strings.Trim(mark, `"`)
	hits := []any{}
	for _, id := range slices.Sorted(maps.Keys(s.records)) {
		rec := s.records[id]
		text, _ := json.Marshal(rec.doc)
		if rec.unseen > 0 {
			rec.unseen--
		} else if strings.Contains(string(text), mark) && mark != "" {
			hits = append(hits, rec.json())
		}
	}
	answer(w, 200, map[string]any{"hits": map[string]any{"hits": hits, "total": len(hits)}})
}

func (s *Invenio) record(w http.ResponseWriter, r *http.Request, rec *fakeRecord, rest []string, body []byte) {
	what := strings.Join(rest, "/")
	if what == "versions" && r.Method == "POST" && rec.published {
		if rec.successor == "" {
			next := &fakeRecord{id: fmt.Sprintf("%05d-abc", len(s.records)+1), files: map[string]*fakeFile{}, doc: map[string]any{}}
			s.records[next.id], rec.successor = next, next.id
		}
		answer(w, 201, s.records[rec.successor].json())
		return
	}
	if (what == "" || what == "files") && r.Method == "GET" && rec.published {
		if what == "files" {
			answer(w, 200, rec.list())
			return
		}
		answer(w, 200, rec.json())
		return
	}
	if rec.published || !strings.HasPrefix(what, "draft") {
		answer(w, 404, map[string]any{"message": "The draft does not exist."})
		return
	}
	s.draft(w, r, rec, strings.TrimPrefix(strings.TrimPrefix(what, "draft"), "/"), body)
}

func (s *Invenio) draft(w http.ResponseWriter, r *http.Request, rec *fakeRecord, what string, body []byte) {
	switch {
	case what == "" && r.Method == "GET":
		answer(w, 200, rec.json())
	case what == "" && r.Method == "PUT":
		rec.take(body)
		answer(w, 200, rec.json())
	case what == "pids/doi" && r.Method == "POST":
		if rec.doi != "" {
			answer(w, 400, map[string]any{"message": "A PID already exists for type doi"})
			return
		}
		rec.doi = "10.5281/zenodo." + strconv.Itoa(len(s.records)*1000)
		answer(w, 201, rec.json())
	case what == "review" && r.Method == "PUT":
		rec.review = "asked"
		answer(w, 200, map[string]any{})
	case what == "actions/submit-review" && rec.review != "":
		rec.review = "submitted"
		answer(w, 202, map[string]any{})
	case what == "actions/publish" && r.Method == "POST":
		for name, f := range rec.files {
			if !f.whole {
				answer(w, 400, map[string]any{"message": "Incomplete file " + name})
				return
			}
		}
		rec.published = true
		s.published++
		answer(w, 202, rec.json())
	case strings.HasPrefix(what, "files"):
		s.file(w, r, rec, strings.Split(what, "/")[1:], body)
	default:
		answer(w, 405, nil)
	}
}

func (r *fakeRecord) list() map[string]any {
	entries := []any{}
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		f := r.files[name]
		e := map[string]any{"key": name, "status": "pending"}
		if f.whole {
			e["status"], e["size"], e["checksum"] = "completed", len(f.content), fmt.Sprintf("md5:%x", md5.Sum(f.content))
		}
		entries = append(entries, e)
	}
	return map[string]any{"enabled": true, "entries": entries}
}

func (s *Invenio) file(w http.ResponseWriter, r *http.Request, rec *fakeRecord, rest []string, body []byte) {
	if len(rest) == 0 && r.Method == "GET" {
		answer(w, 200, rec.list())
		return
	}
	if len(rest) == 0 {
		var keys []struct{ Key string }
		json.Unmarshal(body, &keys)
		for _, k := range keys {
			if rec.files[k.Key] != nil {
				answer(w, 400, map[string]any{"message": "File with key " + k.Key + " already exists."})
				return
			}
			rec.files[k.Key] = &fakeFile{}
		}
		answer(w, 201, rec.list())
		return
	}
	f := rec.files[rest[0]]
	switch {
	case f == nil:
		answer(w, 404, nil)
	case len(rest) == 1 && r.Method == "DELETE":
		delete(rec.files, rest[0])
		answer(w, 204, nil)
	case len(rest) == 2 && rest[1] == "content" && r.Method == "PUT" && !f.whole:
		f.content = body
		answer(w, 200, map[string]any{})
	case len(rest) == 2 && rest[1] == "commit" && f.content != nil:
		f.whole = true
		answer(w, 200, map[string]any{})
	default:
		answer(w, 400, map[string]any{"message": "File is not there."})
	}
}

// Record returns the document of the last record, and its community's review.
func (s *Invenio) Record() (doc map[string]any, review string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.records)) {
		doc, review = s.records[id].doc, s.records[id].review
	}
	return doc, review
}

// Page returns the path of the page of what was published last, by which it is cited.
func (s *Invenio) Page() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := ""
	for _, id := range slices.Sorted(maps.Keys(s.records)) {
		if s.records[id].published {
			page = "/records/" + id
		}
	}
	return page
}

// Holds implements [Server].
func (s *Invenio) Holds() (records int, published int, files map[string][]byte, doi string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(s.records)) {
		rec := s.records[id]
		records, doi = records+1, rec.doi
		files = map[string][]byte{}
		for name, f := range rec.files {
			files[name] = f.content
		}
	}
	return records, s.published, files, doi
}

// Renew implements [Server].
func (s *Invenio) Renew(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}
