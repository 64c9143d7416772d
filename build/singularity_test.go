package build

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/format/tree"
)

// TestRunscript runs the script that Apptainer runs, over the union of the
// layers, as Apptainer would with a writable tmpfs.
func TestRunscript(t *testing.T) {
	if _, err := exec.LookPath("bwrap"); err != nil {
		t.Skipf("needs bwrap")
	}
	dir := t.TempDir()
	write(t, dir, experiment)
	write(t, dir, map[string]string{"repro.yaml": strings.Replace(experiment["repro.yaml"], "OMP_NUM_THREADS: 1", `QUOTE: "it's $HOME \"x\""`, 1),
		"fit.awk": "{ s += $1 } END { print s; print ENVIRON[\"QUOTE\"] }\n"})
	im, _ := build(t, dir)
	root, err := im.Root()
	if err != nil {
		t.Fatal(err)
	}
	there := t.TempDir()
	if err := tree.Extract(context.Background(), root, there, tree.ExtractOptions{}); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		out, err := exec.Command("bwrap", append([]string{"--unshare-all", "--bind", there, "/", "--dev", "/dev", "/.singularity.d/runscript"}, args...)...).CombinedOutput()
		return string(out), err
	}
	if out, err := run(); err != nil || out != "step prepare\nstep fit\n" {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(there, "paper/out/fit.csv"))
	if err != nil || string(b) != "6\nit's $HOME \"x\"\n" {
		t.Errorf("output %q, %v", b, err)
	}
	if out, err := run("fit"); err != nil || out != "step fit\n" {
		t.Errorf("one step: %v\n%s", err, out)
	}
	if out, err := run("none"); err == nil || !strings.Contains(out, "no step none: there are prepare fit") {
		t.Errorf("unknown step: %v\n%s", err, out)
	}
}

// TestInspectMetadata holds what `apptainer inspect` reads without starting
// anything.
func TestInspectMetadata(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, experiment)
	im, _ := build(t, dir)
	var doc struct {
		Type string
		Data struct {
			Attributes struct {
				Labels      map[string]string
				Runscript   string
				Environment map[string]string
			}
		}
	}
	for _, o := range im.Objects() {
		if o.Name != "inspect-metadata.json" {
			continue
		}
		if err := json.NewDecoder(im.Section(o)).Decode(&doc); err != nil {
			t.Fatal(err)
		}
	}
	a := doc.Data.Attributes
	if doc.Type != "container" || a.Labels["org.opencontainers.image.title"] != "Norris" || !strings.HasPrefix(a.Runscript, "#!/bin/sh\n") ||
		!strings.Contains(a.Environment["/.singularity.d/env/90-environment.sh"], "export TZ='UTC'\n") {
		t.Errorf("got %+v", doc)
	}
}

// TestBaseWithVariables builds on a sandbox as Apptainer makes them.
func TestBaseWithVariables(t *testing.T) {
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Skipf("needs a static /bin/busybox")
	}
	base, dir := t.TempDir(), t.TempDir()
	write(t, base, map[string]string{
		"opt/bin/tool": "#!", "bin/sh": "#!",
		".singularity.d/env/10-docker2singularity.sh": "#!/bin/sh\nexport PATH=\"/opt/bin:/bin\"\nexport FOO=\"${FOO:-\"bar\"}\"\n",
		".singularity.d/env/90-environment.sh":        "export LC_ALL=de_DE\nexport PATH=/more:$PATH\n",
		".singularity.d/env/99-base.sh":               "exit 1\n",
		".singularity.d/labels.json":                  `{"org.label-schema.build-date": "yesterday"}`,
		".singularity.d/actions/run":                  "#!/bin/sh\n",
	})
	for _, name := range []string{"opt/bin/tool", "bin/sh"} {
		if err := os.WriteFile(filepath.Join(base, name), busybox, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, experiment)
	write(t, dir, map[string]string{"repro.yaml": strings.NewReplacer("host: [sh, awk, cat]", "rootfs: "+base, "[sh, run.sh]", "[tool, run.sh]").Replace(experiment["repro.yaml"])})
	im, m := build(t, dir)
	if got := m.Steps[0].Env; got["PATH"] != "/more:/opt/bin:/bin" || got["FOO"] != "bar" || got["LC_ALL"] != "" {
		t.Errorf("variables of a step: %q", got)
	}
	root, err := im.Root()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, n := range root.Lookup(singularityDir).All() {
		if !n.IsDir() {
			names = append(names, name)
		}
	}
	want := []string{"actions/exec", "actions/run", "actions/shell", "actions/start", "actions/test", "env/10-docker2singularity.sh", "env/80-environment.sh", "env/90-environment.sh", "env/99-base.sh", "labels.json", "runscript"}
	if !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	const sourced = "#!/bin/sh\nfor script in /.singularity.d/env/*.sh; do . \"$script\"; done\n"
	if got := content(t, root.Lookup(singularityDir+"/actions/run")); got != sourced+"exec /.singularity.d/runscript \"$@\"\n" {
		t.Errorf("actions/run is %q", got)
	}
	if n := root.Lookup(singularityDir + "/env/99-base.sh"); n.Size != 0 {
		t.Error("99-base.sh is the base's")
	}
}

func content(t *testing.T, n *tree.Node) string {
	t.Helper()
	if n == nil {
		t.Fatal("no such file")
	}
	in, err := n.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
