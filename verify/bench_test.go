package verify_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"repro/format"
	"repro/key"
	"repro/sign"
	"repro/verify"
)

// BenchmarkSignatures shows that more signatures do not cost more passes.
func BenchmarkSignatures(b *testing.B) {
	noise := make([]byte, 64<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	name := image(b, string(noise))
	var first *key.Private
	for n := range 9 {
		if n == 1 || n == 8 {
			im, err := format.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			for _, classic := range []bool{false, true} {
				b.Run(fmt.Sprintf("n=%d/classic=%t", n, classic), func(b *testing.B) {
					b.SetBytes(im.Size())
					for b.Loop() {
						if _, err := verify.Image(ctx, im, trusting(first), verify.Options{Classic: classic}); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			im.Close()
		}
		k := newKey(b, key.OpenPGP, fmt.Sprint("Signer ", n))
		if n == 0 {
			first = k
		}
		if _, err := sign.Image(ctx, name, k, sign.Options{Time: made}); err != nil {
			b.Fatal(err)
		}
	}
}
