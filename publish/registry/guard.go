package registry

import (
	"context"
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
	maxAnswer     = 4 << 20 // bytes of anything but a blob
	answerTimeout = 60 * time.Second
	smallTimeout  = 2 * time.Minute // for all of an answer that is no blob
	maxRedirects  = 10
)

// guard is the way to all servers that a registry leads to: itself, those that
// give out tokens and those that hold blobs. It refuses plain HTTP, addresses that
// only this machine or its network can reach, and answers without end.
type guard struct {
	inner *http.Transport
	host  string // the registry's
	plain bool
	stall time.Duration // how long a body may stand still
	rank  atomic.Int32  // of the registry's own address
}

// Contexts of requests carry these.
type (
	isBlob      struct{} // the answer may be large: whoever reads it knows its size
	destination struct{} // one of those below
)

const (
	toRegistry = iota
	toStranger
	toProxy // whatever the host: the proxy looks up its address
)

func newGuard(host string, o Options) *guard {
	g := &guard{host: host, plain: o.PlainHTTP, stall: answerTimeout}
	if o.stall > 0 {
		g.stall = o.stall
	}
	dialer := &net.Dialer{Timeout: 30 * time.Second, ControlContext: g.mayDial}
	g.inner = &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      false, // which would send all requests over one connection
		DisableCompression:     true,
		TLSClientConfig:        o.tls,
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
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.allowed(r); err != nil {
		return nil, err
	}
	ctx := r.Context()
	large := ctx.Value(isBlob{}) != nil
	var cancel context.CancelFunc
	if large {
		ctx, cancel = context.WithCancel(ctx)
	} else {
		ctx, cancel = context.WithTimeout(ctx, smallTimeout)
	}
	to := toRegistry
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
	b := &body{ReadCloser: answer.Body, cancel: cancel, stall: g.stall, left: maxAnswer}
	if large {
		b.left = 1<<63 - 1
	}
	answer.Body = b
	return answer, nil
}

// allowed refuses what need not be dialled to be refused.
func (g *guard) allowed(r *http.Request) error {
	u := r.URL
	if u.Scheme != "https" && (u.Scheme != "http" || !g.plain && !isLoopback(u.Host)) {
		return &refusedError{fmt.Sprintf("address %q: want https", u.Redacted())}
	}
	if r.URL.Host == g.host {
		return nil
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && rank(ip) > g.rank.Load() { // behind a proxy nothing else would look
		return &refusedError{fmt.Sprintf("leads to the private address %s", u.Host)}
	}
	return nil
}

// mayDial refuses addresses to which a registry must not send anyone. That a name
// leads to one shows only here.
func (g *guard) mayDial(ctx context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil // not an IP network
	}
	switch ctx.Value(destination{}) {
	case toProxy:
		return nil
	case toRegistry:
		g.rank.Store(rank(at.Addr()))
		return nil
	}
	if rank(at.Addr()) > g.rank.Load() {
		return &refusedError{fmt.Sprintf("leads to the private address %s", address)}
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

// refusedError says why a server was not asked. Trying again does not help.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

var errEndless = fmt.Errorf("answers more than %d bytes", maxAnswer)

// errStalled is what a body ends with that stands still.
var errStalled = errors.New("no byte came for too long")

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
		return 0, &refusedError{errEndless.Error()}
	}
	if err != nil && b.stalled.Load() {
		err = errStalled
	}
	return n, err
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.cancel)
	return err
}
