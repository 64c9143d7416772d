//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// memoryInterval is how often memory is added up. A program that allocates as
// fast as it can gets some hundred megabytes past its limit in that time.
const memoryInterval = 100 * time.Millisecond

// memoryShare is how much of its time process 1 spends at most on adding up:
// one part in so many.
const memoryShare = 50

// memoryWatch adds up what all processes of the sandbox hold and kills them
// when it is too much, where no control group does.
type memoryWatch struct{ over atomic.Bool }

func (w *memoryWatch) exceeded() bool { return w.over.Load() }

// start watches until process 1 ends.
func (w *memoryWatch) start(limit int64) {
	go func() {
		for pause := memoryInterval; ; {
			time.Sleep(pause)
			began := time.Now()
			// Pages shared after a fork count for every process at first sight;
			// only if that is too much, ask for the exact and slower sum.
			if total(privateBytes) > limit && total(proportionalBytes) > limit {
				w.over.Store(true)
				_ = syscall.Kill(-1, syscall.SIGKILL)
			}
			pause = max(memoryInterval, memoryShare*time.Since(began))
		}
	}()
}

// total adds up a measure over all processes but process 1.
func total(measure func(dir string) int64) int64 {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	var sum int64
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != 1 {
			sum += measure("/proc/" + e.Name())
		}
	}
	return sum
}

// privateBytes is resident memory that is backed by no file.
func privateBytes(dir string) int64 {
	b, err := os.ReadFile(dir + "/statm") // proc_pid_statm(5)
	if err != nil {
		return 0
	}
	words := fields(string(b))
	if len(words) < 3 {
		return 0
	}
	resident, _ := strconv.ParseInt(words[1], 10, 64)
	shared, _ := strconv.ParseInt(words[2], 10, 64)
	return (resident - shared) * int64(os.Getpagesize())
}

// proportionalBytes is the same with each page divided by the number of
// processes that share it.
func proportionalBytes(dir string) int64 {
	b, err := os.ReadFile(dir + "/smaps_rollup")
	if err != nil {
		return 0
	}
	for line := range parts(string(b), '\n') {
		if words := fields(line); len(words) > 1 && words[0] == "Pss_Anon:" {
			kib, _ := strconv.ParseInt(words[1], 10, 64)
			return kib << 10
		}
	}
	return privateBytes(dir) // kernels before 5.15 have no such line
}
