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
	"repro/report"
)

// local.Layers that the kernel mounts look as those that are served: same files,
// nothing published, nothing at the place of an output, writable above.
func TestKernelLayers(t *testing.T) {
	if _, err := os.Stat("/dev/loop-control"); err != nil || os.Getuid() != 0 {
		t.Skip("needs root and loop devices")
	}
	e := fixture{
		code:      map[string]string{"paper/in.txt": "signed\n", "paper/out.txt": "stale\n", "paper/deep/er/f": "f\n", "tmp/left": "x"},
		published: map[string]string{"out.txt": "signed\n"},
		steps: []manifest.Step{
			sh("cat", "test ! -e out.txt; test ! -e /tmp/left; ls -AR /paper /etc /tmp; ls -ln /paper/in.txt /etc/passwd; ls /bin/; cat in.txt > out.txt; echo more >> in.txt; rm deep/er/f; id", "/paper/out.txt"),
			after(sh("next", "test ! -e deep/er/f; cat in.txt; ls /bin/"), "cat"),
			sh("spy", "! grep -rs secret-of-the-paper /paper /etc /mnt; cat /proc/self/mountinfo; echo none >hidden.txt", "/paper/hidden.txt"),
		},
	}
	e.published["hidden.txt"] = "secret-of-the-paper\n"
	im := e.build(t)
	o := options(t)
	logs := map[local.Layers][]string{}
	for _, way := range []local.Layers{local.LayersKernel, local.LayersFUSE} {
		o.Host.Layers = way
		rep, err := Image(t.Context(), im, o)
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		if rep.Isolation.Layers != string(way) || rep.Counts.Verdicts[report.Identical] != 1 {
			t.Errorf("%s: %+v %+v", way, rep.Isolation, rep.Counts)
		}
		for _, step := range []string{"cat", "next"} {
			logs[way] = append(logs[way], readFile(t, filepath.Join(o.Dir, "logs", step+".log")))
		}
		if spied := readFile(t, filepath.Join(o.Dir, "logs/spy.log")); strings.Contains(spied, "secret") {
			t.Errorf("%s: %s", way, spied)
		}
	}
	for i := range logs[local.LayersKernel] {
		if a, b := logs[local.LayersKernel][i], logs[local.LayersFUSE][i]; a != b {
			t.Errorf("a step finds\n%s\nand through FUSE\n%s", a, b)
		}
	}

	// Altered before: nothing runs. Altered while it runs: nothing is judged.
	b, err := os.ReadFile(im.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range im.Objects() {
		if object.Name == "code" {
			b[object.Offset+object.Size/2] ^= 1
		}
	}
	if err := os.WriteFile(im.Name(), b, 0o644); err != nil {
		t.Fatal(err)
	}
	damaged, err := format.Open(im.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer damaged.Close()
	o.Host.Layers = local.LayersKernel
	if rep, err := Image(t.Context(), damaged, o); !errors.Is(err, format.ErrAltered) || rep != nil {
		t.Errorf("an altered image: %v, %+v", err, rep)
	}
}

func TestAlteredUnderTheKernel(t *testing.T) {
	if _, err := os.Stat("/dev/loop-control"); err != nil || os.Getuid() != 0 {
		t.Skip("needs root and loop devices")
	}
	e := fixture{steps: []manifest.Step{sh("s", "echo started; sleep 0.2; echo 1 > a.txt", "/paper/a.txt")}, published: map[string]string{"a.txt": "1\n"}}
	im := e.build(t)
	o := options(t)
	o.Host.Layers = local.LayersKernel
	var once bool
	o.Log = writerFunc(func([]byte) {
		if once {
			return
		}
		once = true
		f, err := os.OpenFile(im.Name(), os.O_RDWR, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		for _, object := range im.Objects() {
			if object.Name != "environment" {
				continue
			}
			var c [1]byte
			if _, err := f.ReadAt(c[:], object.Offset+object.Size/2); err != nil {
				t.Error(err)
			}
			c[0] ^= 1
			if _, err := f.WriteAt(c[:], object.Offset+object.Size/2); err != nil {
				t.Error(err)
			}
		}
	})
	rep, err := Image(t.Context(), im, o)
	if !errors.Is(err, format.ErrAltered) || rep == nil || len(rep.Findings) > 0 {
		t.Errorf("%v, %+v", err, rep)
	}
}
