package timestamp_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"repro/sign/timestamp"
	verify "repro/verify/timestamp"
	"repro/verify/timestamp/timestamptest"
)

// TestStamp: an answer to the question is taken, and nothing else.
func TestStamp(t *testing.T) {
	now := time.Now()
	lab := timestamptest.New("lab", now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	other := timestamptest.New("other", now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	message := []byte("message")
	fixed := func(token []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(token) }
	}
	trusts := func(a *timestamptest.Authority) []*verify.Authority {
		return []*verify.Authority{{Name: "x", Chain: []*x509.Certificate{a.Root}}}
	}
	for name, c := range map[string]struct {
		server  http.Handler
		trusted []*verify.Authority
		is      error
		want    string
	}{
		"answer":         {server: lab},
		"trusted":        {server: lab, trusted: trusts(lab)},
		"of another":     {server: lab, trusted: trusts(other), is: verify.ErrUnknown},
		"without nonce":  {server: fixed(lab.Token(message, crypto.SHA256, now)), is: verify.ErrOther, want: "nonce"},
		"not a response": {server: fixed([]byte("hello")), is: verify.ErrMalformed},
		"nothing":        {server: fixed(nil), is: verify.ErrMalformed},
		"endless":        {server: fixed(bytes.Repeat([]byte{0x30}, verify.MaxSize+1)), is: verify.ErrMalformed},
		"503":            {server: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusServiceUnavailable) }), want: "HTTP status 503"},
		"about another":  {server: asks(lab, func(b []byte) []byte { return bytes.Replace(b, digest(message), digest([]byte("else")), 1) }), is: verify.ErrOther},
		"with another number": {server: asks(lab, func(b []byte) []byte {
			b[len(b)-5] ^= 1 // the last byte of the nonce; behind it stands only that the certificate is wanted
			return b
		}), is: verify.ErrOther, want: "nonce"},
	} {
		s := httptest.NewServer(c.server)
		a := &timestamp.Authority{URL: s.URL, Trusted: c.trusted}
		der, err := a.Stamp(t.Context(), message, crypto.SHA256)
		s.Close()
		if c.is == nil && c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if token, err := verify.Parse(der); err != nil || token.Hash != crypto.SHA256 {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.URL) {
			t.Errorf("%s: %v, want %v %s", name, err, c.is, c.want)
		}
	}
	if _, err := (&timestamp.Authority{URL: "http://127.0.0.1:1"}).Stamp(t.Context(), message, crypto.SHA512); err == nil || strings.Count(err.Error(), "127.0.0.1:1") > 2 {
		t.Error(err)
	}
}

func digest(b []byte) []byte {
	h := crypto.SHA256.New()
	h.Write(b)
	return h.Sum(nil)
}

// asks lets somebody on the way change the question.
func asks(a http.Handler, change func([]byte) []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		b = change(b)
		q := r.Clone(r.Context())
		q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		a.ServeHTTP(w, q)
	})
}
