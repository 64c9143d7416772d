package verify_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"repro/format"
	"repro/format/signature"
	"repro/key"
	"repro/report"
	"repro/verify"
)

// FuzzImage patches a signed image: at two places, and by cutting or adding to
// its end. None passes that differs in more than what signatures are free to
// say; nothing panics. (The whole file as the fuzzer's input would be too much
// for it: most of an image are bytes that a digest covers.)
func FuzzImage(f *testing.F) {
	alice, carol := newKey(f, key.OpenPGP, "Alice"), newKey(f, key.PEM, "")
	images := [][]byte{signedBy(f, alice, carol), newForeign(f, 2).sign(alice).bytes()}
	f.Add(false, uint32(0), []byte{}, uint32(0), []byte{}, int16(0))
	f.Add(true, uint32(0), []byte{}, uint32(0), []byte{}, int16(0))
	for at := range 12 { // into each descriptor, and the header
		f.Add(false, uint32(slot(at+1)), []byte{1}, uint32(headerModified), []byte{0, 1}, int16(0))
		f.Add(true, uint32(32+at*8), []byte{0xff, 0xff}, uint32(4096+at*descriptorSize), []byte{5}, int16(at-6))
	}
	f.Fuzz(func(t *testing.T, foreign bool, at uint32, patch []byte, at2 uint32, patch2 []byte, tail int16) {
		good := images[0]
		if foreign {
			good = images[1]
		}
		b := slices.Clone(good)
		copy(b[at%uint32(len(b)):], patch)
		copy(b[at2%uint32(len(b)):], patch2)
		if tail < 0 {
			b = b[:max(0, len(b)+int(tail))]
		} else {
			b = append(b, make([]byte, tail)...)
		}
		_, err := run(b, trusting(alice), verify.Options{})
		if err == nil && (foreign || !onlySignaturesDiffer(t, good, b)) {
			t.Fatal("another file passes")
		}
		if _, err := run(b, trusting(alice), verify.Options{Foreign: true}); err == nil && !bytes.Contains(b, []byte("not really")) {
			t.Fatal("another content passes")
		}
	})
}

// onlySignaturesDiffer compares two images outside the signature objects and
// their descriptors.
func onlySignaturesDiffer(t *testing.T, good, b []byte) bool {
	im, err := format.New(bytes.NewReader(good), int64(len(good)), "good")
	if err != nil {
		t.Fatal(err)
	}
	good, b = slices.Clone(good), slices.Clone(b)
	if len(good) != len(b) {
		return false
	}
	for _, o := range im.Objects() {
		if o.Type != format.DataSignature {
			continue
		}
		for _, s := range [][2]int64{{int64(slot(o.Slot)), descriptorSize}, {o.Offset, o.Size}} {
			clear(good[s[0] : s[0]+s[1]])
			clear(b[s[0] : s[0]+s[1]])
		}
	}
	return bytes.Equal(good, b)
}

// FuzzDetached hands the verifier signatures from outside: only the one that
// Alice made counts, however it is wrapped.
func FuzzDetached(f *testing.F) {
	alice, carol := newKey(f, key.OpenPGP, "Alice"), newKey(f, key.PEM, "")
	both := signedBy(f, alice, carol)
	im, err := format.New(bytes.NewReader(both), int64(len(both)), "both")
	if err != nil {
		f.Fatal(err)
	}
	blocks, err := im.Signatures()
	if err != nil {
		f.Fatal(err)
	}
	for _, o := range blocks {
		f.Add(o.Data)
	}
	bytesOfBare := signedBy(f)
	bare, err := format.New(bytes.NewReader(bytesOfBare), int64(len(bytesOfBare)), "bare")
	if err != nil {
		f.Fatal(err)
	}
	objects, err := bare.Check(ctx, format.CheckOptions{})
	if err != nil {
		f.Fatal(err)
	}
	checked := func(context.Context) ([]report.ObjectStatus, error) { return slices.Clone(objects), nil } // once is enough
	f.Fuzz(func(t *testing.T, block []byte) {
		_, err := verify.Image(ctx, bare, trusting(alice, carol), verify.Options{Detached: [][]byte{block}, Check: checked})
		if err != nil {
			return
		}
		b, err := signature.Parse(block)
		if err != nil {
			t.Fatal("accepted what does not parse")
		}
		if c := b.Clearsigned; c != nil && !bytes.Equal(c.Encode(), blocks[0].Data) {
			t.Fatal("another signature passes")
		}
		if e := b.Envelope; e != nil && !bytes.Contains(blocks[1].Data, []byte(e.Signatures[0].KeyID)) && len(e.Signatures) == 1 {
			t.Fatal("another signer passes")
		}
	})
}
