package format_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sylabs/sif/v2/pkg/sif"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/format/verity"
)

func contentOf(t *testing.T, n *tree.Node) string {
	t.Helper()
	if n == nil || n.Open == nil {
		t.Fatal("no such file")
	}
	r, err := n.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRootIsWhatStepsSee(t *testing.T) {
	s := sampleSpec()
	put(s.Layers[1].Tree, "etc/passwd", tree.NewFile(0o600, []byte("from code")))
	im := open(t, create(t, s))
	root, err := im.Root()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"etc/passwd":        "from code",
		"paper/analysis.py": "print(1/3)\n",
		"bin/sh":            "#!not really\n",
	} {
		if got := contentOf(t, root.Lookup(name)); got != want {
			t.Errorf("%s holds %q", name, got)
		}
	}
	if n := root.Lookup("lib"); n == nil || n.Target != "usr/lib" {
		t.Error("symbolic link lost")
	}
	if root.Lookup("result.txt") != nil {
		t.Error("steps see a published result")
	}
	pub, err := im.Published()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := fs.ReadFile(pub, "result.txt"); err != nil || string(b) != "0.3333\n" {
		t.Errorf("published result: %q, %v", b, err)
	}
	if _, err := im.Layer("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	s = sampleSpec()
	s.Layers = s.Layers[:3]
	if _, err := open(t, create(t, s)).Published(); !errors.Is(err, fs.ErrNotExist) {
		t.Error("image without published results:", err)
	}
}

// TestWhatRunsIsWhatWasBound reads damaged files through layers: what comes
// out is either what was put in or an error that names the object.
func TestWhatRunsIsWhatWasBound(t *testing.T) {
	s := sampleSpec()
	want := noise(7, 1<<20)
	put(s.Layers[2].Tree, "paper/noise.bin", tree.NewFile(0o644, want))
	name := create(t, s)
	b := read(t, name)
	im := open(t, name)
	var o format.Object
	for _, x := range im.Objects() {
		if x.Name == "data" {
			o = x
		}
	}
	caught := 0
	for at := o.Offset; at < o.Offset+o.Size; at += 50_001 {
		b[at] ^= 0x08
		damaged, err := format.New(bytes.NewReader(b), int64(len(b)), "damaged")
		if err != nil {
			t.Fatal(err)
		}
		got, err := readThrough(damaged, "data", "paper/noise.bin")
		var bad *format.AlteredError
		switch {
		case err == nil && !bytes.Equal(got, want):
			t.Errorf("byte %d: altered content came through", at)
		case err != nil && (!errors.As(err, &bad) || bad.Object != "data"):
			t.Errorf("byte %d: %v", at, err)
		case err != nil:
			caught++
		}
		b[at] ^= 0x08
	}
	if caught < 10 {
		t.Errorf("only %d of the damages were met", caught)
	}
}

// TestTreesAreCheckedOnRead damages a hash tree below its highest block: a start
// does not read it, whoever touches what it vouches for does, and a whole check.
func TestTreesAreCheckedOnRead(t *testing.T) {
	s := sampleSpec()
	put(s.Layers[2].Tree, "paper/noise.bin", tree.NewFile(0o644, noise(7, 2*2048*verity.BlockSize))) // three blocks of hashes, of which a start needs the outer ones
	im := open(t, create(t, s))
	b, block := read(t, im.Name()), int64(0)
	for _, o := range im.Objects() {
		if o.Name == "data.verity" {
			block = o.Offset + 2*verity.BlockSize // behind the highest, and what vouches for the start of the layer
			b[block] ^= 1
		}
	}
	ctx := context.Background()
	damaged, err := format.New(bytes.NewReader(b), int64(len(b)), "damaged")
	if err != nil {
		t.Fatal(err)
	}
	statuses, err := damaged.Check(ctx, format.CheckOptions{OnRead: true})
	if err != nil {
		t.Error(err)
	}
	for _, st := range statuses {
		if late := st.Name == "data" || st.Name == "data.verity"; late && !st.OnRead {
			t.Errorf("%+v", st)
		}
	}
	var bad *format.AlteredError
	if _, err := readThrough(damaged, "data", "paper/noise.bin"); !errors.As(err, &bad) || bad.Object != "data.verity" || bad.Offset != block {
		t.Error(err)
	}
	if _, err := damaged.Check(ctx, format.CheckOptions{}); !errors.Is(err, format.ErrAltered) {
		t.Error(err)
	}
}

// TestLayerCheck holds the bytes of a layer that came from elsewhere against it.
func TestLayerCheck(t *testing.T) {
	s := sampleSpec()
	put(s.Layers[2].Tree, "paper/noise.bin", tree.NewFile(0o644, noise(7, 200_000)))
	im := open(t, create(t, s))
	check, err := im.LayerCheck("data")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range im.Objects() {
		if o.Name != "data" {
			continue
		}
		b := read(t, im.Name())[o.Offset : o.Offset+o.Size]
		if err := check(0, b); err != nil {
			t.Error(err)
		}
		b[verity.BlockSize+1] ^= 1
		var bad *format.AlteredError
		if err := check(0, b[:verity.BlockSize]); err != nil {
			t.Error(err)
		}
		if err := check(verity.BlockSize, b[verity.BlockSize:]); !errors.As(err, &bad) || bad.Object != "data" || bad.Offset != o.Offset+verity.BlockSize {
			t.Errorf("err = %v", err)
		}
	}
	if _, err := im.LayerCheck("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v", err)
	}
}

