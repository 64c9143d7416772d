package repositorytest

import (
	"bytes"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Figshare is a fake of Figshare and of its upload service, as far as they are
// documented for private articles. Not the real one.
type Figshare struct {
	mu       sync.Mutex
	token    string
	articles []*figshareArticle
	times    int
	nextFile int
}

type figshareArticle struct {
	id     int
	doc    string
	doi    string
	until  string // the embargo as it was asked for
	public bool
	files  []*figshareFile
}

type figshareFile struct {
	fakeDataFile
	size  int
	whole bool
	looks int // until the checksum is there
}

// figsharePart is the size of a part of an upload.
const figsharePart = 10000

// NewFigshare returns an empty account.
func NewFigshare() *Figshare { return &Figshare{token: Token} }

// ServeHTTP implements [http.Handler].
func (s *Figshare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "token "+s.token {
		answer(w, 403, map[string]any{"message": "Invalid OAuth token"})
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/v2/account/")
	switch {
	case path == "licenses":
		answer(w, 200, []any{map[string]any{"value": 3, "name": "MIT"}})
	case path == "articles/search":
		s.search(w, body)
	case path == "articles" && r.Method == "POST":
		a := &figshareArticle{id: len(s.articles) + 1, doc: string(body)}
		s.articles = append(s.articles, a)
		answer(w, 201, map[string]any{"entity_id": a.id})
	case strings.HasPrefix(path, "/upload/"):
		s.upload(w, r, strings.Split(strings.TrimPrefix(path, "/upload/"), "/"), body)
	default:
		parts := strings.Split(path, "/")
		if len(parts) > 1 {
			if n, err := strconv.Atoi(parts[1]); err == nil && n >= 1 && n <= len(s.articles) {
				s.article(w, r, s.articles[n-1], strings.Join(parts[2:], "/"), body)
				return
			}
		}
		answer(w, 404, map[string]any{"message": "Entity not found"})
	}
}

func (s *Figshare) search(w http.ResponseWriter, body []byte) {
	var q struct {
		Text string `json:"search_for"`
	}
	json.Unmarshal(body, &q)
	_, mark, _ := strings.Cut(q.Text, `"`)
	found := []any{}
	for _, a := range s.articles {
		if strings.Contains(a.doc, strings.Trim(mark, `"`)) {
			when := ""
			if a.public {
				when = "2026-01-01"
			}
			found = append(found, map[string]any{"id": a.id, "doi": a.doi, "published_date": when})
		}
	}
	answer(w, 200, found)
}

func (s *Figshare) article(w http.ResponseWriter, r *http.Request, a *figshareArticle, rest string, body []byte) {
	status := "draft"
	if a.public {
		status = "public"
	}
	switch {
	case rest == "" && r.Method == "PUT":
		a.doc = string(body)
		answer(w, 205, nil)
	case rest == "":
		answer(w, 200, map[string]any{"id": a.id, "doi": a.doi, "status": status})
	case rest == "embargo" && r.Method == "PUT":
		a.until = string(body)
		answer(w, 205, nil)
	case rest == "reserve_doi":
		a.doi = fmt.Sprintf("10.6084/m9.figshare.%d", a.id)
		answer(w, 200, map[string]any{"doi": a.doi})
	case rest == "publish" && r.Method == "POST":
		a.public = true
		s.times++
		answer(w, 201, map[string]any{})
	case rest == "files" && r.Method == "POST":
		var f struct {
			Name string
			Size int
		}
		json.Unmarshal(body, &f)
		s.nextFile++
		a.files = append(a.files, &figshareFile{fakeDataFile: fakeDataFile{id: s.nextFile, label: f.Name, content: make([]byte, f.Size)}, size: f.Size})
		answer(w, 201, map[string]any{"location": fmt.Sprintf("http://%s%s/%d", r.Host, r.URL.Path, s.nextFile)})
	case rest == "files":
		all := []any{}
		for _, f := range a.files {
			all = append(all, f.json(r.Host))
		}
		answer(w, 200, all)
	default:
		id, _ := strconv.Atoi(strings.TrimPrefix(rest, "files/"))
		i := slices.IndexFunc(a.files, func(f *figshareFile) bool { return f.id == id })
		switch {
		case i < 0:
			answer(w, 404, nil)
		case r.Method == "DELETE":
			a.files = slices.Delete(a.files, i, i+1)
			answer(w, 204, nil)
		case r.Method == "POST":
			a.files[i].whole, a.files[i].looks = true, 1
			answer(w, 202, nil)
		default:
			answer(w, 200, a.files[i].json(r.Host))
			a.files[i].looks--
		}
	}
}

func (f *figshareFile) json(host string) map[string]any {
	m := map[string]any{"id": f.id, "name": f.label, "size": f.size, "status": "created", "upload_url": fmt.Sprintf("http://%s/upload/%d", host, f.id)}
	if f.whole {
		m["status"] = "ic_checking"
	}
	if f.whole && f.looks <= 0 {
		m["status"], m["computed_md5"] = "available", fmt.Sprintf("%x", md5.Sum(f.content))
	}
	return m
}

func (s *Figshare) upload(w http.ResponseWriter, r *http.Request, rest []string, body []byte) {
	for _, a := range s.articles {
		for _, f := range a.files {
			if fmt.Sprint(f.id) != rest[0] {
				continue
			}
			if len(rest) == 1 {
				parts := []any{}
				for from, n := 0, 1; from < f.size; from, n = from+figsharePart, n+1 {
					parts = append(parts, map[string]any{"partNo": n, "startOffset": from, "endOffset": min(from+figsharePart, f.size) - 1})
				}
				answer(w, 200, map[string]any{"parts": parts})
				return
			}
			if n, _ := strconv.Atoi(rest[1]); n > 0 && (n-1)*figsharePart+len(body) <= f.size {
				copy(f.content[(n-1)*figsharePart:], bytes.Clone(body))
				answer(w, 200, nil)
				return
			}
		}
	}
	answer(w, 404, nil)
}

// Article returns the document of the last record, and the embargo asked for it.
func (s *Figshare) Article() (doc, embargo string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.articles {
		doc, embargo = a.doc, a.until
	}
	return doc, embargo
}

// Holds implements [Server].
func (s *Figshare) Holds() (records, published int, files map[string][]byte, doi string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.articles {
		files, doi = map[string][]byte{}, a.doi
		for _, f := range a.files {
			files[f.label] = f.content
		}
	}
	return len(s.articles), s.times, files, doi
}

// Renew implements [Server].
func (s *Figshare) Renew(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Page implements [Server].
func (s *Figshare) Page() string { return "" }
