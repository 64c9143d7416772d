//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
	"repro/report"
)

// Survey looks at everything that a runner could use here, for a person who
// asks why something does not work. It changes nothing on the machine.
func Survey() []report.Feature {
	probed := Probe(false)
	return []report.Feature{sandboxFeature(probed), overlayFeature(probed), fuseFeature(), controlGroupFeature(), landlockFeature(), clockFeature()}
}

func sandboxFeature(probed error) report.Feature {
	f := report.Feature{Name: "sandbox", Needed: true, Detail: "namespaces, a root of one's own, a system call filter"}
	u, ok := errors.AsType[*UnavailableError](probed)
	switch {
	case probed == nil, ok && u.What == Overlay:
		f.Works = true
	case ok:
		f.Detail, f.Ask = u.Error(), u.Hint
	default:
		f.Detail = probed.Error()
	}
	return f
}

func overlayFeature(probed error) report.Feature {
	f := report.Feature{Name: "overlay", Detail: "steps write to layers of their own on " + os.TempDir()}
	u, ok := errors.AsType[*UnavailableError](probed)
	switch {
	case probed == nil:
		f.Works = true
	case ok && u.What == Overlay:
		f.Detail, f.Ask = "steps share one copy of the image and run one after the other: "+u.Error(), u.Hint
	default:
		f.Detail = "cannot be tried without a sandbox"
	}
	return f
}

// fuseNumber is the device number of /dev/fuse, in Documentation/admin-guide/devices.txt.
var fuseNumber = unix.Mkdev(10, 229)

func fuseFeature() report.Feature {
	f := report.Feature{Name: "fuse", Detail: "layers are read in place, without being extracted first"}
	fd, err := inside.OpenFuse()
	if err == nil {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && st.Rdev != fuseNumber {
			err = fmt.Errorf("%s is another device, as in containers that hide it", inside.FuseDevice)
		}
		unix.Close(fd)
	}
	if err != nil {
		f.Detail = fmt.Sprintf("layers are extracted before a run: %v", err)
		f.Ask = fuseHint
		return f
	}
	f.Works = true
	return f
}

func controlGroupFeature() report.Feature {
	f := report.Feature{Name: "control groups", Detail: "the kernel limits memory, processes and processors"}
	err := holdGroups()
	if err == nil {
		defer releaseGroups()
		var g *group
		if g, err = newGroup(Limits{}, 0); err == nil {
			g.remove()
		}
	}
	if err != nil {
		f.Detail, f.Ask = fmt.Sprintf("memory is watched by repro itself: %v", err), groupHint
		return f
	}
	f.Works = true
	return f
}

func clockFeature() report.Feature {
	f := report.Feature{Name: "clocks", Works: true, Detail: "programs cannot tell when this machine was started"}
	if _, err := os.Lstat("/proc/self/ns/time"); err != nil {
		f.Works, f.Detail = false, "programs can tell when this machine was started: the kernel is older than Linux 5.6, or was built without time namespaces"
	}
	return f
}

func landlockFeature() report.Feature {
	f := report.Feature{Name: "landlock", Detail: "a second wall around files"}
	version := inside.LandlockVersion()
	if version < 2 {
		f.Detail = "no second wall around files: the kernel is too old, or was started without it"
		return f
	}
	f.Works, f.Detail = true, fmt.Sprintf("%s, version %d", f.Detail, version)
	return f
}
