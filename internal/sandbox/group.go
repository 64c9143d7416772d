//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// With control groups of version 2 (cgroups(7), and the kernel's
// admin-guide/cgroup-v2) the kernel itself limits a program's memory, processes
// and share of the processors. That needs a group which the machine has delegated
// to this user, as "systemd-run --user --scope -p Delegate=yes" does.

// controllers are those that limits need. Memory must be among those offered; the
// others are also enforced by resource limits and by CPU affinity.
var controllers = []string{"memory", "pids", "cpu"}

// groupHint says how an ordinary user gets a group that is delegated.
const groupHint = "with systemd, start it as: systemd-run --user --scope -p Delegate=yes repro run …"

// parent is the group of this process, while it has groups of programs in it.
var parent struct {
	sync.Mutex
	users int      // how many hold it
	dir   string   // the group in which they are
	leaf  string   // where this process went meanwhile, below dir; empty: it did not have to
	added []string // controllers that were not handed on before
	made  int      // to name them
	none  error    // why there can be none; nil: not known yet
}

// group is that of one program.
type group struct {
	dir   string
	procs *os.File // what is written to it moves there
}

// holdGroups makes groups possible until releaseGroups has been called as often.
// The error says why there can be none here.
func holdGroups() error {
	parent.Lock()
	defer parent.Unlock()
	if parent.users == 0 && parent.none == nil {
		parent.none = enterLeaf()
	}
	if parent.none == nil {
		parent.users++
	}
	return parent.none
}

func releaseGroups() {
	parent.Lock()
	defer parent.Unlock()
	if parent.users--; parent.users == 0 {
		leaveLeaf()
	}
}

