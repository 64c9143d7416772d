//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bufio"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// memoryReserve is what is left to the machine, or to the job that repro is
// part of, where nobody said how much a program may have: one part in so many.
const memoryReserve = 16

// MachineMemory is how many bytes of memory a program without a limit may take:
// those of the machine, or of the control group that repro is in (a batch
// system's, say), less a sixteenth. Without this bound the kernel, out of memory,
// might kill somebody else's process.
func MachineMemory() int64 { return machineMemory() }

var machineMemory = sync.OnceValue(func() int64 {
	limit := int64(math.MaxInt64)
	if f, err := os.Open("/proc/meminfo"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if v, ok := strings.CutPrefix(s.Text(), "MemTotal:"); ok {
				kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
				limit = kib << 10
			}
		}
	}
	for _, file := range enclosingLimits() {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 { // else "max"
			limit = min(limit, n)
		}
	}
	return limit - limit/memoryReserve
})

// enclosingLimits are the files that bound the memory of this process's
// control groups, of either version, and of all that those lie in.
func enclosingLimits() (files []string) {
	b, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.SplitSeq(string(b), "\n") {
		parts := strings.SplitN(line, ":", 3) // cgroups(7): number, controllers, path
		if len(parts) != 3 {
			continue
		}
		file, root := "memory.max", ""
		switch {
		case parts[1] == "":
			root, _ = mountedGroups()
		case strings.Contains(","+parts[1]+",", ",memory,"):
			file, root = "memory.limit_in_bytes", "/sys/fs/cgroup/memory"
		}
		for dir := parts[2]; root != "" && strings.HasPrefix(dir, "/"); dir = filepath.Dir(dir) {
			files = append(files, filepath.Join(root, dir, file))
			if dir == "/" {
				break
			}
		}
	}
	return files
}

// memoryOf is the limit that holds.
func memoryOf(l Limits) int64 {
	if l.Memory > 0 {
		return l.Memory
	}
	return MachineMemory()
}
