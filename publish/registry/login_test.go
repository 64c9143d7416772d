package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// authority is a certificate authority of a lab's own, and a server's certificate.
type authority struct {
	dir          string // ca.crt, server.crt, server.key
	key          *ecdsa.PrivateKey
	leaf         []byte
	certificates string // folder as Docker has it
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir(), certificates: t.TempDir()}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caKey := newKey(t)
	caRaw := certify(t, ca, ca, caKey, caKey)
	a.key = newKey(t)
	a.leaf = certify(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "registry"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}, KeyUsage: x509.KeyUsageDigitalSignature,
	}, ca, a.key, caKey)
	raw, err := x509.MarshalECPrivateKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(a.dir, "ca.crt"), "CERTIFICATE", caRaw)
	writePEM(t, filepath.Join(a.dir, "server.crt"), "CERTIFICATE", a.leaf)
	writePEM(t, filepath.Join(a.dir, "server.key"), "EC PRIVATE KEY", raw)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func certify(t *testing.T, c, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) []byte {
	t.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func writePEM(t *testing.T, name, kind string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// known has whoever looks as Docker does take the authority for a host.
func (a *authority) known(t *testing.T, host string) {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(a.dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(a.certificates, host)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), ca, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *authority) server() string {
	return fmt.Sprintf(", tls: {certificate: %q, key: %q}", filepath.Join(a.dir, "server.crt"), filepath.Join(a.dir, "server.key"))
}

// logIn writes what docker login leaves.
func logIn(t *testing.T, host, user, password string) {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", dir)
}

// TestPassword logs in to Debian's registry over TLS, with a certificate that only
// the lab's own authority vouches for.
func TestPassword(t *testing.T) {
	image, content := newImage(t, 100<<10)
	a := newAuthority(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	passwords := filepath.Join(a.dir, "htpasswd")
	if err := os.WriteFile(passwords, []byte("ada:"+string(hash)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	host := serveDebian(t, a.server(), fmt.Sprintf("auth: {htpasswd: {realm: lab, path: %q}}\n", passwords))
	o := quick
	o.certificates = []string{a.certificates}
	ref, err := ParseReference(Scheme + host + "/lab/paper:1")
	if err != nil {
		t.Fatal(err)
	}
	logIn(t, host, "ada", "secret")
	if _, err := Connect(t.Context(), ref, true, o); err == nil || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Errorf("a certificate of nobody's: %v", err)
	}
	a.known(t, host)
	pushWith(t, o, host, "lab/paper:1", image)
	name := filepath.Join(t.TempDir(), "paper.sif")
	if _, err := connectWith(t, o, host, "lab/paper:1", false).Pull(t.Context(), name, nil); err != nil {
		t.Fatal(err)
	}
	sameFileContent(t, name, content)

	logIn(t, host, "ada", "wrong")
	_, err = connectWith(t, o, host, "lab/paper:1", false).Open(t.Context(), false)
	if err == nil || !strings.Contains(err.Error(), host) || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong password: %v", err)
	}
}

// tokens gives out tokens for a registry, as Docker's specification of them says.
type tokens struct {
	a *authority

	mu      sync.Mutex
	refused string   // a repository
	scopes  []string // asked for
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != "ada" || password != "secret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	access := []map[string]any{}
	for _, scope := range strings.Fields(strings.Join(r.URL.Query()["scope"], " ")) {
		s.scopes = append(s.scopes, scope)
		part := strings.Split(scope, ":")
		if part[1] != s.refused {
			access = append(access, map[string]any{"type": part[0], "name": part[1], "actions": strings.Split(part[2], ",")})
		}
	}
	now := time.Now().Unix()
	token, err := s.a.sign(map[string]any{
		"iss": "lab", "sub": "ada", "aud": r.URL.Query().Get("service"), "jti": fmt.Sprint(now),
		"iat": now, "nbf": now - 10, "exp": now + 600, "access": access,
	})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	json.NewEncoder(w).Encode(map[string]string{"token": token})
}

// sign makes a JSON web token (RFC 7519) that shows the server's certificate.
func (a *authority) sign(claims map[string]any) (string, error) {
	encode := func(v any) string {
		b, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := encode(map[string]any{"typ": "JWT", "alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(a.leaf)}}) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, a.key, sum[:])
	if err != nil {
		return "", err
	}
	var raw [64]byte
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(raw[:]), nil
}

// TestToken logs in where the registry sends its users to a server that gives out
// tokens, also for the repository that a blob is mounted from.
func TestToken(t *testing.T) {
	image, content := newImage(t, 100<<10)
	a := newAuthority(t)
	s := &tokens{a: a}
	h := httptest.NewUnstartedServer(s)
	pair, err := tls.LoadX509KeyPair(filepath.Join(a.dir, "server.crt"), filepath.Join(a.dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	h.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	h.StartTLS()
	defer h.Close()
	host := serveDebian(t, a.server(), fmt.Sprintf("auth: {token: {realm: %q, service: registry, issuer: lab, rootcertbundle: %q}}\n", strings.Replace(h.URL, "127.0.0.1", "localhost", 1)+"/token", filepath.Join(a.dir, "ca.crt")))
	a.known(t, host)
	logIn(t, host, "ada", "secret")
	o := quick
	o.certificates, o.Cache = []string{a.certificates}, t.TempDir()
	pushWith(t, o, host, "lab/one:1", image)
	if p := pushWith(t, o, host, "lab/two:1", image); p.Sent != 2 {
		t.Errorf("%d bytes were sent of a blob that another repository has", p.Sent)
	}
	if !slices.Contains(s.scopes, "repository:lab/one:pull") {
		t.Errorf("asked for %q", s.scopes)
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
	if _, err := connectWith(t, o, host, "lab/two:1", false).Pull(t.Context(), name, nil); err != nil {
		t.Fatal(err)
	}
	sameFileContent(t, name, content)

	// Where it may not look there, or not write here, it says so, or sends all.
	s.mu.Lock()
	s.refused = "lab/two"
	s.mu.Unlock()
	if p := pushWith(t, o, host, "lab/three:1", image); p.Sent != int64(len(content))+2 {
		t.Errorf("%d of %d bytes were sent", p.Sent, len(content))
	}
	if _, err := connectWith(t, o, host, "lab/two:2", true).Push(t.Context(), openImage(t, image), nil); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("may not push, but: %v", err)
	}
	logIn(t, host, "ada", "wrong")
	if _, err := tryConnectWith(t, o, host); err == nil || !strings.Contains(err.Error(), host+": log in") {
		t.Errorf("a wrong password: %v", err)
	}
}

func tryConnectWith(t *testing.T, o Options, host string) (*Repository, error) {
	t.Helper()
	ref, err := ParseReference(Scheme + host + "/lab/one:1")
	if err != nil {
		t.Fatal(err)
	}
	return Connect(t.Context(), ref, false, o)
}
