package format_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/vectors/forge"
)

// checkedImage says what Check finds about an image, all of whose digests fit.
func checkedImage(t *testing.T, b []byte) error {
	t.Helper()
	im, err := format.New(bytes.NewReader(b), int64(len(b)), "forged")
	if err != nil {
		t.Fatal(err)
	}
	_, err = im.Check(t.Context(), format.CheckOptions{})
	return err
}

// TestCheckedLayersCanBeRun: a layer that a run could not begin with, or that
// is not what the manifest says, is refused although every digest fits.
func TestCheckedLayersCanBeRun(t *testing.T) {
	s := sampleSpec()
	s.Manifest.Steps[0].Outputs = []string{"/paper/out"}
	s.Manifest.Results = []manifest.Result{{Name: "r", Output: "/paper/out", Published: "result.txt", Sets: []string{"deep/set"}}}
	put(s.Layers[3].Tree, "deep/set", tree.NewFile(0o644, []byte("2")))
	good := read(t, create(t, s))
	if err := checkedImage(t, good); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		layer  string
		change func([]byte)
		want   string
	}{
		"zeros":             {"published", func(b []byte) { clear(b) }, "no superblock"},
		"zeros in the root": {"environment", func(b []byte) { clear(b) }, "no superblock"},
		"a stowaway":        {"code", func(b []byte) { b[len(b)-1] = 1 }, "not zero"},
		"another time":      {"data", func(b []byte) { b[8]++ }, "that of the image"},
		"a flag":            {"data", func(b []byte) { b[24] ^= 1 }, "flags"},
	} {
		b, err := forge.Layer(good, c.layer, c.change)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkedImage(t, b); !errors.Is(err, format.ErrMalformed) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.layer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		change func(*manifest.Manifest)
		want   string
	}{
		"missing":       {func(m *manifest.Manifest) { m.Results[0].Published = "resulr.txt" }, `published file "resulr.txt": there is none`},
		"missing set":   {func(m *manifest.Manifest) { m.Results[0].Sets[0] = "deep/ser" }, `published file "deep/ser": there is none`},
		"a folder":      {func(m *manifest.Manifest) { m.Results[0].Sets[0] = "deep" }, `published file "deep": there is none`},
		"block size":    {func(m *manifest.Manifest) { layer(m).BlockSize /= 2 }, "the manifest says 262144"},
		"files":         {func(m *manifest.Manifest) { layer(m).Files++ }, "files, the manifest says"},
		"no steps":      {func(m *manifest.Manifest) { m.Steps = []manifest.Step{} }, "nothing to run"},
		"whole root":    {func(m *manifest.Manifest) { m.Steps[0].Outputs = []string{"/"} }, "whole root"},
		"made by none":  {func(m *manifest.Manifest) { m.Results[0].Output = "/paper/x" }, "no step makes"},
		"steps of null": {func(m *manifest.Manifest) { m.Steps = nil }, "want a list"},
	} {
		b, err := forge.Manifest(good, c.change)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkedImage(t, b); !errors.Is(err, format.ErrMalformed) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func layer(m *manifest.Manifest) *manifest.Layer {
	for _, o := range m.Objects {
		if o.Name == format.EnvironmentName {
			return o.Layer
		}
	}
	return nil
}
