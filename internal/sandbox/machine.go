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
	return limitFiles(string(b))
}

func limitFiles(groups string) (files []string) {
	for line := range strings.SplitSeq(groups, "\n") {
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

// enclosingKills counts the processes that the kernel has killed in this process's
// own control groups because their memory was used up: a batch system's limit, say,
// which nobody here set. Zero if it cannot be told.
func enclosingKills() (kills int64) {
	b, _ := os.ReadFile("/proc/self/cgroup")
	seen := map[string]bool{}
	for _, file := range limitFiles(string(b)) {
		dir, name := filepath.Split(file)
		if seen[name] {
			continue // the first is this process's own; those around it hold others, too
		}
		seen[name] = true
		for _, count := range []string{"memory.events", "memory.oom_control"} { // version 2, version 1
			if b, err := os.ReadFile(filepath.Join(dir, count)); err == nil {
				kills += killsIn(string(b))
			}
		}
	}
	return kills
}

// killsIn reads the line "oom_kill N" of a control group's file.
func killsIn(file string) int64 {
	for line := range strings.SplitSeq(file, "\n") {
		if text, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, _ := strconv.ParseInt(text, 10, 64)
			return n
		}
	}
	return 0
}

// memoryOf is the limit that holds.
func memoryOf(l Limits) int64 {
	if l.Memory > 0 {
		return l.Memory
	}
	return MachineMemory()
}
