package run

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"repro/format/manifest"
)

// There is no GPU where these tests run: the host's tree is made up, and its
// device is /dev/null's twin under another name. What a real driver asks for
// beyond files and devices, this cannot show.
func TestGPU(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to make a device node")
	}
	host := t.TempDir()
	if err := os.Chmod(filepath.Dir(host), 0o755); err != nil { // a step is not root
		t.Fatal(err)
	}
	put := func(name, content string) {
		t.Helper()
		name = filepath.Join(host, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	o := options(t)
	o.GPU, o.gpuRoot = true, host
	e := fixture{steps: []manifest.Step{
		sh("use", "cat /.singularity.d/libs/libcuda.so.1; cat /usr/bin/nvidia-smi; read x < /dev/nvidia0 || true; : > /dev/nvidia0; test -c /dev/nvidia-caps/nvidia-cap1; "+
			"ls /dev /.singularity.d/libs; echo $LD_LIBRARY_PATH; ! echo x > /.singularity.d/libs/libcuda.so.1"),
	}}
	e.steps[0].Env = map[string]string{"LD_LIBRARY_PATH": "/own"}
	im := e.build(t)
	if _, err := Image(t.Context(), im, o); !errors.Is(err, ErrMachine) || !strings.Contains(err.Error(), "no NVIDIA device") {
		t.Fatalf("without devices: %v", err)
	}
	put("dev/nvidia-uvm", "not a device")
	if err := os.Mkdir(filepath.Join(host, "dev/nvidia-caps"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dev/nvidia0", "dev/nvidiactl", "dev/nvidia-caps/nvidia-cap1"} {
		if err := errors.Join(syscall.Mknod(filepath.Join(host, name), syscall.S_IFCHR|0o666, 1<<8|3), os.Chmod(filepath.Join(host, name), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Image(t.Context(), im, o); !errors.Is(err, ErrMachine) || !strings.Contains(err.Error(), "libcuda.so") {
		t.Fatalf("without the library: %v", err)
	}
	put("usr/lib/x86_64-linux-gnu/libcuda.so.550.54", "the driver\n")
	put("usr/lib64/libcuda.so.1", "another one\n")
	put("usr/lib64/libnvidia-ml.so.1", "ml\n")
	put("usr/lib64/libGL.so.1", "no\n")
	put("usr/bin/nvidia-smi", "smi\n")
	put("proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX  Open Kernel Module  550.54\nGCC version: 12\n")
	if err := os.Symlink("libcuda.so.550.54", filepath.Join(host, "usr/lib/x86_64-linux-gnu/libcuda.so.1")); err != nil {
		t.Fatal(err)
	}
	rep, err := Image(t.Context(), im, o)
	if err != nil {
		t.Fatal(readFile(t, filepath.Join(o.Dir, "logs/use.log")), err)
	}
	log := readFile(t, filepath.Join(o.Dir, "logs/use.log"))
	if !strings.HasPrefix(log, "the driver\nsmi\n") || !strings.Contains(log, "\n/own:/.singularity.d/libs\n") ||
		!strings.Contains(log, "libcuda.so.1\nlibcuda.so.550.54\nlibnvidia-ml.so.1\n") || strings.Contains(log, "nvidia-uvm") || strings.Contains(log, "libGL") {
		t.Errorf("%s", log)
	}
	g := rep.Isolation.GPU
	if g == nil || g.Driver != "NVIDIA UNIX Open Kernel Module 550.54" || strings.Join(g.Devices, " ") != "/dev/nvidiactl /dev/nvidia0 /dev/nvidia-caps/nvidia-cap1" || len(g.Files) != 4 {
		t.Fatalf("%+v", g)
	}
	if f := g.Files[0]; f.Path != "/usr/lib/x86_64-linux-gnu/libcuda.so.550.54" || f.Target != "/.singularity.d/libs/libcuda.so.1" || f.Digest != manifest.DigestOf([]byte("the driver\n")) {
		t.Errorf("%+v", f)
	}
}
