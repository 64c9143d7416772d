package sign_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/format/signature"
	"repro/sign"
	"repro/verify/bundle"
	"repro/verify/bundle/bundletest"
)

// sigstore is one in memory, and whom it certifies.
func sigstore(t *testing.T) (*bundletest.Sigstore, bundle.Trust, time.Time) {
	t.Helper()
	at := time.Now().UTC().Truncate(time.Second).Add(-5 * time.Minute)
	s := bundletest.New("log.example", at.AddDate(-1, 0, 0), at.AddDate(1, 0, 0))
	root, err := bundle.ParseRoot(s.TrustedRoot())
	if err != nil {
		t.Fatal(err)
	}
	return s, bundle.Trust{Root: root, Identities: []bundle.Identity{{Issuer: bundletest.Provider, Subject: bundletest.Subject}}}, at
}

// TestIdentified: a bundle over this image by the identity that was named is put
// beside; any other leaves the image as it was.
func TestIdentified(t *testing.T) {
	s, trust, at := sigstore(t)
	basic := bundletest.Signing{Subject: bundletest.Subject, Provider: bundletest.Provider, At: at, Log: 2, Stamped: true}
	by := func(change func(*bundletest.Signing)) sign.Signer {
		return func(_ context.Context, payload []byte) ([]byte, error) {
			o := basic
			o.Payload = payload
			change(&o)
			return s.Sign(o).Encode(), nil
		}
	}
	name := image(t)
	before := read(t, name)
	for want, signer := range map[string]sign.Signer{
		"a bundle without a certificate: sign with --key": by(func(o *bundletest.Signing) { o.Key = bundletest.NewKey() }),
		"holds an envelope, want a signature over":        by(func(o *bundletest.Signing) { o.Type = "text/plain" }),
		"its digest is that of something else":            by(func(o *bundletest.Signing) { o.Payload = []byte("else") }),
		"unknown signer: signed by mallory@example.org":   by(func(o *bundletest.Signing) { o.Subject = "mallory@example.org" }),
		"neither a log nor an authority that is trusted":  by(func(o *bundletest.Signing) { o.Stamped = false }),
		"malformed bundle":                                func(context.Context, []byte) ([]byte, error) { return []byte("{}"), nil },
		"the provider says no":                            func(context.Context, []byte) ([]byte, error) { return nil, errors.New("the provider says no") },
	} {
		if _, err := sign.Identified(t.Context(), name, signer, trust, sign.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if string(read(t, name)) != string(before) {
		t.Fatal("a refused bundle changed the image")
	}
	r, err := sign.Identified(t.Context(), name, by(func(*bundletest.Signing) {}), trust, sign.Options{})
	if err != nil || r.Identity != trust.Identities[0] || !r.Beside || !r.Time.Equal(at.Add(time.Minute)) {
		t.Fatalf("%+v, %v", r, err)
	}
	if all := blocks(t, name); len(all) != 1 || !all[0].Attestation || string(all[0].Data) != string(r.Block) {
		t.Errorf("%+v", all)
	}
}

// TestKeyless: the program is given the payload and the flags; what it prints is
// bounded, and why it failed is told.
func TestKeyless(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if _, err := sign.Keyless()(t.Context(), []byte("x")); err == nil || err.Error() != "repro-keyless: not installed" {
		t.Errorf("%v", err)
	}
	program := func(script string) {
		if err := os.WriteFile(filepath.Join(dir, "repro-keyless"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program(`echo "$@"; /bin/cat`)
	if b, err := sign.Keyless("--fulcio", "https://x")(t.Context(), []byte("payload")); err != nil || string(b) != "--fulcio https://x\npayload" {
		t.Errorf("%q, %v", b, err)
	}
	program("echo no such person >&2; exit 3")
	if _, err := sign.Keyless()(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "exit status 3: no such person") {
		t.Error(err)
	}
	program(fmt.Sprintf("/bin/head -c %d /dev/zero", signature.MaxSize+1))
	if b, _ := sign.Keyless()(t.Context(), nil); len(b) > signature.MaxSize {
		t.Errorf("%d bytes are kept", len(b))
	}
	program("exec /bin/sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := sign.Keyless()(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
