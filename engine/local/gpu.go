package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"repro/engine"
	"repro/internal/sandbox"
	"repro/report"
	"repro/run/outputs"
)

// gpuLibraries is where steps find the libraries of the machine's driver:
// where Apptainer puts them, too.
const gpuLibraries = "/.singularity.d/libs"

// What an NVIDIA driver consists of besides the kernel's part: the same list
// as of apptainer run --nv, but for what only draws on a screen.
var (
	nvidiaDevices = []string{"nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia[0-9]*", "nvidia-caps/nvidia-cap*"}
	nvidiaFiles   = []string{
		"libcuda.so*", "libcudadebugger.so*", "libnvcuvid.so*", "libnvoptix.so*", "libnvidia-ml.so*", "libnvidia-cfg.so*",
		"libnvidia-compiler.so*", "libnvidia-encode.so*", "libnvidia-fatbinaryloader.so*", "libnvidia-fbc.so*", "libnvidia-gpucomp.so*",
		"libnvidia-ifr.so*", "libnvidia-nvvm.so*", "libnvidia-opencl.so*", "libnvidia-opticalflow.so*", "libnvidia-ptxjitcompiler.so*",
		"libnvidia-allocator.so*", "libnvidia-rtcore.so*", "libnvidia-tls.so*",
	}
	// The first folder that has a name counts.
	nvidiaFolders = []string{
		"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib/x86_64-linux-gnu/nvidia/current", "/usr/lib/aarch64-linux-gnu/nvidia/current",
		"/usr/lib64", "/usr/lib64/nvidia", "/usr/lib", "/usr/local/nvidia/lib64", "/run/opengl-driver/lib",
	}
	nvidiaPrograms = []string{"/usr/bin/nvidia-smi", "/usr/bin/nvidia-debugdump"}
)

// GPU is what of a machine's NVIDIA driver steps see.
type GPU struct {
	report.GPU
	devices []sandbox.Device
	binds   []sandbox.Bind
}

// FindGPU looks for the driver below root, which is "/" but in tests. It hashes
// every file of the driver: what a step computes may depend on it. The error is
// an [*engine.MachineError] if there is no driver.
func FindGPU(ctx context.Context, root string) (*GPU, error) {
	g := &GPU{}
	for _, pattern := range nvidiaDevices {
		names, err := filepath.Glob(filepath.Join(root, "dev", pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if info, err := os.Lstat(name); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
				continue
			}
			below, err := filepath.Rel(filepath.Join(root, "dev"), name)
			if err != nil {
				return nil, err
			}
			g.devices = append(g.devices, sandbox.Device{Source: name, Name: below})
			g.Devices = append(g.Devices, "/dev/"+below)
		}
	}
	if len(g.devices) == 0 {
		return nil, &engine.MachineError{Err: errors.New("this machine has no NVIDIA device: no /dev/nvidia*"), Hint: "run without --gpu, or where the driver is installed"}
	}
	if err := g.files(ctx, root); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(g.Files, func(f report.HostFile) bool { return strings.HasPrefix(path.Base(f.Path), "libcuda.so") }) {
		return nil, &engine.MachineError{Err: errors.New("this machine has NVIDIA devices, but the driver's libcuda.so is in none of " + strings.Join(nvidiaFolders, ", "))}
	}
	g.Driver = driverVersion(filepath.Join(root, "proc/driver/nvidia/version"))
	return g, nil
}

// files finds libraries and programs.
func (g *GPU) files(ctx context.Context, root string) error {
	seen := map[string]bool{}
	for _, folder := range nvidiaFolders {
		for _, pattern := range nvidiaFiles {
			names, err := filepath.Glob(filepath.Join(root, folder, pattern))
			if err != nil {
				return err
			}
			for _, name := range names {
				if base := filepath.Base(name); !seen[base] {
					seen[base] = true
					if err := g.file(ctx, root, name, path.Join(gpuLibraries, base)); err != nil {
						return err
					}
				}
			}
		}
	}
	for _, name := range nvidiaPrograms {
		if err := g.file(ctx, root, filepath.Join(root, name), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// file adds the file of the machine's to which name leads.
func (g *GPU) file(ctx context.Context, root, name, target string) error {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	dir, err := os.OpenRoot(filepath.Dir(real))
	if err != nil {
		return err
	}
	defer dir.Close()
	sum, size, err := outputs.Digest(ctx, dir, filepath.Base(real))
	if err != nil {
		return fmt.Errorf("%s: %w", real, err)
	}
	g.binds = append(g.binds, sandbox.Bind{Source: real, Target: target})
	at, err := filepath.Rel(root, real)
	if err != nil {
		return err
	}
	g.Files = append(g.Files, report.HostFile{Path: "/" + at, Target: target, Size: size, Digest: sum})
	return nil
}

// driverVersion is what the kernel's part of the driver says of itself.
func driverVersion(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "NVRM version:"); ok {
			return strings.Join(strings.Fields(v), " ")
		}
	}
	return ""
}

// addTo shows the driver to a program. The program's own LD_LIBRARY_PATH stays in
// front. A nil GPU changes nothing.
func (g *GPU) addTo(c *sandbox.Command) {
	if g == nil {
		return
	}
	c.Devices = g.devices
	c.Binds = append(slices.Clone(g.binds), c.Binds...)
	for i, v := range c.Env {
		if value, ok := strings.CutPrefix(v, "LD_LIBRARY_PATH="); ok {
			c.Env[i] = "LD_LIBRARY_PATH=" + strings.TrimPrefix(value+":"+gpuLibraries, ":")
			return
		}
	}
	c.Env = append(c.Env, "LD_LIBRARY_PATH="+gpuLibraries)
}

// Key is what a step's files depend on of the driver; zero for a nil GPU.
func (g *GPU) Key() report.GPU {
	if g == nil {
		return report.GPU{}
	}
	return g.GPU
}
