package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCertificates reads the folders that Docker and podman read.
func TestCertificates(t *testing.T) {
	a := newAuthority(t)
	const host = "registry.example.org:5000"
	folders := []string{filepath.Join(t.TempDir(), "none"), a.certificates}
	c, err := certificates(host, folders)
	if err != nil || c.RootCAs != nil || len(c.Certificates) != 0 {
		t.Errorf("of nobody: %v, %v", c, err)
	}
	a.known(t, host)
	dir := filepath.Join(a.certificates, host)
	for from, to := range map[string]string{"server.crt": "client.cert", "server.key": "client.key"} {
		if err := os.Rename(filepath.Join(a.dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	c, err = certificates(host, folders)
	if err != nil || c.RootCAs == nil || len(c.Certificates) != 1 {
		t.Errorf("%v, %v", c, err)
	}
	if c, err := certificates("registry.example.org", folders); err != nil || c.RootCAs != nil {
		t.Errorf("of another host: %v, %v", c, err)
	}
	for name, text := range map[string]string{"bad.crt": "no certificate", "large.crt": strings.Repeat("x", maxCertificate+1), "alone.cert": "x"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := certificates(host, folders); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
		os.Remove(file)
	}
}
