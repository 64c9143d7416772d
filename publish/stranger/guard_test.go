package stranger

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestRank(t *testing.T) {
	for address, want := range map[string]int32{
		"93.184.216.34": 0, "2606:2800:220:1::1": 0,
		"10.1.2.3": 1, "172.16.0.1": 1, "192.168.1.1": 1, "100.64.0.1": 1, "fd00::1": 1, "::ffff:10.0.0.1": 1,
		"127.0.0.1": 2, "::1": 2, "0.0.0.0": 2,
		"169.254.169.254": 3, "fe80::1": 3, "224.0.0.1": 3,
	} {
		if got := rank(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: rank %d, want %d", address, got, want)
		}
	}
}

// TestPlainHTTP lets nothing but this machine answer without TLS, unless told to.
func TestPlainHTTP(t *testing.T) {
	for host, plain := range map[string]bool{"127.0.0.1:5000": true, "localhost:5000": true, "[::1]:5000": true, "registry.example.org": false, "10.0.0.1:5000": false} {
		g := New(host, Options{})
		r, err := http.NewRequest(http.MethodGet, "http://"+host+"/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.allowed(r); (err == nil) != plain {
			t.Errorf("%s: %v", host, err)
		}
		if err := New(host, Options{Plain: true}).allowed(r); err != nil {
			t.Errorf("%s, by flag: %v", host, err)
		}
	}
}
