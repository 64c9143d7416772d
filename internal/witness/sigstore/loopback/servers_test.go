package loopback

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// services are the addresses of a sigstore that runs.
type services struct {
	issuer, fulcio, rekor, ctlog, tsa string
	root                              []byte // trusted root
}

func port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

// start starts a server that ends with the test, and waits until url answers.
func start(t *testing.T, url, name string, args ...string) {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command(filepath.Join(os.Getenv("SIGSTORE_SERVERS"), name), args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = &log, &log, t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", name, log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	for range 300 {
		if r, err := http.Get(url); err == nil {
			r.Body.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not answer at %s", name, url)
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatal(url, r.Status, err, string(b))
	}
	return b
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// newKey makes the key of a log, and writes it to a file.
func newKey(t *testing.T, name string) (k *ecdsa.PrivateKey, file string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return k, write(t, name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func newSEC1(t *testing.T, name string) (k *ecdsa.PrivateKey, file string) {
	t.Helper()
	k, _ = newKey(t, name)
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return k, write(t, name, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

// authorityFiles are what Fulcio reads of itself.
type authorityFiles struct{ root, chain, key string }

// newCA makes a certifier: a root and the certificate that it signs with.
func newCA(t *testing.T, dir string) authorityFiles {
	t.Helper()
	rootKey, _ := newKey(t, filepath.Join(dir, "root.key"))
	between, plain := newKey(t, filepath.Join(dir, "between.key"))
	certificate := func(name string, serial int64, parent *x509.Certificate, k, by *ecdsa.PrivateKey) *x509.Certificate {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}
		if parent == nil {
			parent = c
		} else {
			c.MaxPathLenZero, c.ExtKeyUsage = true, []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, k.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		made, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	root := certificate("root", 1, nil, rootKey, rootKey)
	signer := certificate("signer", 2, root, between, rootKey)
	text := func(c *x509.Certificate) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	f := authorityFiles{
		root:  write(t, filepath.Join(dir, "root.pem"), text(root)),
		chain: write(t, filepath.Join(dir, "chain.pem"), append(text(signer), text(root)...)),
		key:   filepath.Join(dir, "between.pem"),
	}
	out, err := exec.Command("openssl", "pkcs8", "-topk8", "-in", plain, "-out", f.key, "-passout", "pass:secret").CombinedOutput()
	if err != nil {
		t.Fatal(err, string(out))
	}
	return f
}

// users are whom the provider knows: one by mail, one as ORCID knows people.
const users = `{
	"u1": {"ID": "u1", "Username": "alice", "Password": "secret", "Email": "alice@journal.example", "EmailVerified": true},
	"0000-0002-1825-0097": {"ID": "0000-0002-1825-0097", "Username": "josiah", "Password": "secret"}
}`

// client puts what the provider knows of a person into the token itself, as
// Fulcio wants it.
type client struct{ op.Client }

func (client) IDTokenUserinfoClaimsAssertion() bool { return true }

type store struct{ *storage.Storage }

func (s store) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.Storage.GetClientByClientID(ctx, id)
	return client{c}, err
}

// provider starts an OpenID provider and returns its address.
func provider(t *testing.T, dir string) string {
	t.Helper()
	known, err := storage.StoreFromFile(write(t, filepath.Join(dir, "users.json"), []byte(users)))
	if err != nil {
		t.Fatal(err)
	}
	storage.RegisterClients(storage.NativeClient("sigstore"))
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	issuer := "http://" + strings.Replace(l.Addr().String(), "127.0.0.1", "localhost", 1)
	server := &http.Server{Handler: exampleop.SetupServer(issuer, store{storage.NewStorage(known)}, nil, false, op.WithAllowInsecure())}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return issuer
}

// run starts all services. kind is how Fulcio reads the provider's tokens: email,
// or username as of ORCID.
func run(t *testing.T, kind string) *services {
	t.Helper()
	dir := t.TempDir()
	s := &services{issuer: provider(t, dir)}
	rekorKey, rekorFile := newKey(t, filepath.Join(dir, "rekor.pem"))
	ctKey, ctFile := newSEC1(t, filepath.Join(dir, "ct.pem"))
	ca := newCA(t, dir)

	p := port(t)
	s.rekor = "http://127.0.0.1:" + p
	start(t, s.rekor+"/healthz", "rekor", "serve", "--http-port", p, "--grpc-port", port(t), "--http-metrics-port", port(t),
		"--hostname", "127.0.0.1", "--signer-filepath", rekorFile, "--storage-dir", filepath.Join(dir, "rekor"), "--checkpoint-interval", "1s")

	p = port(t)
	s.tsa = "http://127.0.0.1:" + p + "/api/v1/timestamp"
	start(t, "http://127.0.0.1:"+p+"/ping", "tsa", "serve", "--host", "127.0.0.1", "--port", p, "--disable-ntp-monitoring")

	p = port(t)
	s.ctlog = "http://127.0.0.1:" + p + "/ct"
	start(t, s.ctlog+"/ct/v1/get-roots", "ctlog", "-http_endpoint", "127.0.0.1:"+p, "-path_prefix", "/ct", "-origin", "localhost/ct",
		"-private_key", ctFile, "-storage_dir", filepath.Join(dir, "ctlog"), "-roots_pem_file", ca.root, "-checkpoint_interval", "200ms")

	issuerConfig := map[string]any{"IssuerURL": s.issuer, "ClientID": "sigstore", "Type": kind}
	if kind == "username" {
		issuerConfig["SubjectDomain"] = "localhost"
	}
	config, _ := json.Marshal(map[string]any{"OIDCIssuers": map[string]any{s.issuer: issuerConfig}})
	p = port(t)
	s.fulcio = "http://127.0.0.1:" + p
	start(t, s.fulcio+"/healthz", "fulcio", "serve", "--host", "127.0.0.1", "--port", p, "--grpc-host", "127.0.0.1", "--grpc-port", port(t),
		"--metrics-port", port(t), "--legacy-unix-domain-socket", "@"+filepath.Base(dir)+kind, "--ca", "fileca", "--fileca-cert", ca.chain, "--fileca-key", ca.key, "--fileca-key-passwd", "secret", "--fileca-watch=false",
		"--ct-log-url", s.ctlog, "--config-path", write(t, filepath.Join(dir, "fulcio.json"), config))
	s.root = s.trustedRoot(t, rekorKey, ctKey)
	return s
}

// trustedRoot asks the services whom to trust.
func (s *services) trustedRoot(t *testing.T, rekor, ct *ecdsa.PrivateKey) []byte {
	t.Helper()
	var bundle struct {
		Chains []struct{ Certificates []string }
	}
	if err := json.Unmarshal(get(t, s.fulcio+"/api/v2/trustBundle"), &bundle); err != nil || len(bundle.Chains) == 0 {
		t.Fatal("trust bundle", err)
	}
	valid := map[string]any{"start": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)}
	authority := func(uri, chain string) []any {
		var certificates []any
		for rest := []byte(chain); ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			certificates = append(certificates, map[string]any{"rawBytes": block.Bytes})
		}
		return []any{map[string]any{"uri": uri, "certChain": map[string]any{"certificates": certificates}, "validFor": valid}}
	}
	log := func(address string, k *ecdsa.PrivateKey) []any {
		der, err := x509.MarshalPKIXPublicKey(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		id := sha256.Sum256(der)
		return []any{map[string]any{
			"baseUrl": address, "hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": base64.StdEncoding.EncodeToString(id[:])},
			"publicKey": map[string]any{"rawBytes": der, "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid},
		}}
	}
	root, err := json.Marshal(map[string]any{
		"mediaType":              "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs":                  log(s.rekor, rekor),
		"ctlogs":                 log(s.ctlog, ct),
		"certificateAuthorities": authority(s.fulcio, strings.Join(bundle.Chains[0].Certificates, "\n")),
		"timestampAuthorities":   authority(s.tsa, string(get(t, s.tsa+"/certchain"))),
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// browser writes a program by which repro-keyless signs in, in place of a
// person with a browser: it follows the address and fills in the form. As with
// xdg-open, whoever starts it does not wait for that.
func browser(t *testing.T, dir, user string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nSIGSTORE_USER=%s %s \"$1\" >%s 2>&1 &\n", user, self, filepath.Join(dir, "browser.log"))
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}
