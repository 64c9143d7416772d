package repositorytest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// OSF is a fake of the Open Science Framework and of its WaterButler, as far as they
// are documented for private projects. Not the real one.
type OSF struct {
	mu    sync.Mutex
	token string
	nodes []*osfNode
	times int
}

type osfNode struct {
	id, doc string
	public  bool
	doi     bool
	files   []*fakeDataFile
}

// NewOSF returns an empty account.
func NewOSF() *OSF { return &OSF{token: Token} }

// ServeHTTP implements [http.Handler].
func (s *OSF) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+s.token {
		answer(w, 401, map[string]any{"errors": []any{map[string]any{"detail": "User provided an invalid OAuth2 access token"}}})
		return
	}
	if r.URL.Path == "/v2/users/me/nodes/" {
		found := []any{}
		for _, n := range s.nodes {
			if strings.Contains(n.doc, r.URL.Query().Get("filter[tags]")) {
				found = append(found, n.json())
			}
		}
		answer(w, 200, map[string]any{"data": found})
		return
	}
	if r.URL.Path == "/v2/nodes/" && r.Method == "POST" {
		n := &osfNode{id: fmt.Sprintf("abc%d", len(s.nodes)), doc: string(body)}
		s.nodes = append(s.nodes, n)
		answer(w, 201, map[string]any{"data": n.json()})
		return
	}
	for _, n := range s.nodes {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/v2/nodes/"+n.id+"/"); ok {
			s.node(w, r, n, rest, body)
			return
		}
		if rest, ok := strings.CutPrefix(r.URL.Path, "/v1/resources/"+n.id+"/providers/osfstorage/"); ok {
			n.file(w, r, rest, body)
			return
		}
	}
	answer(w, 404, nil)
}

func (n *osfNode) json() map[string]any {
	return map[string]any{"id": n.id, "type": "nodes", "attributes": map[string]any{"public": n.public}}
}

func (s *OSF) node(w http.ResponseWriter, r *http.Request, n *osfNode, rest string, body []byte) {
	switch {
	case rest == "" && r.Method == "PATCH":
		var change struct {
			Data struct {
				Attributes struct{ Public *bool }
			}
		}
		json.Unmarshal(body, &change)
		if public := change.Data.Attributes.Public; public != nil {
			if *public && !n.public {
				s.times++
			}
			n.public = *public
		} else {
			n.doc = string(body)
		}
		answer(w, 200, map[string]any{"data": n.json()})
	case rest == "":
		answer(w, 200, map[string]any{"data": n.json()})
	case rest == "identifiers/" && r.Method == "POST":
		if !n.public || n.doi {
			answer(w, 400, nil)
			return
		}
		n.doi = true
		answer(w, 201, map[string]any{})
	case rest == "identifiers/":
		all := []any{}
		if n.doi {
			all = append(all, map[string]any{"category": "doi"})
		}
		answer(w, 200, map[string]any{"data": all})
	case rest == "files/osfstorage/":
		all := []any{}
		for _, f := range n.files {
			all = append(all, map[string]any{"attributes": map[string]any{
				"name": f.label, "kind": "file", "path": fmt.Sprintf("/f%d", f.id), "size": len(f.content),
				"extra": map[string]any{"hashes": map[string]any{"sha256": fmt.Sprintf("%x", sha256.Sum256(f.content))}},
			}})
		}
		answer(w, 200, map[string]any{"data": all, "links": map[string]any{"next": nil}})
	default:
		answer(w, 405, nil)
	}
}

func (n *osfNode) file(w http.ResponseWriter, r *http.Request, rest string, body []byte) {
	switch r.Method {
	case "PUT":
		name := r.URL.Query().Get("name")
		if slices.ContainsFunc(n.files, func(f *fakeDataFile) bool { return f.label == name }) {
			answer(w, 409, map[string]any{"message": "Cannot complete action: file or folder already exists"})
			return
		}
		n.files = append(n.files, &fakeDataFile{id: len(n.files) + 1, label: name, content: body})
		answer(w, 201, map[string]any{})
	case "DELETE":
		n.files = slices.DeleteFunc(n.files, func(f *fakeDataFile) bool { return fmt.Sprintf("f%d", f.id) == rest })
		answer(w, 204, nil)
	default:
		answer(w, 405, nil)
	}
}

// Holds implements [Server].
func (s *OSF) Holds() (records, published int, files map[string][]byte, doi string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		files, doi = map[string][]byte{}, "10.17605/OSF.IO/"+strings.ToUpper(n.id)
		for _, f := range n.files {
			files[f.label] = f.content
		}
	}
	return len(s.nodes), s.times, files, doi
}

// Renew implements [Server].
func (s *OSF) Renew(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Page implements [Server].
func (s *OSF) Page() string { return "" }
