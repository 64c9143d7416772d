package verify_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/key"
	"repro/report"
	"repro/sign"
	"repro/verify"
)

// TestAltered names the object that was damaged.
func TestAltered(t *testing.T) {
	alice := newKey(t, key.OpenPGP, "Alice")
	noise := make([]byte, 200_000) // more than a block after compression
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	file := image(t, string(noise))
	if _, err := sign.Image(ctx, file, alice, sign.Options{Time: made}); err != nil {
		t.Fatal(err)
	}
	for n, name := range map[int]string{2: "repro.yaml", 3: "inspect-metadata.json", 4: "environment", 5: "environment.verity", 6: "code"} {
		b := read(t, file)
		object(b, n)[1] ^= 1
		r, err := run(b, trusting(alice), verify.Options{})
		if !errors.Is(err, format.ErrAltered) || r.Verdict != report.ImageAltered || r.Intact || !r.Canonical {
			t.Errorf("%s: %v, verdict %q", name, err, r.Verdict)
			continue
		}
		if !strings.Contains(err.Error(), name) || !strings.Contains(r.Reason, name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}

// TestFlipEveryByte flips bytes of a signed image, one at a time. Outside
// signatures no flip is accepted; inside, none leaves the image signed. All
// bytes take minutes: REPRO_EXHAUSTIVE=1 asks for them, otherwise those outside
// the signature are thinned out.
func TestFlipEveryByte(t *testing.T) {
	for _, kind := range []key.Kind{key.OpenPGP, key.PEM} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			k := newKey(t, kind, "Alice")
			whole := signedBy(t, k)
			im, err := format.New(bytes.NewReader(whole), int64(len(whole)), "whole")
			if err != nil {
				t.Fatal(err)
			}
			last := im.Objects()[len(im.Objects())-1]
			b, trust, flipped := bytes.Clone(whole), trusting(k), 0
			for i := range b {
				inside := last.Offset <= int64(i) && int64(i) < last.Offset+last.Size
				if os.Getenv("REPRO_EXHAUSTIVE") == "" && !inside && i%thinning(whole[i]) != 0 || testing.Short() && i%29 != 0 {
					continue
				}
				flipped++
				b[i] ^= 1 << (i % 8)
				r, err := run(b, trust, verify.Options{Workers: 1})
				b[i] = whole[i]
				switch {
				case err == nil || r.Verdict == report.ImageSigned:
					t.Errorf("byte %d: still signed", i)
				case !inside && !errors.Is(err, format.ErrMalformed) && !errors.Is(err, format.ErrAltered):
					// Who the signer is stands in the descriptor, outside the block.
					if at := i - slot(last.Slot) - extra; at < 0 || at >= 24 {
						t.Errorf("byte %d: %v", i, err)
					}
				}
			}
			t.Logf("%d of %d bytes flipped", flipped, len(b))
		})
	}
}

func thinning(b byte) int {
	if b == 0 || b == ' ' {
		return 127
	}
	return 11
}

func TestReportReads(t *testing.T) {
	alice := newKey(t, key.OpenPGP, "Alice")
	r, _ := run(signedBy(t, alice), trusting(alice), verify.Options{})
	b, err := manifest.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again report.Verify
	if err := manifest.Unmarshal(b, &again); err != nil || fmt.Sprint(again) != fmt.Sprint(*r) {
		t.Errorf("%v\n%s", err, b)
	}
	if os.Getenv("SHOW") != "" {
		t.Logf("%s", b)
	}
}

// countingReader counts the bytes that are read.
type countingReader struct {
	*bytes.Reader
	n atomic.Int64
}

func (c *countingReader) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(b, off)
	c.n.Add(int64(n))
	return n, err
}

// TestOnePass: the data are read once however many signatures there are.
func TestOnePass(t *testing.T) {
	noise := make([]byte, 8<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	file := image(t, string(noise))
	first := newKey(t, key.OpenPGP, "Signer 1")
	for n := 1; n <= 8; n++ {
		k := first
		if n > 1 {
			k = newKey(t, key.OpenPGP, fmt.Sprint("Signer ", n))
		}
		if _, err := sign.Image(ctx, file, k, sign.Options{Time: made}); err != nil {
			t.Fatal(err)
		}
		for _, classic := range []bool{false, true} {
			r := &countingReader{Reader: bytes.NewReader(read(t, file))}
			im, err := format.New(r, r.Size(), "paper.sif")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := verify.Image(ctx, im, trusting(first), verify.Options{Classic: classic}); err != nil {
				t.Fatal(err)
			}
			if got, most := r.n.Load(), r.Size()+r.Size()/20; got > most {
				t.Errorf("%d signatures: %d bytes read of a file of %d", n, got, r.Size())
			}
		}
	}
}