// newGroup makes a group within limits, while holdGroups holds.
func newGroup(l Limits, cpus int) (*group, error) {
	parent.Lock()
	defer parent.Unlock()
	if parent.users == 0 {
		return nil, errors.New("control groups are not held")
	}
	parent.made++
	g := &group{dir: filepath.Join(parent.dir, fmt.Sprintf("repro-%d-%d", os.Getpid(), parent.made))}
	err := os.Mkdir(g.dir, 0o755)
	if err == nil {
		if err = g.limit(l, cpus); err == nil {
			g.procs, err = os.OpenFile(filepath.Join(g.dir, "cgroup.procs"), os.O_WRONLY, 0)
		}
		if err != nil {
			g.remove()
		}
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// limit writes what the program may take.
func (g *group) limit(l Limits, cpus int) error {
	// Whatever is swapped out is memory too; kernels without swap have no such file.
	_ = g.write("memory.swap.max", "0")
	if err := g.write("memory.max", strconv.FormatInt(memoryOf(l), 10)); err != nil {
		return err
	}
	if err := g.write("memory.oom.group", "1"); err != nil { // all of it ends, not one process
		return err
	}
	_ = g.write("pids.max", strconv.FormatInt(cmp.Or(l.Processes, inside.DefaultProcesses), 10))
	if cpus > 0 { // a program may choose other processors, but gets no more of them
		const period = 100_000 // microseconds
		_ = g.write("cpu.max", fmt.Sprintf("%d %d", cpus*period, period))
	}
	return nil
}

func (g *group) write(file, text string) error {
	return os.WriteFile(filepath.Join(g.dir, file), []byte(text), 0)
}

// overran reports whether the kernel killed the program because it was out of
// memory.
func (g *group) overran() bool {
	b, _ := os.ReadFile(filepath.Join(g.dir, "memory.events"))
	return killsIn(string(b)) > 0
}

// remove removes the group when the last process is gone.
func (g *group) remove() {
	if g.procs != nil {
		g.procs.Close()
	}
	_ = g.write("cgroup.kill", "1") // nothing should be there any more
	removeGroup(g.dir)
}

// removeGroup waits a moment for the kernel to notice that a group is empty.
func removeGroup(dir string) {
	for range 100 {
		if err := unix.Rmdir(dir); !errors.Is(err, unix.EBUSY) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// enterLeaf prepares this process's group to hold others. The kernel demands that
// such a group holds no process itself, so this one moves into a leaf.
func enterLeaf() error {
	dir, offered, err := ownGroup()
	if err != nil {
		return err
	}
	parent.dir, parent.leaf = dir, ""
	removeAbandoned(dir)
	control := filepath.Join(dir, "cgroup.subtree_control")
	before, err := os.ReadFile(control)
	if err != nil {
		return err
	}
	parent.added = nil
	for _, c := range controllers {
		if slices.Contains(offered, c) && !slices.Contains(strings.Fields(string(before)), c) {
			parent.added = append(parent.added, c)
		}
	}
	if len(parent.added) == 0 {
		return nil
	}
	want := "+" + strings.Join(parent.added, " +")
	enable := func() error { return os.WriteFile(control, []byte(want), 0) }
	if err = enable(); !errors.Is(err, unix.EBUSY) {
		return err
	}
	leaf := filepath.Join(dir, fmt.Sprintf("repro-%d", os.Getpid()))
	if err = os.Mkdir(leaf, 0o755); err == nil {
		if err = moveTo(leaf); err == nil {
			err = enable()
		}
	}
	parent.leaf = leaf
	if err != nil {
		leaveLeaf()
	}
	if errors.Is(err, unix.EBUSY) {
		err = errors.New("other programs are in this one's control group")
	}
	return err
}

// leaveLeaf undoes enterLeaf, unless another run has begun to rely on it.
func leaveLeaf() {
	if others := groupsIn(parent.dir, parent.leaf); len(others) > 0 {
		return
	}
	for _, c := range parent.added {
		_ = os.WriteFile(filepath.Join(parent.dir, "cgroup.subtree_control"), []byte("-"+c), 0)
	}
	if parent.leaf == "" {
		return
	}
	_ = moveTo(parent.dir)
	removeGroup(parent.leaf)
	parent.leaf = ""
}

// moveTo moves this process.
func moveTo(dir string) error {
	return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0)
}

// removeAbandoned removes the groups of runs that were killed. An empty group may
// also belong to a live run that has not moved its program there yet.
func removeAbandoned(dir string) {
	for _, name := range groupsIn(dir, "") {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(name), "repro-"), "-")
		if n, err := strconv.Atoi(pid); err == nil && n > 0 && !errors.Is(unix.Kill(n, 0), unix.ESRCH) {
			continue
		}
		_ = unix.Rmdir(name)
	}
}

// groupsIn lists the groups of runs in a group, but for one.
func groupsIn(dir, butFor string) []string {
	all, _ := filepath.Glob(filepath.Join(dir, "repro-*"))
	return slices.DeleteFunc(all, func(name string) bool { return name == butFor })
}

// ownGroup returns this process's group and the controllers that it may hand
// on, if this user may make groups there.
func ownGroup() (dir string, offered []string, err error) {
	root, err := mountedGroups()
	if err != nil {
		return "", nil, err
	}
	b, err := os.ReadFile("/proc/self/cgroup")
	_, own, ok := bytes.Cut(append([]byte("\n"), b...), []byte("\n0::"))
	if err != nil || !ok {
		return "", nil, errors.New("no control groups of version 2")
	}
	name, _, _ := strings.Cut(string(own), "\n")
	if strings.HasPrefix(name, "/..") {
		return "", nil, errors.New("this process's control group is out of sight")
	}
	dir = filepath.Join(root, strings.TrimSuffix(name, " (deleted)"))
	b, err = os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return "", nil, err
	}
	if offered = strings.Fields(string(b)); !slices.Contains(offered, "memory") {
		return "", nil, errors.New("the memory controller is not handed to this process's control group")
	}
	for _, file := range []string{"", "cgroup.procs", "cgroup.subtree_control"} {
		if unix.Access(filepath.Join(dir, file), unix.W_OK) != nil {
			return "", nil, errors.New("this process's control group is not this user's")
		}
	}
	return dir, offered, nil
}

// mountedGroups returns where the whole hierarchy is mounted.
func mountedGroups() (string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		before, after, _ := strings.Cut(s.Text(), " - ")
		fields := strings.Fields(before) // proc_pid_mountinfo(5)
		if len(fields) >= 5 && fields[3] == "/" && strings.HasPrefix(after, "cgroup2 ") {
			return fields[4], nil
		}
	}
	return "", fmt.Errorf("no control groups of version 2 are mounted: %w", fs.ErrNotExist)
}
