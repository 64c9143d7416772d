//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Survey looks at everything that a runner could use here, for a person who
// asks why something does not work. It changes nothing on the machine.
func Survey() []Feature {
	return []Feature{sandboxFeature(), overlayFeature(), fuseFeature(), controlGroupFeature(), landlockFeature()}
}

func sandboxFeature() Feature {
	f := Feature{Name: "sandbox", Needed: true, Detail: "namespaces, a root of one's own, a system call filter"}
	err := Probe()
	u, ok := errors.AsType[*UnavailableError](err)
	switch {
	case err == nil, ok && u.What == Overlay:
		f.Works = true
	case ok:
		f.Detail, f.Hint = u.Error(), u.Hint
	default:
		f.Detail = err.Error()
	}
	return f
}

func overlayFeature() Feature {
	f := Feature{Name: "overlay", Detail: "steps write to layers of their own on " + os.TempDir()}
	if u, ok := errors.AsType[*UnavailableError](Probe()); ok {
		f.Detail, f.Hint = "steps would share one copy of the image and run one after the other: "+u.Error(), u.Hint
		return f
	}
	f.Works = true
	return f
}

func fuseFeature() Feature {
	f := Feature{Name: "fuse", Detail: "layers are read in place, without being extracted first"}
	fd, err := openFuse()
	if err != nil {
		f.Detail = fmt.Sprintf("layers are extracted before a run: %v", err)
		f.Hint = fuseHint
		return f
	}
	unix.Close(fd)
	f.Works = true
	return f
}

func controlGroupFeature() Feature {
	f := Feature{Name: "control groups", Detail: "memory is limited by the kernel"}
	const fallback = "memory is watched by repro itself: "
	b, err := os.ReadFile("/proc/self/cgroup")
	_, group, ok := strings.Cut("\n"+string(b), "\n0::")
	if err != nil || !ok {
		f.Detail = fallback + "no control groups of version 2"
		return f
	}
	dir := filepath.Join("/sys/fs/cgroup", strings.TrimSpace(strings.SplitN(group, "\n", 2)[0]))
	controllers, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	switch {
	case err != nil || !slices.Contains(strings.Fields(string(controllers)), "memory"):
		f.Detail = fallback + "the memory controller is not handed to this user's control group"
	case unix.Access(dir, unix.W_OK) != nil:
		f.Detail = fallback + "this user may not make control groups"
	default:
		f.Works = true
	}
	return f
}

func landlockFeature() Feature {
	f := Feature{Name: "landlock", Detail: "a second wall around files"}
	version := landlockVersion()
	if version < 2 {
		f.Detail = "no second wall around files: the kernel is too old, or was started without it"
		return f
	}
	f.Works, f.Detail = true, fmt.Sprintf("%s, version %d", f.Detail, version)
	return f
}
