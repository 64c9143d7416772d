package verify_test

import (
	"bytes"
	"crypto"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sylabs/sif/v2/pkg/integrity"
	"github.com/sylabs/sif/v2/pkg/sif"

	"repro/format"
	"repro/key"
	"repro/report"
	"repro/sign"
	"repro/verify"
)

// foreign is a SIF file that package sif makes and package integrity signs, as
// Apptainer and SingularityCE do.
type foreign struct {
	t   testing.TB
	buf *sif.Buffer
	f   *sif.FileImage
}

// newForeign makes a file with a root in group 1, an empty object beside it
// and, if groups is 2, data in group 2.
func newForeign(t testing.TB, groups int) *foreign {
	t.Helper()
	input := func(kind sif.DataType, content string, opts ...sif.DescriptorInputOpt) sif.DescriptorInput {
		di, err := sif.NewDescriptorInput(kind, strings.NewReader(content), opts...)
		if err != nil {
			t.Fatal(err)
		}
		return di
	}
	inputs := []sif.DescriptorInput{
		input(sif.DataDeffile, "bootstrap: scratch\n"),
		input(sif.DataPartition, "not really squashfs", sif.OptPartitionMetadata(sif.FsSquash, sif.PartPrimSys, "amd64")),
		input(sif.DataGeneric, ""),
	}
	for n := uint32(2); n <= uint32(groups); n++ {
		inputs = append(inputs, input(sif.DataPartition, "data",
			sif.OptPartitionMetadata(sif.FsSquash, sif.PartData, "amd64"), sif.OptGroupID(n)))
	}
	buf := sif.NewBuffer(nil)
	f, err := sif.CreateContainer(buf, sif.OptCreateWithDescriptors(inputs...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.UnloadContainer() })
	return &foreign{t, buf, f}
}

func (f *foreign) sign(k *key.Private, opts ...integrity.SignerOpt) *foreign {
	f.t.Helper()
	if k.Kind() == key.OpenPGP {
		b, err := k.Encode(nil)
		if err != nil {
			f.t.Fatal(err)
		}
		es, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(b))
		if err != nil {
			f.t.Fatal(err)
		}
		opts = append(opts, integrity.OptSignWithEntity(es[0]))
	} else {
		s, err := signature.LoadSigner(k.Signer(), crypto.SHA256)
		if err != nil {
			f.t.Fatal(err)
		}
		opts = append(opts, integrity.OptSignWithSigner(s))
	}
	s, err := integrity.NewSigner(f.f, opts...)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := s.Sign(); err != nil {
		f.t.Fatal(err)
	}
	return f
}

func (f *foreign) bytes() []byte { return bytes.Clone(f.buf.Bytes()) }

func TestForeign(t *testing.T) {
	pgp, pem := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.PEM, "")
	other := newKey(t, key.OpenPGP, "Bob")
	signed := func(groups int, keys ...*key.Private) []byte {
		f := newForeign(t, groups)
		for _, k := range keys {
			f.sign(k)
		}
		return f.bytes()
	}
	altered := func(b []byte, at func([]byte) int) []byte { b[at(b)] ^= 1; return b }
	content := func(b []byte) int { return bytes.Index(b, []byte("not really")) }
	tests := []struct {
		name   string
		file   []byte
		key    *key.Private
		want   error
		reason string
	}{
		{"openpgp", signed(1, pgp), pgp, nil, "Alice "},
		{"dsse", signed(1, pem), pem, nil, "vouches for all objects"},
		{"openpgp, two groups", signed(2, pgp), pgp, nil, "Alice "},
		{"dsse, two groups", signed(2, pem), pem, nil, ""},
		{"both kinds, which Apptainer cannot", signed(1, pgp, pem), pem, nil, ""},
		{"unsigned", signed(1), pgp, verify.ErrNotSigned, "unsigned, and not made by repro"},
		{"another key", signed(1, other), pgp, verify.ErrNotSigned, string(other.Fingerprint())},
		{"one group", newForeign(t, 2).sign(pgp, integrity.OptSignGroup(1)).bytes(), pgp, verify.ErrNotSigned, "a part of it only: object 4"},
		{"one object", newForeign(t, 1).sign(pgp, integrity.OptSignObjects(2)).bytes(), pgp, verify.ErrNotSigned, "a part of it only: object 1"},
		{"each group by another", newForeign(t, 2).sign(pgp, integrity.OptSignGroup(1)).sign(other, integrity.OptSignGroup(2)).bytes(), pgp, verify.ErrNotSigned, "a part of it only"},
		{"each object by itself", newForeign(t, 1).sign(pgp, integrity.OptSignObjects(1)).sign(pgp, integrity.OptSignObjects(2)).sign(pgp, integrity.OptSignObjects(3)).bytes(), pgp, nil, ""},
		{"altered content", altered(signed(1, pgp), content), pgp, format.ErrAltered, "Alice"},
		{"altered descriptor", altered(signed(1, pgp), func([]byte) int { return slot(2) + name }), pgp, format.ErrAltered, "Alice"},
		{"altered header", altered(signed(1, pem), func([]byte) int { return headerUUID }), pem, format.ErrAltered, "SHA256:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := run(tt.file, trusting(tt.key), verify.Options{Foreign: true})
			if !errors.Is(err, tt.want) || !strings.Contains(r.Reason, tt.reason) || r.Canonical {
				t.Errorf("%v, want %v\n%+v", err, tt.want, r)
			}
			if err == nil && !r.Intact || (err == nil) != (r.Verdict == report.ImageSigned) {
				t.Errorf("%+v", r)
			}
			for _, o := range r.Objects {
				if err == nil && (!o.Intact || len(o.Signers) == 0) {
					t.Errorf("%+v", o)
				}
			}
			if _, err := run(tt.file, trusting(tt.key), verify.Options{}); err == nil {
				t.Error("a foreign file passes unasked")
			} else if tt.want == nil && !errors.Is(err, format.ErrMalformed) {
				t.Error(err)
			}
		})
	}
}

