package release

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/format/bundle"
	"repro/format/manifest"
	"repro/key"
)

func newKey(t *testing.T) *key.Private {
	t.Helper()
	k, err := key.New(key.PEM, key.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestSignFile holds a signature against file, key, and what else is signed.
func TestSignFile(t *testing.T) {
	k, other := newKey(t), newKey(t)
	content := []byte("a list\n")
	signed, bare, err := SignFile(k, content)
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyFile(k.Public(), content, signed); err != nil {
		t.Error(err)
	}
	if !k.Public().Verify(content, bare) {
		t.Error("the bare signature is another")
	}
	if err := VerifyFile(other.Public(), content, signed); !errors.Is(err, ErrSignature) {
		t.Errorf("by another key: %v", err)
	}
	if err := VerifyFile(k.Public(), []byte("a list"), signed); !errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), "another file") {
		t.Errorf("over another file: %v", err)
	}
	b, err := bundle.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	b.Message.Digest, b.Message.Hash = nil, ""
	if err := VerifyFile(k.Public(), []byte("a list"), b.Encode()); !errors.Is(err, ErrSignature) {
		t.Errorf("over another file, without its digest: %v", err)
	}
	if err := VerifyFile(k.Public(), content, []byte("{}")); !errors.Is(err, bundle.ErrMalformed) {
		t.Errorf("no bundle: %v", err)
	}
	statement, err := SignStatement(k, content)
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyFile(k.Public(), content, statement); !errors.Is(err, ErrSignature) {
		t.Errorf("a statement: %v", err)
	}
	if b, err = bundle.Parse(statement); err != nil || !k.Public().Verify(b.Envelope.Signed(), b.Envelope.Signature) || string(b.Envelope.Payload) != string(content) {
		t.Errorf("%+v, %v", b, err)
	}
}

// TestOpenSSL has openssl check what we signed.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl")
	}
	k, dir := newKey(t), t.TempDir()
	public, err := k.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	_, bare, err := SignFile(k, []byte("a list\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"key": public, "sig": bare, "right": []byte("a list\n"), "wrong": []byte("a list")} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{"right": true, "wrong": false} {
		cmd := exec.Command("openssl", "dgst", "-sha256", "-verify", "key", "-signature", "sig", name)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); (err == nil) != want {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

func TestSums(t *testing.T) {
	one, two := sha256.Sum256([]byte("1")), sha256.Sum256([]byte("2"))
	all := []Sum{{manifest.DigestSum(two), "b"}, {manifest.DigestSum(one), "a-1.0+x~y_z"}}
	text := EncodeSums(all)
	if want := fmt.Sprintf("%x  a-1.0+x~y_z\n%x  b\n", one, two); string(text) != want {
		t.Errorf("got %q, want %q", text, want)
	}
	back, err := ParseSums(text)
	if err != nil || len(back) != 2 || back[1] != all[0] {
		t.Errorf("%v, %v", back, err)
	}
	if name, err := Find(back, two); name != "b" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	if _, err := Find(back, sha256.Sum256(nil)); !errors.Is(err, ErrAltered) {
		t.Errorf("err = %v", err)
	}
	line := fmt.Sprintf("%x  a\n", one)
	for what, bad := range map[string]string{
		"twice": line + line, "path": fmt.Sprintf("%x  ../a\n", one), "hidden": fmt.Sprintf("%x  .a\n", one), "short": line[1:],
		"upper": strings.ToUpper(line[:64]) + line[64:], "no name": line[:66], "empty line": line + "\n", "large": strings.Repeat(" ", MaxSums+1),
		"many": func() (s string) {
			for i := range maxSumsLines + 1 {
				s += fmt.Sprintf("%x  a%d\n", one, i)
			}
			return s
		}(),
	} {
		if _, err := ParseSums([]byte(bad)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, err := ParseSums([]byte(strings.Replace(line, "  ", " *", 1))); err != nil || len(got) != 1 {
		t.Errorf("binary mark: %v, %v", got, err)
	}
}

func FuzzParseSums(f *testing.F) {
	f.Add([]byte(strings.Repeat("a", 64) + "  repro\n"))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := ParseSums(b)
		if err != nil {
			return
		}
		if again, err := ParseSums(EncodeSums(all)); err != nil || len(again) != len(all) {
			t.Errorf("%q: %v, %v", b, again, err)
		}
	})
}

func TestProvenance(t *testing.T) {
	s := Source{"v1.2.3", strings.Repeat("ab", 20), "2026-01-02T03:04:05Z", "go1.26.8"}
	raw, err := Provenance(s, []Sum{{"sha256:12", "repro"}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"repro","digest":{"sha256":"12"}}],"predicateType":"https://slsa.dev/provenance/v1",` +
		`"predicate":{"buildDefinition":{"buildType":"https://repro.dev/release/v1","externalParameters":{"command":"script/release","date":"2026-01-02T03:04:05Z","version":"v1.2.3"},` +
		`"resolvedDependencies":[{"uri":"git+repro","digest":{"gitCommit":"` + s.Commit + `"}},{"uri":"pkg:golang/toolchain@go1.26.8"}]},` +
		`"runDetails":{"builder":{"id":"https://repro.dev/release/v1/anybody"}}}}`
	if string(raw) != want {
		t.Errorf("got\n%s\nwant\n%s", raw, want)
	}
	if !json.Valid(raw) {
		t.Error("not JSON")
	}
}

// TestDebian has dpkg-deb read our packages.
func TestDebian(t *testing.T) {
	p := &Package{
		Name: "repro", Version: "1.2.3", Arch: "amd64", Summary: "a summary", Text: "More\nof it.\n", Time: time.Unix(1_700_000_000, 0),
		Files: []File{{"usr/share/doc/repro/copyright", 0o644, []byte("MIT\n")}, {"usr/bin/repro", 0o755, bytes.Repeat([]byte("x"), 2049)}},
	}
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := p.Encode(); !bytes.Equal(b, again) {
		t.Error("two packages differ")
	}
	name := filepath.Join(t.TempDir(), "repro.deb")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("needs dpkg-deb")
	}
	for field, want := range map[string]string{"Package": "repro", "Version": "1.2.3", "Architecture": "amd64", "Installed-Size": "4", "Description": "a summary\n More\n of it."} {
		out, err := exec.Command("dpkg-deb", "--field", name, field).Output()
		if strings.TrimSpace(string(out)) != want || err != nil {
			t.Errorf("%s: %q, %v", field, out, err)
		}
	}
	out, err := exec.Command("dpkg-deb", "--fsys-tarfile", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(bytes.NewReader(out)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprintf("%s %o %d", h.Name, h.Mode, h.ModTime.Unix()))
	}
	want := "./ 755 T,./usr/ 755 T,./usr/bin/ 755 T,./usr/bin/repro 755 T,./usr/share/ 755 T,./usr/share/doc/ 755 T,./usr/share/doc/repro/ 755 T,./usr/share/doc/repro/copyright 644 T"
	if got := strings.Join(names, ","); got != strings.ReplaceAll(want, "T", "1700000000") {
		t.Errorf("got %s", got)
	}
}
