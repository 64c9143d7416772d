package format_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sylabs/sif/v2/pkg/integrity"
	"github.com/sylabs/sif/v2/pkg/sif"

	"repro/format"
)

func load(t testing.TB, name string) *sif.FileImage {
	t.Helper()
	f, err := sif.LoadContainerFromPath(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.UnloadContainer() })
	return f
}

// TestTheLibraryReadsTheSame compares what package sif reads with what we do.
func TestTheLibraryReadsTheSame(t *testing.T) {
	name := create(t, sampleSpec())
	f, im := load(t, name), open(t, name)
	h := im.Header()
	if f.LaunchScript() != h.Launch || f.PrimaryArch() != h.Arch || f.CreatedAt().Unix() != h.Created ||
		f.ModifiedAt().Unix() != h.Modified || f.DescriptorsFree() != h.Free || f.DescriptorsTotal() != h.Total ||
		f.DataOffset() != h.DataOffset || f.DataSize() != h.DataSize || f.Version() != "01" {
		t.Errorf("header %+v", h)
	}
	ods, err := f.GetDescriptors()
	if err != nil || len(ods) != len(im.Objects()) {
		t.Fatal(len(ods), err)
	}
	for i, o := range im.Objects() {
		d := ods[i]
		link, isGroup := d.LinkedID()
		if int32(d.DataType()) != int32(o.Type) || d.ID() != o.ID || d.GroupID() != o.Group || link != o.Link ||
			isGroup != o.LinkIsGroup || d.Offset() != o.Offset || d.Size() != o.Size || d.Name() != o.Name ||
			d.CreatedAt().Unix() != o.Created || d.ModifiedAt().Unix() != o.Modified {
			t.Errorf("slot %d: %+v", i+1, o)
		}
		if p, ok := o.Partition(); ok {
			fs, pt, arch, err := d.PartitionMetadata()
			if err != nil || int32(fs) != int32(p.FS) || int32(pt) != int32(p.Type) || arch != p.Arch {
				t.Errorf("slot %d: %+v, the library reads %v %v %v %v", i+1, p, fs, pt, arch, err)
			}
		}
		b, err := d.GetData()
		if err != nil {
			t.Fatal(err)
		}
		mine, err := io.ReadAll(im.Section(o))
		if err != nil || !bytes.Equal(b, mine) {
			t.Errorf("slot %d: other content (%v)", i+1, err)
		}
	}
	prim, err := f.GetDescriptor(sif.WithPartitionType(sif.PartPrimSys))
	if err != nil || prim.Name() != format.EnvironmentName {
		t.Error("primary partition:", prim.Name(), err)
	}
}

