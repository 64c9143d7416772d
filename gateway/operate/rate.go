package operate

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// maxAskers is of how many askers a limiter remembers how often they asked.
const maxAskers = 100_000

// Limiter says how often somebody may ask: so many times at once, and then so
// many times a second. Goroutines may share it.
type Limiter struct {
	perSecond, atOnce float64
	now               func() time.Time

	mu  sync.Mutex
	has map[string]bucket
}

// bucket is what somebody has left.
type bucket struct {
	left float64
	at   time.Time
}

// NewLimiter returns a limiter.
func NewLimiter(perSecond, atOnce float64, now func() time.Time) *Limiter {
	if now == nil {
		now = time.Now
	}
	return &Limiter{perSecond: perSecond, atOnce: atOnce, now: now, has: map[string]bucket{}}
}

// Allow reports whether who may ask now, and counts it.
func (l *Limiter) Allow(who string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	b, known := l.has[who]
	if !known {
		if len(l.has) >= maxAskers {
			l.forget(now)
		}
		b = bucket{l.atOnce, now}
	}
	b.left = min(l.atOnce, b.left+now.Sub(b.at).Seconds()*l.perSecond)
	b.at = now
	ok := b.left >= 1
	if ok {
		b.left--
	}
	l.has[who] = b
	return ok
}

// forget makes room: for those who have all left again, or for everybody.
func (l *Limiter) forget(now time.Time) {
	for who, b := range l.has {
		if b.left+now.Sub(b.at).Seconds()*l.perSecond >= l.atOnce {
			delete(l.has, who)
		}
	}
	if len(l.has) >= maxAskers {
		clear(l.has)
	}
}

// From is from where a request comes: an address, or the network of 64 bits that
// one person has of IPv6. Behind a proxy, it is the last address that the proxy
// adds; what whoever asks wrote before it counts for nothing.
func From(r *http.Request, proxied bool) string {
	host := r.RemoteAddr
	if proxied {
		all := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		host = strings.TrimSpace(all[len(all)-1])
	}
	if at, err := netip.ParseAddrPort(host); err == nil {
		return network(at.Addr())
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return network(a)
	}
	return "unknown"
}

func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return p.String()
}
