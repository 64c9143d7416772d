package repositorytest

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Heritage is a fake of Software Heritage's swh-deposit 3.0.1, as far as its source
// says how it takes an archive. Not the real one.
type Heritage struct {
	mu       sync.Mutex
	token    string
	deposits []*heritageDeposit
	times    int
}

type heritageDeposit struct {
	slug, entry, name string
	archive           []byte
	done              bool
}

// NewHeritage returns an account without deposits, whose collection is lab.
func NewHeritage() *Heritage { return &Heritage{token: Token} }

const heritageNames = `xmlns="http://www.w3.org/2005/Atom" xmlns:sd="https://www.softwareheritage.org/schema/2018/deposit"`

// ServeHTTP implements [http.Handler].
func (s *Heritage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(s.token)) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) < 2 || parts[0] != "1" || parts[1] != "lab" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if len(parts) == 2 && r.Method == "POST" {
		d := &heritageDeposit{slug: r.Header.Get("Slug"), entry: string(body)}
		s.deposits = append(s.deposits, d)
		s.progress(d, r)
		w.WriteHeader(http.StatusCreated)
		s.entry(w, len(s.deposits))
		return
	}
	if len(parts) == 2 {
		fmt.Fprintf(w, `<feed %s><sd:count>%d</sd:count>`, heritageNames, len(s.deposits))
		for i, d := range s.deposits {
			fmt.Fprintf(w, `<entry><sd:id>%d</sd:id><sd:external_id>%s</sd:external_id><sd:status>%s</sd:status></entry>`, i+1, d.slug, d.status())
		}
		io.WriteString(w, `</feed>`)
		return
	}
	n, err := strconv.Atoi(parts[2])
	if err != nil || n < 1 || n > len(s.deposits) || len(parts) != 4 {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.deposit(w, r, n, parts[3], body)
}

func (s *Heritage) deposit(w http.ResponseWriter, r *http.Request, n int, what string, body []byte) {
	d := s.deposits[n-1]
	if r.Method != "GET" && d.done {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch {
	case what == "status":
		s.entry(w, n)
		return
	case what == "atom" && r.Method == "PUT":
		d.entry = string(body)
	case what == "media" && r.Method == "PUT":
		if r.Header.Get("Content-MD5") != fmt.Sprintf("%x", md5.Sum(body)) {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		_, name, _ := strings.Cut(r.Header.Get("Content-Disposition"), "filename=")
		d.name, d.archive = strings.Trim(name, `"`), body
	case what == "metadata" && r.Method == "POST":
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	s.progress(d, r)
	w.WriteHeader(http.StatusNoContent)
}

// progress takes a request that does not say In-Progress: true for the last one.
func (s *Heritage) progress(d *heritageDeposit, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("In-Progress"), "true") {
		d.done = true
		s.times++
	}
}

func (d *heritageDeposit) status() string {
	if d.done {
		return "deposited"
	}
	return "partial"
}

func (s *Heritage) entry(w io.Writer, n int) {
	fmt.Fprintf(w, `<entry %s><sd:deposit_id>%d</sd:deposit_id><sd:deposit_status>%s</sd:deposit_status></entry>`, heritageNames, n, s.deposits[n-1].status())
}

// Holds implements [Server].
func (s *Heritage) Holds() (records, published int, files map[string][]byte, doi string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.deposits {
		files = map[string][]byte{}
		if d.archive != nil {
			files[d.name] = d.archive
		}
	}
	return len(s.deposits), s.times, files, ""
}

// Renew implements [Server].
func (s *Heritage) Renew(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Page implements [Server].
func (s *Heritage) Page() string { return "" }
