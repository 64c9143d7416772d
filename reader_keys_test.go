package repro_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gnupg is a home of GnuPG's, at any time.
type gnupg struct {
	t    *testing.T
	home string
}

func (g gnupg) run(at, stdin string, args ...string) []byte {
	g.t.Helper()
	cmd := exec.Command("gpg", append([]string{"--homedir", g.home, "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback",
		"--passphrase", "", "--faked-system-time", at + "!"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("gpg %q: %v: %s", args, err, stderr.Bytes())
	}
	return out
}

// fingerprint returns that of the primary key, or of the first subkey.
func (g gnupg) fingerprint(name string, subkey bool) string {
	g.t.Helper()
	var all []string
	for line := range strings.Lines(string(g.run("20200101T000000", "", "--with-colons", "--with-subkey-fingerprint", "--list-keys", "="+name))) {
		if f := strings.Split(line, ":"); f[0] == "fpr" {
			all = append(all, f[9])
		}
	}
	if subkey {
		return all[1]
	}
	return all[0]
}

// TestReaderOfKeys asks both programs about signatures by keys that expire, and
// are extended, superseded or not for signing.
func TestReaderOfKeys(t *testing.T) {
	r := startReader(t)
	home, err := os.MkdirTemp("", "gpg") // short, for the agent's socket
	if err != nil {
		t.Fatal(err)
	}
	g := gnupg{t, home}
	t.Cleanup(func() {
		exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	image := unpacked(t, filepath.Join(vectors, "attack", "signature-never-made.sif.gz"))
	payload := payloadOf(t, image)
	const born = "20200101T000000"
	generate := func(name, algorithm, usage, expires string) string {
		g.run(born, "", "--quick-gen-key", name, algorithm, usage, expires)
		return g.fingerprint(name, false)
	}
	check := func(name, signer, at, status, verdict string) {
		t.Helper()
		block := written(t, g.run(at, payload, "--digest-algo", "SHA512", "-u", signer, "--clearsign"))
		key := written(t, g.run(at, "", "--export", signer))
		bothSay(t, r, name, status, verdict, image, "--key", key, "--signature", block)
	}

	a := generate("plain", "ed25519", "sign", "0")
	check("plain", a, "20210101T000000", "valid", "signed")
	check("the second in which it was made", a, born, "valid", "signed")

	e := generate("expires", "nistp384", "sign", "1y")
	check("expires later", e, "20200601T000000", "unanchored", "signed")
	old := written(t, g.run("20200601T000000", payload, "--digest-algo", "SHA512", "-u", e, "--clearsign"))
	g.run("20210601T000000", "", "--quick-set-expire", e, "10y")
	check("extended", e, "20210701T000000", "valid", "signed")
	extended := written(t, g.run(born, "", "--export", e))
	bothSay(t, r, "before the only self-signature left", "invalid", "not signed", image, "--key", extended, "--signature", old)

	c := generate("subkey", "rsa2048", "cert", "0")
	g.run(born, "", "--quick-add-key", c, "ed25519", "sign", "1y")
	check("subkey expires later", g.fingerprint("subkey", true)+"!", "20200601T000000", "unanchored", "signed")
}

// bothSay checks that both programs find one signature of this status, and
// this verdict.
func bothSay(t *testing.T, r *reader, name, status, verdict, image string, args ...string) {
	t.Helper()
	exit := 0
	if verdict != "signed" {
		exit = 3
	}
	var ours, theirs answer
	if err := json.Unmarshal(repro(t, exit, append([]string{"verify", "--json", image}, args...)...), &ours); err != nil {
		t.Fatal(err)
	}
	if got := r.ask(t, &theirs, append([]string{"verify", image}, args...)...); got != exit {
		t.Errorf("%s: the reader's exit status is %d, want %d", name, got, exit)
	}
	for who, a := range map[string]answer{"repro": ours, "the reader": theirs} {
		if a.Verdict != verdict || len(a.Signatures) != 1 || a.Signatures[0].Status != status {
			t.Errorf("%s: %s says %+v; want %q, %q", name, who, a, status, verdict)
		}
	}
}

// payloadOf returns what signatures of an image sign.
func payloadOf(t *testing.T, image string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "somebody")
	repro(t, 0, "key", "new", name, "--no-passphrase")
	repro(t, 0, "sign", "--key", name+".key", "--detached", name+".asc", image)
	b, err := os.ReadFile(name + ".asc")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n")[3]
}
