package verify_test

import (
	"errors"
	"fmt"
	"log"

	"repro/format"
	"repro/key"
	"repro/verify"
)

// A journal's program asks whether the author vouches for a deposit.
func ExampleImage() {
	paper, alice, remove := exampleImage()
	defer remove()
	im, err := format.Open(paper)
	if err != nil {
		log.Fatal(err)
	}
	defer im.Close()

	report, err := verify.Image(ctx, im, verify.Trust{
		Keys:  []*key.Public{alice},
		Names: map[key.Fingerprint]string{alice.Fingerprint(): "the author"},
	}, verify.Options{})
	switch {
	case err == nil:
		fmt.Println("accepted:", report.Verdict)
	case errors.Is(err, verify.ErrNotSigned):
		fmt.Println("ask the author to sign:", report.Reason)
	default:
		fmt.Println("damaged:", report.Reason)
	}

	_, err = verify.Image(ctx, im, verify.Trust{}, verify.Options{})
	fmt.Println("without a key:", errors.Is(err, verify.ErrNotSigned))
	// Output:
	// accepted: signed
	// without a key: true
}
