package format_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"repro/format"
)

// refused says which of Open, Layout and Check refuses the image, and how.
func refused(b []byte) (by string, err error) {
	im, err := format.New(bytes.NewReader(b), int64(len(b)), "flipped")
	if err != nil {
		return "open", err
	}
	if p := im.Layout(); len(p) > 0 {
		return "layout", &format.LayoutError{Problems: p}
	}
	_, err = im.Check(context.Background(), format.CheckOptions{Workers: 1})
	return "check", err
}

// TestEveryFlippedByteIsRefused flips every byte of an unsigned image in turn.
func TestEveryFlippedByteIsRefused(t *testing.T) {
	s := sampleSpec()
	s.Layers = s.Layers[:1]
	image := read(t, create(t, s))
	if by, err := refused(image); err != nil {
		t.Fatal(by, err)
	}
	step := 13 // REPRO_TEST_LONG: every byte, which takes a minute or two
	if os.Getenv("REPRO_TEST_LONG") != "" {
		step = 1
	}
	t.Logf("%d bytes", len(image))
	const parts = 4
	var opened, laidOut, checked atomic.Int64
	var g errgroup.Group
	for part := range parts {
		g.Go(func() error {
			b := bytes.Clone(image)
			for i := part * step; i < len(b); i += parts * step {
				for _, mask := range masks(i, image) {
					b[i] ^= mask
					by, err := refused(b)
					b[i] ^= mask
					switch {
					case err == nil:
						t.Errorf("byte %d flipped by %#02x: accepted", i, mask)
					case !errors.Is(err, format.ErrMalformed) && !errors.Is(err, format.ErrForeign) && !errors.Is(err, format.ErrAltered):
						t.Errorf("byte %d flipped by %#02x: %v", i, mask, err)
					case by == "open":
						opened.Add(1)
					case by == "layout":
						laidOut.Add(1)
					default:
						checked.Add(1)
					}
				}
			}
			return nil
		})
	}
	g.Wait()
	t.Logf("refused by Open %d, by Layout %d, by Check %d", opened.Load(), laidOut.Load(), checked.Load())
}

// masks returns how byte i is flipped: where bytes carry meaning, more than
// one way.
func masks(i int, image []byte) []byte {
	if image[i] == 0 || image[i] == ' ' {
		return []byte{1 << (i % 8)}
	}
	return []byte{0x01, 0x20, 0x80}
}

// TestSignatureBlocksAreTheOnlyFreeBytes flips every byte of a signed image
// beyond what the flips above cover: what is accepted lies within signatures
// or in the two fields of their descriptors that package verify checks.
func TestSignatureBlocksAreTheOnlyFreeBytes(t *testing.T) {
	s := sampleSpec()
	s.Layers = s.Layers[:1]
	name := create(t, s)
	ctx := context.Background()
	for _, o := range []format.NewObject{
		{Data: []byte("a signature"), Entity: [20]byte{1, 2, 3}},
		{Data: []byte("an attestation"), Attestation: true, Hash: format.HashSHA512},
	} {
		if err := format.Append(ctx, name, o); err != nil {
			t.Fatal(err)
		}
	}
	im := open(t, name)
	b := read(t, name)
	first := im.Objects()[5]
	table := im.Header().TableOffset
	free := func(i int64) bool {
		for _, o := range im.Objects()[5:] {
			extra := table + int64(o.Slot-1)*585 + 201
			if i >= o.Offset && i < o.Offset+o.Size || i >= extra && i < extra+24 {
				return true
			}
		}
		return false
	}
	step := int64(1)
	if testing.Short() {
		step = 7
	}
	ranges := [][2]int64{{0, 128}, {table + 5*585, table + 7*585}, {first.Offset - 10, im.Size()}}
	for _, r := range ranges {
		for i := r[0]; i < r[1]; i += step {
			b[i] ^= 0x40
			if by, err := refused(b); err == nil && !free(i) {
				t.Errorf("byte %d flipped: accepted", i)
			} else if by == "check" && err != nil && i >= first.Offset {
				t.Errorf("byte %d flipped: %v", i, err)
			}
			b[i] ^= 0x40
		}
	}
	for _, tail := range [][]byte{{0}, []byte("PK\x05\x06"), make([]byte, 4096)} {
		if by, err := refused(append(bytes.Clone(b), tail...)); by != "layout" || !errors.Is(err, format.ErrMalformed) {
			t.Errorf("%d trailing bytes: %s %v", len(tail), by, err)
		}
	}
	for n := range len(b) - 1 {
		if n > 200 && n < len(b)-5000 && n%997 != 0 {
			continue
		}
		if _, err := refused(b[:n]); !errors.Is(err, format.ErrMalformed) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// FuzzOpen gives whatever bytes to everything that reads a file without having
// checked it.
func FuzzOpen(f *testing.F) {
	s := sampleSpec()
	s.Layers = s.Layers[:1]
	image := read(f, create(f, s))
	f.Add(image)
	f.Add(image[:128])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		im, err := format.New(bytes.NewReader(b), int64(len(b)), "fuzz")
		if err != nil {
			return
		}
		for _, o := range im.Objects() {
			o.Partition()
			o.Signature()
			o.SignedBytes(1)
			if o.Offset+o.Size > int64(len(b)) {
				t.Fatalf("object %d ends after the file", o.ID)
			}
		}
		im.Signatures()
		im.Metadata()
		im.Primary()
		problems := im.Layout()
		if _, err := im.Check(context.Background(), format.CheckOptions{Workers: 2}); err == nil {
			if len(problems) > 0 {
				t.Fatal("Check accepts what Layout does not:", problems)
			}
		}
	})
}

// FuzzManifest puts whatever bytes in the place of the manifest.
func FuzzManifest(f *testing.F) {
	s := sampleSpec()
	s.Layers = s.Layers[:1]
	image := read(f, create(f, s))
	im, err := format.New(bytes.NewReader(image), int64(len(image)), "sample")
	if err != nil {
		f.Fatal(err)
	}
	o := im.Objects()[0]
	f.Add(bytes.TrimRight(image[o.Offset:o.Offset+o.Size], " \n"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if int64(len(doc)) >= o.Size {
			return
		}
		b := bytes.Clone(image)
		room := b[o.Offset : o.Offset+o.Size]
		n := copy(room, doc)
		for i := n; i < len(room)-1; i++ {
			room[i] = ' '
		}
		if by, err := refused(b); err == nil && !bytes.Equal(b, image) {
			t.Fatal("accepted by", by)
		}
	})
}