func readThrough(im *format.Image, layer, name string) ([]byte, error) {
	r, err := im.Layer(layer)
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(r, name)
}

// TestForeignPrimary reads the root filesystem of an image that another program
// made.
func TestForeignPrimary(t *testing.T) {
	im := open(t, create(t, sampleSpec()))
	layer, err := im.LayerBytes(format.EnvironmentName)
	if err != nil {
		t.Fatal(err)
	}
	input := func(pt sif.PartType, fs sif.FSType) sif.DescriptorInput {
		layer.Seek(0, io.SeekStart)
		b, err := io.ReadAll(layer)
		if err != nil {
			t.Fatal(err)
		}
		d, err := sif.NewDescriptorInput(sif.DataPartition, bytes.NewReader(b), sif.OptPartitionMetadata(fs, pt, "amd64"))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	make := func(inputs ...sif.DescriptorInput) *format.Image {
		name := filepath.Join(t.TempDir(), "foreign.sif")
		f, err := sif.CreateContainerAtPath(name, sif.OptCreateWithDescriptors(inputs...))
		if err != nil {
			t.Fatal(err)
		}
		f.UnloadContainer()
		return open(t, name)
	}
	r, err := make(input(sif.PartOverlay, sif.FsSquash), input(sif.PartPrimSys, sif.FsSquash)).Primary()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := fs.ReadFile(r, "etc/passwd"); err != nil || !strings.HasPrefix(string(b), "root:") {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := make(input(sif.PartPrimSys, sif.FsExt3)).Primary(); err == nil || !strings.Contains(err.Error(), "ext3") {
		t.Error(err)
	}
	if _, err := make(input(sif.PartData, sif.FsSquash)).Primary(); !errors.Is(err, format.ErrMalformed) {
		t.Error(err)
	}
}

// TestSBOM checks the slot that is optional.
func TestSBOM(t *testing.T) {
	s := sampleSpec()
	s.SBOM = func(context.Context) ([]byte, error) { return []byte(`{"spdxVersion":"SPDX-2.3"}`), nil }
	im := open(t, create(t, s))
	if p := im.Layout(); len(p) > 0 {
		t.Error(p)
	}
	if _, err := im.Check(context.Background(), format.CheckOptions{}); err != nil {
		t.Error(err)
	}
	d, err := load(t, im.Name()).GetDescriptor(sif.WithDataType(sif.DataSBOM))
	if err != nil {
		t.Fatal(err)
	}
	if f, err := d.SBOMMetadata(); err != nil || f != sif.SBOMFormatSPDXJSON || d.ID() != 4 {
		t.Error(f, d.ID(), err)
	}
	m, err := im.Manifest()
	if err != nil || m.Objects[2].Role != manifest.RoleSBOM {
		t.Error(err)
	}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := format.Open(dir); err == nil {
		t.Error("a folder was opened")
	}
	if _, err := format.Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := format.Open(os.DevNull); err == nil {
		t.Error("a device was opened")
	}
	empty := filepath.Join(dir, "empty")
	os.WriteFile(empty, nil, 0o666)
	if _, err := format.Open(empty); !errors.Is(err, format.ErrMalformed) {
		t.Error(err)
	}
}
