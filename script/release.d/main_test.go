package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"repro/key"
	"repro/publish/release"
)

// TestInstaller installs a program, and none that is not what the key signed.
func TestInstaller(t *testing.T) {
	for _, program := range []string{"curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("needs " + program)
		}
	}
	t.Chdir("../..")
	k, err := key.New(key.PEM, key.Options{})
	if err != nil {
		t.Fatal(err)
	}
	other, err := key.New(key.PEM, key.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := &maker{dir: t.TempDir(), source: release.Source{Version: "v1.2.3"}}
	name := "repro-v1.2.3-" + runtime.GOOS + "-" + runtime.GOARCH
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	seal := func(by *key.Private) {
		t.Helper()
		files, err := m.sums()
		if err != nil {
			t.Fatal(err)
		}
		list := release.EncodeSums(files)
		_, bare, err := release.SignFile(by, list)
		if err != nil {
			t.Fatal(err)
		}
		write(release.SumsName, string(list))
		write(release.SumsName+release.BareSuffix, string(bare))
	}
	web := httptest.NewServer(http.FileServer(http.Dir(m.dir)))
	defer web.Close()
	install := func(to string, more ...string) (string, error) {
		args := append([]string{filepath.Join(m.dir, "install.sh"), web.URL, "--to", to}, more...)
		out, err := exec.Command("sh", args...).CombinedOutput()
		return string(out), err
	}
	program := "#!/bin/sh\necho repro v1.2.3 $1\n"
	write(name, program)
	if err := m.installer(k); err != nil {
		t.Fatal(err)
	}
	seal(k)
	to := filepath.Join(t.TempDir(), "bin")
	if out, err := install(to); err != nil || !strings.Contains(out, to+"/repro  repro v1.2.3 version") {
		t.Errorf("%s: %v", out, err)
	}
	if b, err := os.ReadFile(filepath.Join(to, "repro")); err != nil || string(b) != program {
		t.Errorf("%q, %v", b, err)
	}
	refused := func(what, why string, more ...string) {
		t.Helper()
		to := filepath.Join(t.TempDir(), "bin")
		if out, err := install(to, more...); err == nil || !strings.Contains(out, why) {
			t.Errorf("%s: %v: %s", what, err, out)
		}
		if _, err := os.Stat(to); err == nil {
			t.Errorf("%s: something was installed", what)
		}
	}
	public, err := other.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(t.TempDir(), "other.pub")
	if err := os.WriteFile(mine, public, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a key of one's own", "not signed by the key", "--key", mine)
	write(name, program+"# altered\n")
	refused("altered", "is not what SHA256SUMS says")
	seal(other)
	refused("signed by another", "not signed by the key")
	os.Remove(filepath.Join(m.dir, name))
	seal(k)
	refused("missing", "not to be had")
	if err := m.installer(nil); err != nil {
		t.Fatal(err)
	}
	refused("no key", "this release is not signed")
}