// TestWhatApptainerNeeds checks, with the library that it uses, what Apptainer
// relies on when it starts an image.
func TestWhatApptainerNeeds(t *testing.T) {
	f := load(t, create(t, sampleSpec()))
	inspect, err := f.GetDescriptor(sif.WithDataType(sif.DataGenericJSON), func(d sif.Descriptor) (bool, error) {
		return d.Name() == "inspect-metadata.json", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := inspect.GetData(); err != nil || !json.Valid(b) {
		t.Errorf("%q, %v", b, err)
	}
	primary, err := f.GetDescriptor(sif.WithPartitionType(sif.PartPrimSys))
	if err != nil {
		t.Fatal(err)
	}
	parts, err := f.GetDescriptors(sif.WithDataType(sif.DataPartition), sif.WithGroupID(primary.GroupID()))
	if err != nil {
		t.Fatal(err)
	}
	var overlays []string
	for _, d := range parts {
		if _, pt, _, err := d.PartitionMetadata(); err != nil {
			t.Error(err)
		} else if pt == sif.PartOverlay {
			overlays = append(overlays, d.Name())
		}
		b, err := d.GetData()
		if err != nil || len(b) < 2048 || len(b)%4096 != 0 || d.Offset()%4096 != 0 || string(b[:4]) != "hsqs" {
			t.Errorf("partition %s: %d bytes at %d: skipped by Apptainer (%v)", d.Name(), len(b), d.Offset(), err)
		}
	}
	if want := []string{"code", "data"}; !slices.Equal(overlays, want) {
		t.Errorf("overlays %q, want %q, the last on top", overlays, want)
	}
}

// TestUnsquashfsReadsLayersInPlace reads each layer out of the image with
// the reference program.
func TestUnsquashfsReadsLayersInPlace(t *testing.T) {
	program, err := exec.LookPath("unsquashfs")
	if err != nil {
		t.Skip("needs unsquashfs (Debian package squashfs-tools)")
	}
	name := create(t, sampleSpec())
	want := map[string]string{
		"environment": "etc/passwd", "code": "paper/analysis.py", "data": "paper/data.csv", "published": "result.txt",
	}
	for _, o := range open(t, name).Objects() {
		if o.Type != format.DataPartition {
			continue
		}
		out, err := exec.Command(program, "-lc", "-o", fmt.Sprint(o.Offset), name).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte(want[o.Name])) {
			t.Errorf("layer %s: %v\n%s", o.Name, err, out)
		}
	}
}

func entity(t testing.TB) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("Ada", "", "ada@example.org", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// signedByLibrary copies the image, lets package integrity sign the copy and
// returns its name and the signature object.
func signedByLibrary(t *testing.T, name string, opts ...integrity.SignerOpt) (string, []byte) {
	t.Helper()
	signed := filepath.Join(t.TempDir(), "copy.sif")
	if err := os.WriteFile(signed, read(t, name), 0o666); err != nil {
		t.Fatal(err)
	}
	f := load(t, signed)
	s, err := integrity.NewSigner(f, opts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sign(); err != nil {
		t.Fatal(err)
	}
	d, err := f.GetDescriptor(sif.WithDataType(sif.DataSignature))
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.GetData()
	if err != nil {
		t.Fatal(err)
	}
	return signed, b
}

// signers are the two kinds of image signature.
func signers(t *testing.T) map[string]struct {
	sign    integrity.SignerOpt
	verify  integrity.VerifierOpt
	payload func([]byte) []byte
	entity  [20]byte
} {
	e := entity(t)
	_, secret, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	sv, err := signature.LoadED25519SignerVerifier(secret)
	if err != nil {
		t.Fatal(err)
	}
	type kind = struct {
		sign    integrity.SignerOpt
		verify  integrity.VerifierOpt
		payload func([]byte) []byte
		entity  [20]byte
	}
	return map[string]kind{
		"openpgp": {
			integrity.OptSignWithEntity(e), integrity.OptVerifyWithKeyRing(openpgp.EntityList{e}),
			func(b []byte) []byte {
				block, _ := clearsign.Decode(b)
				return block.Plaintext
			},
			[20]byte(e.PrimaryKey.Fingerprint),
		},
		"dsse": {
			integrity.OptSignWithSigner(sv), integrity.OptVerifyWithVerifier(sv),
			func(b []byte) []byte {
				var envelope struct{ Payload string }
				if err := json.Unmarshal(b, &envelope); err != nil {
					t.Fatal(err)
				}
				p, err := base64.StdEncoding.DecodeString(envelope.Payload)
				if err != nil {
					t.Fatal(err)
				}
				return p
			},
			[20]byte{},
		},
	}
}

// TestMetadataIsWhatTheLibrarySigns signs with package integrity, compares the
// signed document with ours, moves the signature into our image and lets the
// library verify it there, with an attestation beside it.
func TestMetadataIsWhatTheLibrarySigns(t *testing.T) {
	ctx := context.Background()
	for kind, k := range signers(t) {
		t.Run(kind, func(t *testing.T) {
			name := create(t, sampleSpec())
			before := read(t, name)
			im := open(t, name)
			want, err := im.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			id, err := im.ContentID()
			if err != nil {
				t.Fatal(err)
			}
			copied, sig := signedByLibrary(t, name, k.sign)
			if got := bytes.TrimSuffix(k.payload(sig), []byte("\n")); !bytes.Equal(got, want) {
				t.Fatalf("the library signs\n%s\nMetadata is\n%s", got, want)
			}
			if theirs := open(t, copied); len(theirs.Layout()) == 0 {
				t.Error("an image signed with other times and places counts as canonical")
			}
			for _, o := range []format.NewObject{
				{Data: sig, Entity: k.entity},
				{Attestation: true, Data: []byte(`{"statement":"reproduced"}`)},
			} {
				if err := format.Append(ctx, name, o); err != nil {
					t.Fatal(err)
				}
			}
			im = open(t, name)
			for _, p := range im.Layout() {
				t.Error(p)
			}
			if again, err := im.ContentID(); again != id || err != nil {
				t.Errorf("content id was %s, is %s (%v)", id, again, err)
			}
			v, err := integrity.NewVerifier(load(t, name), k.verify)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(); err != nil {
				t.Error("library:", err)
			}
			if err := format.Update(ctx, name, func(*format.Image) ([]format.NewObject, error) { return nil, nil }); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(read(t, name), before) {
				t.Error("without its signatures the image is not what it was")
			}
		})
	}
}

// TestForeign opens an image made by the library, as Apptainer makes them.
func TestForeign(t *testing.T) {
	name := filepath.Join(t.TempDir(), "foreign.sif")
	def, err := sif.NewDescriptorInput(sif.DataDeffile, bytes.NewReader([]byte("bootstrap: docker\n")))
	if err != nil {
		t.Fatal(err)
	}
	part, err := sif.NewDescriptorInput(sif.DataPartition, bytes.NewReader(make([]byte, 4096)),
		sif.OptPartitionMetadata(sif.FsSquash, sif.PartPrimSys, "arm64"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := sif.CreateContainerAtPath(name, sif.OptCreateWithDescriptors(def, part))
	if err != nil {
		t.Fatal(err)
	}
	f.UnloadContainer()
	im := open(t, name)
	if n := len(im.Objects()); n != 2 || im.Header().Arch != "arm64" || im.Header().Total != 48 {
		t.Errorf("%d objects, header %+v", n, im.Header())
	}
	if p := im.Layout(); len(p) != 1 {
		t.Error(p)
	}
	checkIs(t, format.ErrForeign, func() error { _, err := im.Manifest(); return err })
	checkIs(t, format.ErrForeign, func() error { _, err := im.Metadata(); return err })
	checkIs(t, format.ErrForeign, func() error { _, err := im.Root(); return err })
	checkIs(t, format.ErrForeign, func() error { _, err := im.Check(context.Background(), format.CheckOptions{}); return err })
	checkIs(t, format.ErrForeign, func() error {
		return format.Append(context.Background(), name, format.NewObject{Data: []byte("x")})
	})
	if _, err := im.Primary(); err == nil {
		t.Error("zeros were read as squashfs")
	}
}
