package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mounted is one way to mount an image, or a squashfs file.
type mounted struct {
	name    string
	dir     string
	start   []string // mounts at dir
	stays   bool     // start is a server, which ends when it is unmounted
	user    bool     // takes back what only root has
	server  *exec.Cmd
	mounted bool
}

// mountsOf returns how what image makes is mounted: by us, and by the peers.
func (b *runBench) mountsOf(name string) (ours, kernel, squashfuse *mounted) {
	ours = b.mount("repro mount", name+".ours")
	ours.start, ours.stays = []string{b.repro, "mount", "--allow-other", b.in(name + ".sif"), ours.dir}, true
	kernel = b.mount("kernel squashfs", name+".kernel")
	kernel.start = []string{"mount", "-t", "squashfs", "-o", "loop,ro", b.in(name + ".sqfs"), kernel.dir}
	squashfuse = b.mount("squashfuse_ll", name+".fuse")
	squashfuse.start, squashfuse.stays = []string{"squashfuse_ll", "-f", "-o", "allow_other", b.in(name + ".sqfs"), squashfuse.dir}, true
	return ours, kernel, squashfuse
}

func (b *runBench) mount(name, dir string) *mounted {
	m := &mounted{name: name, dir: b.in(dir)}
	b.mounts = append(b.mounts, m)
	return m
}

func (b *runBench) unmountAll() {
	for _, m := range b.mounts {
		_ = m.unmount() // what is left is removed with the folder
	}
}

