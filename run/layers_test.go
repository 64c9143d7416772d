package run

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
)

// provisions are the ways to provide layers that are tried here.
var provisions = []local.Layers{local.LayersFUSE, local.LayersExtract}

// skipUnprovided skips a test that this machine cannot play.
func skipUnprovided(t *testing.T, l local.Layers, err error) {
	t.Helper()
	if errors.Is(err, ErrMachine) {
		t.Skipf("needs layers by %q: %v", l, err)
	}
}

func TestLayers(t *testing.T) {
	e := fixture{
		steps: []manifest.Step{
			sh("first", "cat data.txt >one.txt; rm data.txt; echo mine >>more/notes.txt", "/paper/one.txt"),
			after(sh("second", "cat one.txt >two.txt; ls >>two.txt; cat more/notes.txt >>two.txt; ls -ln more/notes.txt | tr -s ' ' | { read _ _ u g _; echo $u $g >>two.txt; }", "/paper/two.txt"), "first"),
		},
		code: map[string]string{
			"paper/data.txt": "data\n", "paper/more/notes.txt": "theirs\n",
			"paper/one.txt": "left by the author\n", "paper/two.txt": "and this\n",
		},
	}
	const want = "data\nmore\none.txt\ntwo.txt\ntheirs\nmine\n1000 1000\n"
	for _, l := range provisions {
		t.Run(string(l), func(t *testing.T) {
			o := options(t)
			o.Host.Layers = l
			rep, err := e.run(t, o)
			skipUnprovided(t, l, err)
			if err != nil {
				t.Fatal(err, rep)
			}
			if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/two.txt")); got != want {
				t.Errorf("second step left %q, want %q", got, want)
			}
			if !strings.HasPrefix(rep.Isolation.Layers, map[local.Layers]string{local.LayersFUSE: "fuse", local.LayersExtract: "extracted"}[l]) {
				t.Errorf("report says layers are %q", rep.Isolation.Layers)
			}
		})
	}
}

// TestDamageWhileRunning alters the image after it was opened and its first
// step has begun: what the second would read never gets to it.
func TestDamageWhileRunning(t *testing.T) {
	noise := make([]byte, 4<<20)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	e := fixture{
		steps: []manifest.Step{
			sh("waits", "echo >started.txt; while ! test -e noise.bin; do :; done; cat noise.bin >copy.bin || echo refused >verdict.txt", "/paper/verdict.txt"),
		},
		code: map[string]string{"paper/noise.bin": string(noise)},
	}
	im := e.build(t)
	o := options(t)
	o.Host.Layers = local.LayersFUSE
	alter(t, im)
	rep, err := Image(t.Context(), im, o)
	skipUnprovided(t, local.LayersFUSE, err)
	if !errors.Is(err, format.ErrAltered) {
		t.Fatalf("got %v, want an error about an altered image", err)
	}
	if rep != nil && len(rep.Findings) > 0 {
		t.Errorf("results were compared: %v", rep.Findings)
	}
}

// alter changes a byte in the middle of the code layer.
func alter(t *testing.T, im *format.Image) {
	t.Helper()
	f, err := os.OpenFile(im.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, ob := range im.Objects() {
		if ob.Name != "code" {
			continue
		}
		b := make([]byte, 1)
		if _, err := f.ReadAt(b, ob.Offset+ob.Size/2); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 1
		if _, err := f.WriteAt(b, ob.Offset+ob.Size/2); err != nil {
			t.Fatal(err)
		}
	}
}
