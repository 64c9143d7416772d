package access

import (
	"net/http"
	"strconv"
)

// What is counted of those who ask.
const (
	Attempts  = "attempts"  // to come in: by links, providers, tokens
	Strangers = "strangers" // without a session
	Changes   = "changes"   // by a person
)

// busy is the answer to those who ask too often.
func busy(w http.ResponseWriter) error {
	w.Header().Set("Retry-After", "10")
	return Refuse(http.StatusTooManyRequests, "this is asked too often: try again in a while")
}

// limit fails for those who ask too often. Reading is not counted of whoever has
// a session, nor are the pieces of an upload.
func (g *Guard) limit(w http.ResponseWriter, r *http.Request, rule Rule, v Visit) error {
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case g.o.Allow == nil:
	case rule.Attempt && !g.o.Allow(Attempts, g.o.From(r)),
		v.Person.ID == 0 && !g.o.Allow(Strangers, g.o.From(r)),
		v.Person.ID != 0 && !safe && r.Method != http.MethodPut && !g.o.Allow(Changes, strconv.FormatInt(v.Person.ID, 10)):
		return busy(w)
	}
	return nil
}

// failed counts a token that is none, so that nobody tries them all.
func (g *Guard) failed(w http.ResponseWriter, r *http.Request, err error) error {
	if e, ok := err.(*Error); ok && e.Status == http.StatusUnauthorized && g.o.Allow != nil && !g.o.Allow(Attempts, g.o.From(r)) {
		return busy(w)
	}
	return err
}
