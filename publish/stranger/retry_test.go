package stranger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestIsNetwork(t *testing.T) {
	op := func(name string, err error) error { return &net.OpError{Op: name, Net: "tcp", Err: err} }
	get := func(err error) error { return &url.Error{Op: "Get", URL: "https://example.org", Err: err} }
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"cut":                 {io.ErrUnexpectedEOF, true},
		"cut, of a client":    {get(io.EOF), true},
		"stalled":             {fmt.Errorf("blob: %w", ErrStalled), true},
		"reset":               {get(op("read", syscall.ECONNRESET)), true},
		"no way there":        {get(op("dial", syscall.ENETUNREACH)), true},
		"deadline":            {get(context.DeadlineExceeded), true},
		"idle":                {get(errors.New("http: server closed idle connection")), true},
		"not again":           {get(errors.New("net/http: cannot rewind body after connection loss")), true},
		"name, for now":       {get(op("dial", &net.DNSError{IsTemporary: true})), true},
		"unknown name":        {get(op("dial", &net.DNSError{IsNotFound: true})), false},
		"nobody listens":      {get(op("dial", syscall.ECONNREFUSED)), false},
		"bad port":            {get(op("dial", &net.AddrError{Err: "invalid port"})), false},
		"alert":               {get(op("remote error", errors.New("tls: handshake failure"))), false},
		"refused":             {get(op("dial", Refuse("leads to a private address"))), false},
		"refused, a redirect": {get(Refuse("more than 10 redirects")), false},
		"redirect":            {get(errors.New("more than 10 redirects")), false},
		"not HTTP":            {get(errors.New("malformed HTTP response")), false},
		"cancelled":           {get(context.Canceled), false},
		"full disk":           {&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, false},
		"bare number":         {syscall.EACCES, false},
		"none":                {nil, false},
	} {
		if got := IsNetwork(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestNotHTTP asks servers that are none: nothing about that passes.
func TestNotHTTP(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() {
		for {
			c, err := other.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "220 mail.example.org ESMTP\r\n\r\n")
			c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	for _, address := range []string{"https" + strings.TrimPrefix(plain.URL, "http"), "http://" + other.Addr().String(), "gopher://127.0.0.1/"} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		_, err = (&http.Client{Transport: New(u.Host, Options{})}).Get(address)
		if err == nil || IsNetwork(err) {
			t.Errorf("%s: %v: may pass", address, err)
		}
	}
}

func TestMayPass(t *testing.T) {
	for status, want := range map[int]bool{200: false, 400: false, 404: false, 408: true, 410: false, 429: true, 499: false, 500: true, 501: false, 503: true} {
		if got := MayPass(status); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
}

func TestAskedToWait(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		header http.Header
		want   time.Duration
	}{
		{http.Header{}, 0},
		{http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		{http.Header{"Retry-After": {"-7"}}, 0},
		{http.Header{"Retry-After": {"99999999999"}}, 0},
		{http.Header{"Retry-After": {"Sun, 29 Nov 2026 12:01:00 GMT"}}, time.Minute},
		{http.Header{"Retry-After": {"Mon, 02 Jan 2006 15:04:05 GMT"}}, 0},
		{http.Header{"X-Ratelimit-Reset": {fmt.Sprint(now.Unix() + 30)}, "X-Ratelimit-Remaining": {"0"}}, 30 * time.Second},
		{http.Header{"X-Ratelimit-Reset": {fmt.Sprint(now.Unix() + 30)}, "X-Ratelimit-Remaining": {"1"}}, 0},
	} {
		if got := AskedToWait(c.header, now); got != c.want {
			t.Errorf("%v: %v, want %v", c.header, got, c.want)
		}
	}
}

// TestWait holds which of the two times is waited, and the bound on what a server
// may ask for.
func TestWait(t *testing.T) {
	failed := errors.New("busy")
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, c := range map[string]struct {
		ctx      context.Context
		d, asked time.Duration
		want     string
	}{
		"nothing asked":          {t.Context(), time.Nanosecond, 0, "<nil>"},
		"asked for less":         {t.Context(), time.Hour, time.Nanosecond, "<nil>"},
		"asked for more":         {stopped, time.Nanosecond, time.Minute, "context canceled"},
		"asked for beyond most":  {t.Context(), time.Nanosecond, time.Minute + 1, "busy: it asks to wait for 1m0s: try again then"},
		"stopped, nothing asked": {stopped, time.Hour, 0, "context canceled"},
	} {
		err := Wait(c.ctx, c.d, c.asked, time.Minute, failed)
		if fmt.Sprint(err) != c.want || c.asked > time.Minute && !errors.Is(err, failed) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	const pause = 20 * time.Millisecond
	began := time.Now()
	if err := Wait(t.Context(), pause, 0, time.Minute, failed); err != nil || time.Since(began) < pause {
		t.Errorf("nothing asked: %v after %s, want %s", err, time.Since(began), pause)
	}
}