// remount mounts anew, so that the kernel has forgotten what it knew.
func (m *mounted) remount() error {
	if err := m.unmount(); err != nil {
		return err
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	cmd := exec.Command(m.start[0], m.start[1:]...)
	if !m.stays {
		m.mounted = true
		return quietly(cmd)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	m.server, m.mounted = cmd, true
	for range 1000 {
		if isMountPoint(m.dir) {
			return m.asUser()
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("%s: mounted nothing", m.name)
}

func isMountPoint(dir string) bool {
	b, err := os.ReadFile("/proc/self/mounts")
	return err == nil && strings.Contains(string(b), " "+dir+" ")
}

func (m *mounted) unmount() error {
	if !m.mounted {
		return nil
	}
	m.mounted = false
	err := quietly(exec.Command("umount", m.dir))
	if m.server != nil {
		_ = m.server.Wait() // how it ends is not what is measured
		m.server = nil
	}
	return err
}

// peak returns the peak memory of the server in MiB.
func (m *mounted) peak() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.server.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("no VmHWM")
}

// on runs a command in a fresh mount, or with all caches of the kernel's empty.
func (m *mounted) on(argv []string, before func() error) *subject {
	return &subject{name: m.name, argv: argv, before: before}
}

// dropCaches makes the next reads cold: those of the mount and those of the
// image below it.
func dropCaches() error {
	if err := quietly(exec.Command("sync")); err != nil {
		return err
	}
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0)
}

// mountOfUser is our mount as it is for others than root, who may not ask the
// kernel for larger requests. Root makes it: not all machines let others.
func (b *runBench) mountOfUser(name string) *mounted {
	m := b.mount("repro mount by a user", name+".user")
	m.start, m.stays, m.user = []string{b.repro, "mount", "--allow-other", b.in(name + ".sif"), m.dir}, true, true
	return m
}

// asUser waits until the server has asked for larger requests, and takes that
// back.
func (m *mounted) asUser() error {
	if !m.user {
		return nil
	}
	info, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	before, _, _ := strings.Cut(string(info), " / "+m.dir+" ")
	name := filepath.Join("/sys/class/bdi", before[strings.LastIndexByte(before, ' ')+1:], "read_ahead_kb")
	const usual = "128\n"
	for range 1000 {
		if b, err := os.ReadFile(name); err != nil {
			return err
		} else if string(b) != usual {
			return os.WriteFile(name, []byte(usual), 0)
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("%s: requests are not larger than usual", m.dir)
}

// read measures reading one large file from start to end, cold.
func (b *runBench) read() error {
	from := b.in("read")
	if err := makeFiles(from, b.root, 1, b.file, b.file); err != nil {
		return err
	}
	if err := b.image("read", from); err != nil {
		return err
	}
	defer removeAll(from)
	ours, kernel, _ := b.mountsOf("read")
	users := b.mountOfUser("read")
	defer b.unmountAll()
	cold := func(m *mounted) *subject {
		file := filepath.Join(m.dir, strings.TrimPrefix(fileName(from, 0), from))
		return m.on([]string{"dd", "if=" + file, "of=/dev/null", "bs=1M", "status=none"}, func() error { return errors.Join(m.remount(), dropCaches()) })
	}
	const what = "read of a large file, cold"
	if err := b.measure(what, 0.8, cold(ours), cold(kernel)); err != nil {
		return err
	}
	if err := b.measure(what+", mounted by a user", 0.8, cold(users), cold(kernel)); err != nil {
		return err
	}
	return b.memory("a large file was read", ours)
}

// memory adds the goal for the memory of a server.
func (b *runBench) memory(what string, m *mounted) error {
	peak, err := m.peak()
	b.goals = append(b.goals, goal{measure: "memory of the server when " + what, got: peak, want: 256, unit: " MiB"})
	return err
}

const statFiles = 20_000

// stat measures looking at many files, each mount fresh.
func (b *runBench) stat() error {
	from := b.in("stat")
	if err := makeFiles(from, b.root, statFiles, 100, 1000); err != nil {
		return err
	}
	if err := b.image("stat", from); err != nil {
		return err
	}
	defer removeAll(from)
	ours, kernel, squashfuse := b.mountsOf("stat")
	defer b.unmountAll()
	fresh := func(m *mounted) *subject {
		return m.on([]string{"sh", "-c", `find "$1" -print0 | xargs -0 stat >/dev/null`, "sh", m.dir}, m.remount)
	}
	what := fmt.Sprintf("find | xargs stat of %d files", statFiles)
	if err := b.measure(what, 2, fresh(ours), fresh(kernel)); err != nil {
		return err
	}
	if err := b.measure(what, 0.25, fresh(ours), fresh(squashfuse)); err != nil {
		return err
	}
	if err := b.statFloor(what, from, fresh(squashfuse)); err != nil {
		return err
	}
	return b.memory("many files were looked at", ours)
}

// statFloor prints what find and stat themselves take of the peer's time: on the
// directory that the image was made of, of which the kernel knows all. No mount
// can do better.
func (b *runBench) statFloor(what, from string, peer *subject) error {
	plain := (&mounted{name: "the directory itself", dir: from}).on(peer.argv, nil)
	plain.argv = append(slices.Clone(peer.argv[:len(peer.argv)-1]), from)
	if err := alternate(b.rounds, plain, peer); err != nil {
		return err
	}
	fmt.Printf("%s: %s takes %.2f (best) and %.2f (median) of what %s takes\n",
		what, plain.name, best(plain, peer), ratio(plain, peer), peer.name)
	return nil
}

// besideDirectory measures a Python program in a mount of the root against the
// plain directory, both warm.
func (b *runBench) besideDirectory(what string, want float64, program string) error {
	ours, _, _ := b.mountsOf("root")
	defer b.unmountAll()
	if err := ours.remount(); err != nil {
		return err
	}
	in := func(name, dir string) *subject {
		const inside = `mount -t tmpfs tmpfs "$1/tmp" && exec chroot "$1" /usr/bin/python3 -c "$2"`
		return &subject{name: name, env: []string{"PYTHONDONTWRITEBYTECODE=1", "MPLCONFIGDIR=/tmp"},
			argv: []string{"unshare", "--mount", "sh", "-c", inside, "sh", dir, program}}
	}
	if err := b.measure(what, want, in(ours.name, ours.dir), in("directory", b.root)); err != nil {
		return err
	}
	return b.memory("Python was started", ours)
}

// noise makes an image, signed, of busybox and noise.
func (b *runBench) noise(name string, bytes int64) error {
	dir := b.in(name)
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		return err
	}
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		return fmt.Errorf("takes Debian's busybox-static: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/busybox"), busybox, 0o755); err != nil {
		return err
	}
	if err := quietly(exec.Command("dd", "if=/dev/urandom", "of="+filepath.Join(dir, "noise"), "bs=1M", "iflag=fullblock",
		"count="+strconv.FormatInt(bytes>>20, 10))); err != nil {
		return err
	}
	if err := buildImage([]string{b.in(name + ".sif"), dir, ""}); err != nil {
		return err
	}
	removeAll(dir)
	return quietly(exec.Command(b.repro, "sign", "--key", b.in("author.key"), b.in(name+".sif")))
}
