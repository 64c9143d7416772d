package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	form "repro/format/bundle"
	"repro/verify/bundle"
	"repro/verify/bundle/bundletest"
)

// certifier plays Fulcio: it takes the token's word for who asks, which the
// real one does not, and does not check that he has the key.
func certifier(t *testing.T, s *bundletest.Sigstore) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Request struct {
				Key struct {
					Content string `json:"content"`
				} `json:"publicKey"`
				Proof string `json:"proofOfPossession"`
			} `json:"publicKeyRequest"`
		}
		parts := strings.Split(r.Header.Get("Authorization"), ".")
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || len(parts) != 3 || q.Request.Proof == "" || r.URL.Path != "/api/v2/signingCert" {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		var claims struct{ Email, Iss string }
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		block, _ := pem.Decode([]byte(q.Request.Key.Content))
		if json.Unmarshal(payload, &claims) != nil || block == nil {
			http.Error(w, "bad token or key", http.StatusBadRequest)
			return
		}
		pub, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Error(err)
		}
		c := s.Certify(pub, claims.Email, claims.Iss, time.Now().Add(-time.Minute))
		_ = json.NewEncoder(w).Encode(map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{
			"certificates": []string{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))}}}})
	})
}

func token(t *testing.T, email, issuer string) string {
	t.Helper()
	part := base64.RawURLEncoding.EncodeToString
	claims, _ := json.Marshal(map[string]any{"email": email, "email_verified": true, "iss": issuer, "sub": email, "aud": "sigstore"})
	name := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(name, []byte(part([]byte(`{"alg":"none"}`))+"."+part(claims)+"."+part([]byte("x"))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestSigns: what the program writes holds by repro's own check, for a journal
// with its own authorities and no log.
func TestSigns(t *testing.T) {
	s := bundletest.New("journal.example", time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0))
	fulcio, tsa := httptest.NewServer(certifier(t, s)), httptest.NewServer(s.TSA)
	defer fulcio.Close()
	defer tsa.Close()
	const issuer = "https://accounts.journal.example"
	args := []string{"--fulcio", fulcio.URL, "--tsa", tsa.URL, "--identity-token", token(t, "alice@journal.example", issuer)}
	var out bytes.Buffer
	if err := run(t.Context(), args, strings.NewReader("metadata"), &out); err != nil {
		t.Fatal(err)
	}
	b, err := form.Parse(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	root, err := bundle.ParseRoot(s.TrustedRoot(func(root map[string]any) { delete(root, "tlogs") }))
	if err != nil {
		t.Fatal(err)
	}
	id := bundle.Identity{Issuer: issuer, Subject: "alice@journal.example"}
	r, err := bundle.Verify(b, []byte("metadata"), bundle.Trust{Root: root, Identities: []bundle.Identity{id}}, time.Now())
	if err != nil || r.Identity != id || len(r.Times) != 1 {
		t.Error(r, err)
	}
	if _, err := bundle.Verify(b, []byte("other"), bundle.Trust{Root: root, Identities: []bundle.Identity{id}}, time.Now()); err == nil {
		t.Error("holds over something else")
	}
}

func TestRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"name a log (--rekor) or a time-stamping authority": {"--fulcio", "http://127.0.0.1:1"},
		"want flags only":               {"file"},
		"flag provided but not defined": {"--other"},
		"no such file":                  {"--fulcio", "http://127.0.0.1:1", "--tsa", "http://127.0.0.1:1", "--identity-token", "/nowhere/token"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), args, strings.NewReader("x"), &out); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	if err := run(t.Context(), []string{"--fulcio", "http://127.0.0.1:1", "--tsa", "http://127.0.0.1:1"}, strings.NewReader(""), nil); err == nil || !strings.Contains(err.Error(), "0 bytes to sign") {
		t.Error(err)
	}
}