// TestForeignMounts: of a foreign file the root and overlays are mounted, data
// partitions and other objects are not.
func TestForeignMounts(t *testing.T) {
	k := newKey(t, key.PEM, "")
	r, err := run(newForeign(t, 3).sign(k).bytes(), trusting(k), verify.Options{Foreign: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range r.Objects {
		got = append(got, o.Mounted)
	}
	if want := []string{"", "/", "", "", ""}; !slices.Equal(got, want) {
		t.Errorf("mounted at %q, want %q", got, want)
	}
}

// TestForeignFlips: what package integrity refuses of a foreign file, we
// refuse.
func TestForeignFlips(t *testing.T) {
	k := newKey(t, key.PEM, "")
	whole := newForeign(t, 1).sign(k).bytes()
	accepted := map[string]bool{}
	for i := range whole {
		if i > slot(5) && whole[i] == 0 && i%53 != 0 || testing.Short() && i%41 != 0 {
			continue
		}
		b := bytes.Clone(whole)
		b[i] ^= 1
		if _, err := run(b, trusting(k), verify.Options{Foreign: true}); err != nil {
			continue
		}
		field := "elsewhere"
		switch n := (i - slot(1)) / descriptorSize; {
		case i < 128:
			field = "header"
		case i >= slot(1) && n < 3:
			field = "descriptor"
		case n == 3:
			field = "signature's descriptor"
		}
		accepted[field] = true
		if field == "descriptor" {
			// Padded size and modification time are not signed, the offset of
			// an empty object does not matter.
			at := (i - slot(1)) % descriptorSize
			n := (i - slot(1)) / descriptorSize
			if free := at >= padded && at < created || at >= modified && at < uid || at >= offset && at < size && n == 2; !free {
				t.Errorf("descriptor %d: byte %d may change", n+1, at)
			}
		}
		if i >= content(whole) {
			t.Errorf("byte %d of the contents may change", i-content(whole))
		}
	}
	t.Logf("flips accepted in: %v", slices.Sorted(func(yield func(string) bool) {
		for f := range accepted {
			if !yield(f) {
				return
			}
		}
	}))
}

// TestSignedByOthers: an image that another program signed in place is no
// longer canonical. Its signature can be put into an untouched copy.
func TestSignedByOthers(t *testing.T) {
	alice := newKey(t, key.OpenPGP, "Alice")
	file, copied := image(t, "not really a shell"), image(t, "not really a shell")
	f, err := sif.LoadContainerFromPath(copied)
	if err != nil {
		t.Fatal(err)
	}
	(&foreign{t: t, f: f}).sign(alice)
	if err := f.UnloadContainer(); err != nil {
		t.Fatal(err)
	}
	r, err := run(read(t, copied), trusting(alice), verify.Options{Foreign: true})
	if !errors.Is(err, format.ErrMalformed) || !strings.Contains(r.Reason, "another program") {
		t.Errorf("%v", err)
	}
	theirs, err := format.Open(copied)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	blocks, err := theirs.Signatures()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sign.Embed(ctx, file, blocks[0].Data, alice.Public(), sign.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := run(read(t, file), trusting(alice), verify.Options{}); err != nil {
		t.Error(err)
	}
}

func content(b []byte) int { return bytes.Index(b, []byte("not really")) }
