// Package loopback signs with a real sigstore on this machine: see script/sigstore.
package loopback

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

func TestMain(m *testing.M) {
	if user := os.Getenv("SIGSTORE_USER"); user != "" { // started as xdg-open
		if err := signIn(os.Args[1], user); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// signIn does in a browser's place what a person does there.
func signIn(address, user string) error {
	jar, _ := cookiejar.New(nil)
	c := &http.Client{Jar: jar}
	r, err := c.Get(address)
	if err != nil {
		return err
	}
	page, err := io.ReadAll(r.Body)
	r.Body.Close()
	id := regexp.MustCompile(`name="id" value="([^"]*)"`).FindSubmatch(page)
	if err != nil || id == nil {
		return fmt.Errorf("no form at %s: %v: %s", r.Request.URL, err, page)
	}
	r, err = c.PostForm(r.Request.URL.ResolveReference(&url.URL{Path: "/login/username"}).String(), url.Values{"username": {user}, "password": {"secret"}, "id": {string(id[1])}})
	if err != nil {
		return err
	}
	defer r.Body.Close()
	page, _ = io.ReadAll(r.Body)
	if r.StatusCode != http.StatusOK || bytes.Contains(page, []byte("wrong")) {
		return fmt.Errorf("%s: %s", r.Status, page)
	}
	return nil
}

const recipe = `repro: 1
title: The sum of ten numbers
authors: [{name: Ada Author}]
date: 2026-01-02
environment: {host: [sh]}
code: [sum.sh]
steps:
  - {name: sum, command: [sh, sum.sh], outputs: [out/sum.txt]}
results:
  - {name: sum, output: out/sum.txt, published: published/sum.txt, claim: the sum}
`

// author is a folder with an image, from which programs are run.
type author struct {
	t    *testing.T
	dir  string
	path string
}

func newAuthor(t *testing.T, user string) *author {
	t.Helper()
	a := &author{t: t, dir: t.TempDir()}
	bin := filepath.Join(a.dir, "bin")
	for _, d := range []string{bin, filepath.Join(a.dir, "published")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	browser(t, bin, user)
	a.path = bin + ":" + os.Getenv("SIGSTORE_PROGRAMS") + ":" + os.Getenv("PATH")
	write(t, filepath.Join(a.dir, "repro.yaml"), []byte(recipe))
	write(t, filepath.Join(a.dir, "sum.sh"), []byte("mkdir -p out\necho 55 >out/sum.txt\n"))
	write(t, filepath.Join(a.dir, "published", "sum.txt"), []byte("55\n"))
	a.repro(0, "build", "-o", "paper.sif")
	return a
}

// repro runs repro, which must end with status, and returns what it printed.
func (a *author) repro(status int, args ...string) string {
	a.t.Helper()
	cmd := exec.Command(filepath.Join(os.Getenv("SIGSTORE_PROGRAMS"), "repro"), args...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), "PATH="+a.path, "HOME="+a.dir)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != status {
		log, _ := os.ReadFile(filepath.Join(a.dir, "bin", "browser.log"))
		a.t.Fatalf("repro %q: %v, want status %d: %s\n%s", args, err, status, out, log)
	}
	return string(out)
}

// TestSignsAndVerifies: signed in by browser, certified, logged and stamped by the
// real servers, the signature holds for repro and for sigstore-go, offline.
func TestSignsAndVerifies(t *testing.T) {
	for _, c := range []struct{ kind, user, subject string }{
		{"email", "alice", "alice@journal.example"},
		{"username", "josiah", "0000-0002-1825-0097!localhost"}, // as of ORCID
	} {
		t.Run(c.kind, func(t *testing.T) {
			s := run(t, c.kind)
			a := newAuthor(t, c.user)
			write(t, filepath.Join(a.dir, "root.json"), s.root)
			who := []string{"--identity", c.subject, "--issuer", s.issuer, "--trusted-root", "root.json"}
			sign := append([]string{"sign", "--keyless", "--fulcio", s.fulcio, "--rekor", s.rekor, "--rekor-version", "2", "--tsa", s.tsa}, who...)
			if out := a.repro(0, append(sign, "paper.sif")...); !strings.Contains(out, "signed by "+c.subject) || !strings.Contains(out, "for ever") {
				t.Error(out)
			}
			if out := a.repro(0, append(append([]string{"verify"}, who...), "paper.sif")...); !strings.Contains(out, "signed: "+c.subject) {
				t.Error(out)
			}
			a.repro(3, "verify", "--identity", "mallory@journal.example", "--issuer", s.issuer, "--trusted-root", "root.json", "paper.sif")
			a.repro(3, "verify", "--identity", c.subject, "--issuer", "http://localhost:1", "--trusted-root", "root.json", "paper.sif")
			a.repro(0, "export-signature", "paper.sif", "-o", "signatures")
			metadata, err := os.ReadFile(filepath.Join(a.dir, "signatures", "metadata.json"))
			if err != nil {
				t.Fatal(err)
			}
			bundles, _ := filepath.Glob(filepath.Join(a.dir, "signatures", "*sigstore*"))
			if len(bundles) != 1 {
				all, _ := filepath.Glob(filepath.Join(a.dir, "signatures", "*"))
				t.Fatal("bundles", bundles, all)
			}
			keep(t, c.kind, c.subject, s, metadata, bundles[0])
			theirs(t, bundles[0], s, metadata, c.subject, true)
			theirs(t, bundles[0], s, append(metadata, ' '), c.subject, false)
			theirs(t, bundles[0], s, metadata, "mallory@journal.example", false)
		})
	}
}

// keep leaves what was made in the folder that $SIGSTORE_KEEP names: this is how
// verify/bundle/testdata/loopback came about.
func keep(t *testing.T, kind, subject string, s *services, metadata []byte, file string) {
	t.Helper()
	dir := os.Getenv("SIGSTORE_KEEP")
	if dir == "" {
		return
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, kind+".sigstore.json"), b)
	write(t, filepath.Join(dir, kind+".root.json"), s.root)
	write(t, filepath.Join(dir, kind+".message"), metadata)
	write(t, filepath.Join(dir, kind+".identity"), []byte(s.issuer+" "+subject+"\n"))
}

// theirs asks sigstore-go.
func theirs(t *testing.T, file string, s *services, artifact []byte, subject string, good bool) {
	t.Helper()
	trusted, err := root.NewTrustedRootFromJSON(s.root)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.LoadJSONFromPath(file)
	if err != nil {
		t.Fatal(err)
	}
	v, err := verify.NewVerifier(trusted, verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithSignedTimestamps(1))
	if err != nil {
		t.Fatal(err)
	}
	id, err := verify.NewShortCertificateIdentity(s.issuer, "", subject, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = v.Verify(b, verify.NewPolicy(verify.WithArtifact(bytes.NewReader(artifact)), verify.WithCertificateIdentity(id)))
	if (err == nil) != good {
		t.Errorf("sigstore-go: %v, want good: %v", err, good)
	}
}
