package run

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// cpuLocks is the folder in which this user's workers on this machine say which
// processors they have.
func cpuLocks() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("repro-cpus-%d", os.Getuid()))
}

// claimCPUs returns n of the processors in all, or as many as there are, which no
// other worker has that claimed in dir; where there are fewer free ones, others as
// well. Batch systems often start several jobs on one machine without saying which
// processors each may use: without this they would all choose the same. It begins
// anywhere, as workers of other users may do. Release gives them up.
func claimCPUs(all []int, n int, dir string) (cpus []int, release func()) {
	if n >= len(all) {
		return slices.Clone(all), func() {}
	}
	start := rand.IntN(len(all))
	order := append(slices.Clone(all[start:]), all[:start]...)
	var locks []*os.File
	if info, err := os.Lstat(dir); os.Mkdir(dir, 0o700) == nil || err == nil && info.IsDir() {
		for _, cpu := range order {
			if len(cpus) == n {
				break
			}
			if f := tryLock(filepath.Join(dir, strconv.Itoa(cpu))); f != nil {
				locks, cpus = append(locks, f), append(cpus, cpu)
			}
		}
	}
	for _, cpu := range order {
		if len(cpus) < n && !slices.Contains(cpus, cpu) {
			cpus = append(cpus, cpu)
		}
	}
	slices.Sort(cpus)
	return cpus, func() {
		for _, f := range locks {
			f.Close()
		}
	}
}
