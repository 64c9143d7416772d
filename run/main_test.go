package run

import (
	"cmp"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/report"
	"repro/run/checkpoint"
)

// programs are what the test environment holds, where the machine has them.
var programs = []string{"/bin/sh", "/bin/cat", "/bin/ls", "/bin/id", "/usr/bin/env", "/bin/grep", "/bin/mkdir", "/bin/ln",
	"/bin/rm", "/bin/sleep", "/bin/mkfifo", "/bin/chmod", "/usr/bin/truncate", "/usr/bin/sort", "/usr/bin/nproc", "/usr/bin/tr"}

var hostRoot = sync.OnceValues(func() (*tree.Node, error) {
	root := tree.NewDir()
	for _, p := range programs {
		if err := addProgram(root, p); err != nil {
			return nil, err
		}
	}
	return root, nil
})

func addProgram(root *tree.Node, name string) error {
	if _, err := os.Stat(name); err != nil {
		return nil
	}
	files := []string{name}
	out, _ := exec.Command("ldd", name).Output()
	for word := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(word, "/") {
			files = append(files, word)
		}
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return err
		}
		node := &tree.Node{Mode: 0o755, Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(f) }}
		if err := root.Put(f, node); err != nil {
			return err
		}
	}
	return nil
}

// fixture is an image in few words: steps, files of the code layer,
// published results by path.
type fixture struct {
	steps     []manifest.Step
	code      map[string]string
	links     map[string]string // symbolic links of the code layer
	published map[string]string // published path → content; compared to /paper/<path>
	arch      string            // empty: this machine's
}

// sh is a step that runs a script.
func sh(name, script string, outputs ...string) manifest.Step {
	return manifest.Step{Name: name, Command: []string{"/bin/sh", "-euc", script}, Dir: "/paper", Outputs: outputs}
}

func after(s manifest.Step, needs ...string) manifest.Step {
	s.Needs = needs
	return s
}

// build writes the image and opens it.
func (e fixture) build(t testing.TB) *format.Image {
	t.Helper()
	environment, err := hostRoot()
	if err != nil {
		t.Fatal(err)
	}
	code, hidden := tree.NewDir(), tree.NewDir()
	if _, err := code.MkdirAll("paper"); err != nil {
		t.Fatal(err)
	}
	for name, target := range e.links {
		if err := code.Put(name, tree.NewSymlink(target)); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range e.code {
		if err := code.Put(name, tree.NewFile(0o644, []byte(content))); err != nil {
			t.Fatal(err)
		}
	}
	m := manifest.Manifest{
		Version: manifest.Version, Arch: cmp.Or(e.arch, runtime.GOARCH), Environment: manifest.Environment{Kind: "host"},
		Paper: manifest.Paper{Title: "A test", Authors: []manifest.Author{{Name: "A. Uthor"}}, Date: "2024-05-06T07:08:09Z"},
		Steps: e.steps, Results: []manifest.Result{},
	}
	for _, name := range slices.Sorted(maps.Keys(e.published)) {
		if err := hidden.Put(name, tree.NewFile(0o644, []byte(e.published[name]))); err != nil {
			t.Fatal(err)
		}
		m.Results = append(m.Results, manifest.Result{Name: path.Base(name), Output: "/paper/" + name, Published: name})
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
	spec := format.Spec{Manifest: m, Recipe: []byte("title: A test\n"), Inspect: []byte("{}"), Layers: []format.LayerSpec{
		{Name: "environment", Role: manifest.RoleLayer, Tree: environment},
		{Name: "code", Role: manifest.RoleLayer, Tree: code},
		{Name: "published", Role: manifest.RoleHidden, Tree: hidden},
	}}
	if _, err := format.Create(t.Context(), name, spec); err != nil {
		t.Fatal(err)
	}
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// options returns options with a directory of their own.
func options(t testing.TB) Options {
	t.Helper()
	o := Options{Dir: filepath.Join(t.TempDir(), "run"), Host: local.Options{NoCache: true}}
	t.Cleanup(func() { _ = checkpoint.Remove(o.Dir) })
	return o
}

func (e fixture) run(t testing.TB, o Options) (*report.Run, error) {
	t.Helper()
	return Image(t.Context(), e.build(t), o)
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}
