// Package repositorytest has fakes of repositories of research data, each made after
// the documentation of the real one, and a network between them and the program that
// fails. They are for tests, and no more than fakes.
package repositorytest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Server is a fake repository with one account.
type Server interface {
	http.Handler
	// Holds says how many records the account has, how often one was published, and
	// the files and the DOI of the last.
	Holds() (records, published int, files map[string][]byte, doi string)
	Renew(token string) // the account has another token from now on
	Page() string       // path of the page of what was published last
}

// Token is the one that every account begins with.
const Token = "secret-1"

// Faults of a network and of the servers in it.
const (
	cutRequest    = "the connection breaks while the request is sent"
	lostAnswer    = "done, and the connection breaks before the answer"
	cutAnswer     = "done, and the connection breaks within the answer"
	lateGateway   = "done, and a gateway answers 504"
	gatewayFirst  = "not done, and a gateway answers 502"
	tooMany       = "429 with Retry-After"
	webPage       = "a web page in place of JSON"
	endless       = "an answer without end"
	elsewhere     = "a redirect to a private address"
	damaged       = "the server stores another byte"
	halfStored    = "the server stores half of it"
	expired       = "the token has expired"
	internalError = "500"
	unavailable   = "503 with a date in Retry-After"
)

// AllFaults lists them.
var AllFaults = []string{cutRequest, lostAnswer, cutAnswer, lateGateway, gatewayFirst, tooMany, webPage, endless, elsewhere, damaged, halfStored, expired, internalError, unavailable}

// Network lets requests pass to a server, or has them fail. Its fields belong to
// whoever holds the lock.
type Network struct {
	inner http.Handler

	sync.Mutex
	Requests int            // so far
	Faults   map[int]string // by the number of a request
	Seen     []string       // methods and paths
	Expired  bool           // the token is not taken
	Before   func(n int)    // called before each request; may be nil

	random *rand.Rand
}

// NewNetwork returns one without faults.
func NewNetwork(inner http.Handler) *Network {
	return &Network{inner: inner, Faults: map[int]string{}, random: rand.New(rand.NewPCG(1, 1))}
}

// ServeHTTP implements [http.Handler].
func (n *Network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.Lock()
	fault := n.Faults[n.Requests]
	number := n.Requests
	n.Requests++
	n.Seen = append(n.Seen, r.Method+" "+r.URL.Path)
	share := 10 + n.random.IntN(90)
	if fault == expired {
		n.Expired = true
	}
	denied, before := n.Expired, n.Before
	n.Unlock()
	if before != nil {
		before(number)
	}
	if denied {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"message":"The access token has expired."}`)
		return
	}
	switch fault {
	case cutRequest:
		io.CopyN(io.Discard, r.Body, r.ContentLength*int64(share)/100)
		hangUp(w)
	case lostAnswer:
		n.inner.ServeHTTP(httptest.NewRecorder(), r)
		hangUp(w)
	case cutAnswer:
		rec := httptest.NewRecorder()
		n.inner.ServeHTTP(rec, r)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()+10))
		w.WriteHeader(rec.Code)
		w.Write(rec.Body.Bytes()[:rec.Body.Len()*share/100])
		w.(http.Flusher).Flush()
		hangUp(w)
	case lateGateway:
		n.inner.ServeHTTP(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusGatewayTimeout)
	case gatewayFirst:
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusBadGateway)
	case internalError:
		w.WriteHeader(http.StatusInternalServerError)
	case tooMany:
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusTooManyRequests)
	case unavailable:
		w.Header().Set("Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT")
		w.WriteHeader(http.StatusServiceUnavailable)
	case webPage:
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<html>We are back soon</html>")
	case endless:
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":"`)
		for block := bytes.Repeat([]byte{'x'}, 1<<16); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	case elsewhere:
		w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
		w.WriteHeader(http.StatusTemporaryRedirect)
	case damaged, halfStored:
		b, _ := io.ReadAll(r.Body)
		if len(b) > 100 && r.Header.Get("Content-Type") != "application/json" {
			if fault == damaged {
				b[len(b)-60] ^= 1
			} else if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
				b = b[:len(b)/2]
			}
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		n.inner.ServeHTTP(w, r)
	default:
		n.inner.ServeHTTP(w, r)
	}
}

// hangUp resets the connection.
func hangUp(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}

// DataCite is a fake of DataCite's server of DOIs: it knows where one leads.
type DataCite map[string]string

// ServeHTTP implements [http.Handler].
func (d DataCite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := d[strings.TrimPrefix(r.URL.Path, "/dois/")]
	if page == "" {
		answer(w, 404, map[string]any{"errors": []any{map[string]any{"status": "404", "title": "The resource you are looking for doesn't exist."}}})
		return
	}
	answer(w, 200, map[string]any{"data": map[string]any{"attributes": map[string]any{
		"url": page, "titles": []any{map[string]any{"title": "A sample"}}, "publisher": "A fake",
	}}})
}
