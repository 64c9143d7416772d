package bundle_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	format "repro/format/bundle"
	"repro/verify/bundle"
)

// TestLoopback: what real servers of sigstore made once (script/sigstore: Fulcio
// 1.8.7, rekor-tiles 2.3.0, timestamp-authority 2.1.3, TesseraCT 0.1.1) holds, also
// in twenty years, and nothing else by it.
func TestLoopback(t *testing.T) {
	for _, kind := range []string{"email", "username"} {
		read := func(name string) []byte {
			b, err := os.ReadFile(filepath.Join("testdata", "loopback", kind+"."+name))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		b, err := format.Parse(read("sigstore.json"))
		if err != nil {
			t.Fatal(err)
		}
		root, err := bundle.ParseRoot(read("root.json"))
		if err != nil {
			t.Fatal(err)
		}
		issuer, subject, _ := strings.Cut(strings.TrimSpace(string(read("identity"))), " ")
		id := bundle.Identity{Issuer: issuer, Subject: subject}
		message := read("message")
		r, err := bundle.Verify(b, message, bundle.Trust{Root: root, Identities: []bundle.Identity{id}}, later)
		if err != nil || r.Identity != id || len(r.Times) != 1 || len(r.Logs) != 1 || r.Times[0].Log {
			t.Fatalf("%s: %+v, %v", kind, r, err)
		}
		if at := r.Times[0].Time; at.Before(time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)) || at.After(time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)) {
			t.Error(at)
		}
		if _, err := bundle.Verify(b, append(message, ' '), bundle.Trust{Root: root, Identities: []bundle.Identity{id}}, later); !errors.Is(err, bundle.ErrInvalid) {
			t.Error(kind, err)
		}
		id.Subject += "x"
		if _, err := bundle.Verify(b, message, bundle.Trust{Root: root, Identities: []bundle.Identity{id}}, later); !errors.Is(err, bundle.ErrUnknown) {
			t.Error(kind, err)
		}
		b.Log[0].Proof.RootHash[0] ^= 1
		if _, err := bundle.Verify(b, message, bundle.Trust{Root: root, Identities: []bundle.Identity{id}}, later); !errors.Is(err, bundle.ErrLog) {
			t.Error(kind, err)
		}
	}
}
