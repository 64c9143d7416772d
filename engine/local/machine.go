package local

import (
	"runtime"

	"repro/internal/sandbox"
	"repro/report"
	"repro/run/rootfs"
)

// Machine describes this machine; Repro is left to the caller.
func Machine() report.Machine {
	return report.Machine{Arch: runtime.GOARCH, CPUs: len(sandbox.CPUs()),
		CPU: cpuModel(), Memory: memorySize(), Kernel: kernelVersion()}
}

// CPUs returns the numbers of the processors that this process may use.
func CPUs() []int { return sandbox.CPUs() }

// Identity is who steps are on this machine.
func Identity() rootfs.Identity {
	who := sandbox.WhoRuns()
	return rootfs.Identity{UID: sandbox.UID, GID: sandbox.GID, Hostname: sandbox.Hostname, FileUID: who.ServedUID, FileGID: who.ServedGID}
}
