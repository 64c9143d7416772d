package processor

import (
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/format/tree"
)

func TestFindLibraries(t *testing.T) {
	for _, c := range []struct {
		files string
		blas  string
		numpy bool
	}{
		{files: "usr/lib/libopenblas.a usr/share/libopenblas.so"},
		{files: "usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so", blas: "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so"},
		{files: "usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0 usr/lib/python3/dist-packages/numpy/__init__.py", numpy: true,
			blas: "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0"},
		{files: "opt/conda/lib/libopenblas.so.0 opt/conda/lib/python3.12/site-packages/numpy.libs/libscipy_openblas64_-99b71e71.so opt/conda/lib/python3.12/site-packages/numpy/x",
			numpy: true, blas: "/opt/conda/lib/python3.12/site-packages/numpy.libs/libscipy_openblas64_-99b71e71.so"},
	} {
		root := tree.NewDir()
		for name := range strings.FieldsSeq(c.files) {
			if err := root.Put(name, tree.NewFile(0o644, nil)); err != nil {
				t.Fatal(err)
			}
		}
		if err := root.Put("usr/lib64/libopenblas.so", tree.NewSymlink("/usr/lib/libopenblas.so.0")); err != nil {
			t.Fatal(err)
		}
		layer, err := tree.NewLayer(root)
		if err != nil {
			t.Fatal(err)
		}
		view, err := tree.NewView(tree.Look{}, layer)
		if err != nil {
			t.Fatal(err)
		}
		if blas, numpy := findLibraries(view); blas != c.blas || numpy != c.numpy {
			t.Errorf("%s: %q %v", c.files, blas, numpy)
		}
	}
}

func TestGlibcFeatures(t *testing.T) {
	loader := "/lib64/ld-linux-x86-64.so.2"
	if _, err := os.Stat(loader); err != nil || runtime.GOARCH != "amd64" {
		t.Skip("needs the program loader of glibc on amd64")
	}
	env := manifest.CPUVariables(manifest.CPUPortableV2, "amd64")
	cmd := exec.Command(loader, "--list-diagnostics")
	cmd.Env = []string{"GLIBC_TUNABLES=" + env["GLIBC_TUNABLES"]}
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("this glibc lists no diagnostics: %v", err)
	}
	held := Answer{glibc: glibcFeatures(out)}
	if len(held.glibc) != len(glibcBits) || held.ignored(env) != nil {
		t.Errorf("held: %v, %q", held.glibc, held.ignored(env))
	}
	if len(missingFeatures([]string{"avx2", "fma"})) > 0 {
		return
	}
	if out, err = exec.Command(loader, "--list-diagnostics").Output(); err != nil {
		t.Fatal(err)
	}
	free := Answer{glibc: glibcFeatures(out), numpy: map[string]bool{"AVX2": true, "SSE3": true}}
	notes := strings.Join(free.ignored(env), "; ")
	if !strings.Contains(notes, "the C library ignored GLIBC_TUNABLES and uses AVX") || !strings.Contains(notes, "numpy ignored NPY_DISABLE_CPU_FEATURES and uses AVX2") {
		t.Errorf("notes: %s", notes)
	}
}

func TestAnswersOfOthers(t *testing.T) {
	for _, text := range []string{"", "musl libc (x86_64)\nVersion 1.2.3\n", "x86.cpu_features.features[0x0].active[0x2]=0xzz\n"} {
		if got := glibcFeatures([]byte(text)); got != nil {
			t.Errorf("%q: %v", text, got)
		}
	}
	if notes := (&Answer{}).ignored(map[string]string{"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2"}); notes != nil {
		t.Errorf("nothing is known, but: %q", notes)
	}
	if !reflect.DeepEqual(coreLine.Regexp().FindSubmatch([]byte("x\nCore: SkylakeX\n"))[1], []byte("SkylakeX")) {
		t.Error("the core is not found")
	}
}
