package sign_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"repro/format/signature"
	"repro/key"
	"repro/sign"
)

// TestGnuPG lets gpg sign the metadata of an image, embeds that, and lets gpg
// verify what we signed and exported.
func TestGnuPG(t *testing.T) {
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skipf("needs gpg")
	}
	home, err := os.MkdirTemp("", "g") // the agent's socket wants a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	gpg := func(stdin []byte, args ...string) []byte {
		t.Helper()
		cmd := exec.Command("gpg", append([]string{"--batch", "--homedir", home}, args...)...)
		cmd.Stdin = bytes.NewReader(stdin)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gpg %v: %v\n%s", args, err, stderr.Bytes())
		}
		return out
	}
	gpg(nil, "--passphrase", "", "--quick-gen-key", "Grace", "ed25519", "sign")
	grace, err := key.ParsePublic(gpg(nil, "--export", "Grace"))
	if err != nil {
		t.Fatal(err)
	}
	im := image(t)
	metadata, err := open(t, im).Metadata()
	if err != nil {
		t.Fatal(err)
	}
	block := gpg(metadata, "-u", "Grace", "--clearsign")
	for range 2 {
		if _, err := sign.Embed(ctx, im, block, grace, sign.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	wantSignedBy(t, im, grace)
	if n := len(blocks(t, im)); n != 1 {
		t.Errorf("%d blocks", n)
	}
	if _, err := sign.Embed(ctx, im, block, newKey(t, key.OpenPGP, key.Algorithm{}, "Bob").Public(), sign.Options{}); !errors.Is(err, signature.ErrUnknown) {
		t.Errorf("embedded as Bob's: %v", err)
	}
	other := gpg([]byte("another text"), "-u", "Grace", "--clearsign")
	if _, err := sign.Embed(ctx, im, other, grace, sign.Options{}); !errors.Is(err, signature.ErrInvalid) {
		t.Errorf("embedded another text: %v", err)
	}

	alice := newKey(t, key.OpenPGP, key.Algorithm{}, "Alice")
	res := signed(t, im, alice, sign.Options{})
	b, err := alice.Public().Encode()
	if err != nil {
		t.Fatal(err)
	}
	gpg(b, "--import")
	gpg(res.Block, "--verify")
	for i, o := range blocks(t, im) {
		file := filepath.Join(home, "block")
		if err := os.WriteFile(file, o.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		gpg(nil, "--verify", file)
		t.Logf("block %d: good", i+1)
	}
}
