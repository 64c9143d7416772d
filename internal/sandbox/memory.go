//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
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
				_ = unix.Kill(-1, unix.SIGKILL)
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
			sum += measure(filepath.Join("/proc", e.Name()))
		}
	}
	return sum
}

// privateBytes is resident memory that is backed by no file.
func privateBytes(dir string) int64 {
	b, err := os.ReadFile(filepath.Join(dir, "statm")) // proc_pid_statm(5)
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 3 {
		return 0
	}
	resident, _ := strconv.ParseInt(fields[1], 10, 64)
	shared, _ := strconv.ParseInt(fields[2], 10, 64)
	return (resident - shared) * int64(os.Getpagesize())
}

// proportionalBytes is the same with each page divided by the number of
// processes that share it.
func proportionalBytes(dir string) int64 {
	f, err := os.Open(filepath.Join(dir, "smaps_rollup"))
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "Pss_Anon:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(v, "kB")), 10, 64)
			return kib << 10
		}
	}
	return privateBytes(dir) // kernels before 5.15 have no such line
}
