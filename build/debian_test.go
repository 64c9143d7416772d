package build

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
)

// TestDebian builds images on a Debian root filesystem, in a folder, in an
// archive and in a compressed one, which must come to the same. It needs the
// network, or a root filesystem with python3-numpy that mmdebstrap made before:
//
//	mmdebstrap --variant=essential --include=python3-numpy bookworm root.tar
//	REPRO_TEST_DEBIAN=root.tar go test -run Debian ./build
func TestDebian(t *testing.T) {
	archive := os.Getenv("REPRO_TEST_DEBIAN")
	if archive == "" {
		t.Skipf("needs REPRO_TEST_DEBIAN to name a root filesystem made by mmdebstrap")
	}
	base := t.TempDir()
	folder, packed := filepath.Join(base, "root"), filepath.Join(base, "root.tar.zst")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range [][]string{
		{"tar", "-C", folder, "--xattrs", "-xf", archive},
		{"zstd", "-q", "-1", archive, "-o", packed},
	} {
		if out, err := exec.Command(cmd[0], cmd[1:]...).CombinedOutput(); err != nil {
			t.Skipf("needs root, tar and zstd: %s", out)
		}
	}
	var first *manifest.Object
	for _, source := range []string{"tar: " + archive, "rootfs: " + folder, "tar: " + packed} {
		dir := t.TempDir()
		write(t, dir, experiment)
		write(t, dir, map[string]string{"repro.yaml": strings.NewReplacer(
			"host: [sh, awk, cat]", source, "awk -f fit.awk", "python3 -c 'import numpy' || awk -f fit.awk",
		).Replace(experiment["repro.yaml"])})
		im, m := build(t, dir)
		layer := environmentOf(t, m)
		if first == nil {
			first = &layer
		}
		if layer.Digest != first.Digest || layer.Layer.Content != first.Layer.Content {
			t.Errorf("%s: environment %s, from the archive %s", source, layer.Layer.Content, first.Layer.Content)
		}
		if m.Arch == "" || m.Environment.Source == "" {
			t.Errorf("%s: arch %q, environment %+v", source, m.Arch, m.Environment)
		}
		runsNumpy(t, im)
	}
}

func environmentOf(t *testing.T, m *manifest.Manifest) manifest.Object {
	t.Helper()
	for _, o := range m.Objects {
		if o.Name == format.EnvironmentName {
			return o
		}
	}
	t.Fatal("no environment")
	return manifest.Object{}
}

// runsNumpy runs Python in the image's tree and asks it whether it believes
// its caches.
func runsNumpy(t *testing.T, im *format.Image) {
	t.Helper()
	if _, err := exec.LookPath("bwrap"); err != nil {
		t.Skipf("needs bwrap")
	}
	root, err := im.Root()
	if err != nil {
		t.Fatal(err)
	}
	there := t.TempDir()
	if err := tree.Extract(context.Background(), root, there, tree.ExtractOptions{}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bwrap", "--unshare-all", "--clearenv", "--ro-bind", there, "/", "--proc", "/proc", "--dev", "/dev",
		"/usr/bin/python3", "-v", "-c", "import numpy; print(numpy.linalg.det(numpy.eye(3)))")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\n1.0\n") {
		t.Fatalf("%v\n%.2000s", err, out)
	}
	if strings.Contains(string(out), "bytecode is stale") || strings.Count(string(out), " matches /") < 50 {
		t.Errorf("python does not believe its caches: %d match\n%s", strings.Count(string(out), " matches /"), stale(string(out)))
	}
}

// stale returns the lines with which Python complains of caches.
func stale(out string) string {
	var lines []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, "stale") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}
