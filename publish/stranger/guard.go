// Package stranger is the way to servers of which nothing is known: those that a
// user names, and those to which these lead. A [Guard] refuses plain HTTP, addresses
// that only this machine or its network can reach, and answers without end.
package stranger

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Limits on a server. SPEC.md, REG-8.
const (
	MaxAnswer     = 4 << 20 // bytes of anything but what was said to be large
	MaxRedirects  = 10
	answerTimeout = 60 * time.Second
	smallTimeout  = 2 * time.Minute // for all of an answer that is not large
)

// Options say how to reach a server. The zero value is the strictest.
type Options struct {
	Plain bool          // let servers answer over HTTP that are not this machine
	TLS   *tls.Config   // nil: as the system has it
	Stall time.Duration // how long a body may stand still; 0: a minute
}

// Guard is the way to one server, and to all that it leads to: those that give out
// tokens and those that hold what is large. It is an [http.RoundTripper].
// Goroutines may share it.
type Guard struct {
	inner *http.Transport
	host  string // the server's
	plain bool
	stall time.Duration
	rank  atomic.Int32 // of the server's own address
}

// Contexts of requests carry these.
type (
	large       struct{} // the answer may be: whoever reads it knows its size
	destination struct{} // one of those below
)

// Large returns a context for requests whose answer may be large, or takes long to
// be asked for: whoever reads it knows its size.
func Large(ctx context.Context) context.Context { return context.WithValue(ctx, large{}, true) }

const (
	toServer = iota
	toStranger
	toProxy // whatever the host: the proxy looks up its address
)

// New returns the way to the server called host, with its port if it has one.
func New(host string, o Options) *Guard {
	g := &Guard{host: host, plain: o.Plain, stall: answerTimeout}
	if o.Stall > 0 {
		g.stall = o.Stall
	}
	dialer := &net.Dialer{Timeout: 30 * time.Second, ControlContext: g.mayDial}
	g.inner = &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      false, // which would send all requests over one connection
		DisableCompression:     true,
		TLSClientConfig:        o.TLS,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    20 * time.Second,
		ResponseHeaderTimeout:  g.stall,
		MaxResponseHeaderBytes: 1 << 20,
		WriteBufferSize:        256 << 10,
		ReadBufferSize:         256 << 10,
	}
	return g
}

// RoundTrip implements http.RoundTripper.
func (g *Guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.allowed(r); err != nil {
		return nil, err
	}
	ctx := r.Context()
	isLarge := ctx.Value(large{}) != nil
	var cancel context.CancelFunc
	if isLarge {
		ctx, cancel = context.WithCancel(ctx)
	} else {
		ctx, cancel = context.WithTimeout(ctx, smallTimeout)
	}
	to := toServer
	if proxy, err := g.inner.Proxy(r); err == nil && proxy != nil {
		to = toProxy
	} else if r.URL.Host != g.host {
		to = toStranger
	}
	ctx = context.WithValue(ctx, destination{}, to)
	answer, err := g.inner.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	b := &body{ReadCloser: answer.Body, cancel: cancel, stall: g.stall, left: MaxAnswer}
	if isLarge {
		b.left = 1<<63 - 1
	}
	answer.Body = b
	return answer, nil
}

// allowed refuses what need not be dialled to be refused.
func (g *Guard) allowed(r *http.Request) error {
	u := r.URL
	if u.Scheme != "https" && (u.Scheme != "http" || !g.plain && !IsLoopback(u.Host)) {
		return &RefusedError{fmt.Sprintf("address %q: want https", u.Redacted())}
	}
	if r.URL.Host == g.host {
		return nil
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && rank(ip) > g.rank.Load() { // behind a proxy nothing else would look
		return &RefusedError{fmt.Sprintf("leads to the private address %s", u.Host)}
	}
	return nil
}

// mayDial refuses addresses to which a server must not send anyone. That a name
// leads to one shows only here.
func (g *Guard) mayDial(ctx context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil // not an IP network
	}
	switch ctx.Value(destination{}) {
	case toProxy:
		return nil
	case toServer:
		g.rank.Store(rank(at.Addr()))
		return nil
	}
	if rank(at.Addr()) > g.rank.Load() {
		return &RefusedError{fmt.Sprintf("leads to the private address %s", address)}
	}
	return nil
}

// rank says how far an address can be reached from: 0 from everywhere, 1 from a
// network, 2 from this machine, 3 by whoever shares its wire: services of clouds
// that hand out keys stand there.
func rank(ip netip.Addr) int32 {
	ip = ip.Unmap()
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast():
		return 3
	case ip.IsLoopback(), ip.IsUnspecified():
		return 2
	case ip.IsPrivate(), shared.Contains(ip):
		return 1
	}
	return 0
}

// shared is the address space of carriers (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// RefusedError says why a server was not asked, or not believed. Trying again does
// not help.
type RefusedError struct{ Why string }

// Refuse returns a [RefusedError].
func Refuse(why string) error { return &RefusedError{why} }

// Error implements error.
func (e *RefusedError) Error() string { return e.Why }

var errEndless = fmt.Errorf("answers more than %d bytes", MaxAnswer)

// ErrStalled is what a body ends with that stands still.
var ErrStalled = errors.New("no byte came for too long")

// body is an answer's, with limits.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
	stall  time.Duration
	left   int64

	once    sync.Once
	stalled atomic.Bool
}

func (b *body) Read(p []byte) (int, error) {
	timer := time.AfterFunc(b.stall, func() { b.stalled.Store(true); b.cancel() })
	n, err := b.ReadCloser.Read(p)
	timer.Stop()
	if b.left -= int64(n); b.left < 0 {
		return 0, &RefusedError{errEndless.Error()}
	}
	if err != nil && b.stalled.Load() {
		err = ErrStalled
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.cancel)
	return err
}
