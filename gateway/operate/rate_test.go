package operate

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l := NewLimiter(2, 3, func() time.Time { return at })
	ask := func(who string, want ...bool) {
		t.Helper()
		for i, w := range want {
			if got := l.Allow(who); got != w {
				t.Errorf("%s, time %d: %v", who, i+1, got)
			}
		}
	}
	ask("a", true, true, true, false, false)
	ask("b", true)
	at = at.Add(499 * time.Millisecond)
	ask("a", false)
	at = at.Add(time.Millisecond)
	ask("a", true, false)
	at = at.Add(time.Hour)
	ask("a", true, true, true, false)
	for i := range maxAskers {
		l.Allow(fmt.Sprint(i))
	}
	if len(l.has) > maxAskers {
		t.Errorf("remembers %d", len(l.has))
	}
}

func TestFrom(t *testing.T) {
	for _, c := range []struct {
		remote, forwarded string
		proxied           bool
		want              string
	}{
		{"192.0.2.1:80", "", false, "192.0.2.1"}, {"192.0.2.1:80", "198.51.100.9", false, "192.0.2.1"}, {"[2001:db8:1:2:3::4]:80", "", false, "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.1]:80", "", false, "192.0.2.1"}, {"127.0.0.1:80", "198.51.100.9", true, "198.51.100.9"}, {"127.0.0.1:80", "6.6.6.6, 198.51.100.9", true, "198.51.100.9"},
		{"127.0.0.1:80", "198.51.100.9:123", true, "198.51.100.9"}, {"127.0.0.1:80", "", true, "unknown"}, {"127.0.0.1:80", "x", true, "unknown"}, {"[fe80::1%eth0]:80", "", false, "fe80::/64"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := From(r, c.proxied); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
