//go:build linux && (amd64 || arm64)

package observe

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// children returns the processes whose parent is this one.
func children() (pids []int) {
	if _, errno := quick(unix.SYS_WAITID, unix.P_ALL, 0, 0, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL, 0, 0); errno == unix.ECHILD {
		return nil // none, without asking each process of the machine
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	self, d := os.Getpid(), newDesk()
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if ppid, _, ok := d.parent(pid); ok && ppid == self {
			pids = append(pids, pid)
		}
	}
	return pids
}

// endLeft ends the processes that the command left running: this process
// adopted them. They may finish what they do for a moment, are asked then, and
// killed later. Before are children of this process that are none of the
// command's.
func endLeft(before []int) (names []string) {
	ask := time.Now().Add(finishPatience)
	kill := ask.Add(endPatience)
	told := map[int]bool{}
	for {
		left := slices.DeleteFunc(children(), func(pid int) bool { return slices.Contains(before, pid) })
		if len(left) == 0 {
			slices.Sort(names)
			return slices.Compact(names)
		}
		for _, pid := range left {
			var status unix.WaitStatus
			if got, _ := unix.Wait4(pid, &status, unix.WNOHANG, nil); got == pid {
				continue
			}
			if !told[pid] && time.Now().After(ask) {
				told[pid] = true
				if exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe"); err == nil {
					names = append(names, filepath.Base(exe))
				}
				_ = unix.Kill(pid, unix.SIGTERM)
			}
			if time.Now().After(kill) {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
}
