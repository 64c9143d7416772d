//go:build linux && (amd64 || arm64)

package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestResults: a number or an error, never both.
func TestResults(t *testing.T) {
	if n, err := number(7, 0); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := number(7, syscall.EPERM); n != -1 || err != syscall.EPERM {
		t.Errorf("%d, %v", n, err)
	}
	if err := failure(0); err != nil {
		t.Error(err)
	}
	if err := failure(syscall.EPERM); err != syscall.EPERM {
		t.Error(err)
	}
}

// TestNames: a name with a zero byte is refused before the kernel sees half of
// it.
func TestNames(t *testing.T) {
	const bad = "a\x00b"
	fd, treeErr := OpenTree(AT_FDCWD, bad, 0)
	mountFD, mountErr := NewMount(bad, 0, nil)
	for name, err := range map[string]error{
		"open_tree": treeErr, "fsopen": mountErr,
		"move_mount": MoveMount(0, bad, 0, "b", 0), "move_mount, to": MoveMount(0, "a", 0, bad, 0),
		"fsconfig": configure(0, bad, ""), "fsconfig, value": configure(0, "a", bad),
		"stat": StatAt(AT_FDCWD, bad, &syscall.Stat_t{}),
	} {
		if !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if fd != -1 || mountFD != -1 {
		t.Errorf("%d, %d", fd, mountFD)
	}
}

func TestStatAt(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "file"), []byte("12345"), 0o600), os.Symlink("file", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, want := range map[string]uint32{"file": syscall.S_IFREG, "link": syscall.S_IFLNK} {
		var st syscall.Stat_t
		if err := StatAt(int(f.Fd()), name, &st); err != nil || st.Mode&syscall.S_IFMT != want || st.Size > 5 || st.Size < 4 {
			t.Errorf("%s: %+v, %v", name, st, err)
		}
	}
	if err := StatAt(int(f.Fd()), "none", &syscall.Stat_t{}); err != syscall.ENOENT {
		t.Error(err)
	}
}

// TestAffinity: the processors that are named are those that the thread gets.
func TestAffinity(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread ends with its set
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	var mine []int
	for i := range 1024 {
		if before.IsSet(i) {
			mine = append(mine, i)
		}
	}
	for _, cpus := range [][]int{mine[:1], mine[len(mine)-1:], mine, append([]int{-1, 1024, 4096}, mine[0])} {
		if err := SetAffinity(cpus); err != nil {
			t.Fatal(err)
		}
		var got unix.CPUSet
		if err := unix.SchedGetaffinity(0, &got); err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, n := range cpus {
			if n < 0 || n >= 1024 {
				continue
			}
			if want++; !got.IsSet(n) {
				t.Errorf("%v: processor %d is missing", cpus, n)
			}
		}
		if got.Count() != want {
			t.Errorf("%v: %d processors", cpus, got.Count())
		}
	}
	if err := SetAffinity(nil); err != syscall.EINVAL {
		t.Errorf("no processor: %v", err)
	}
}

func TestSeconds(t *testing.T) {
	for clock, name := range map[int]string{CLOCK_MONOTONIC: "monotonic", CLOCK_BOOTTIME: "since the start"} {
		var want unix.Timespec
		if err := unix.ClockGettime(int32(clock), &want); err != nil {
			t.Fatal(err)
		}
		if got, err := Seconds(clock); err != nil || got < want.Sec || got > want.Sec+10 {
			t.Errorf("%s: %d, want %d; %v", name, got, want.Sec, err)
		}
	}
	if got, err := Seconds(0); err != nil || got < time.Now().Unix()-10 || got > time.Now().Unix() {
		t.Errorf("%d, %v", got, err)
	}
	if _, err := Seconds(99); err != syscall.EINVAL {
		t.Error(err)
	}
}

// TestDescriptors closes a range, asks a terminal for its number, and is
// refused what a descriptor is not.
func TestDescriptors(t *testing.T) {
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	const high = 700
	for i, fd := range fds {
		if err := syscall.Dup3(fd, high+i, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		syscall.Close(fd)
	}
	if err := CloseRange(high, high, 0); err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if first, second := syscall.Fstat(high, &st), syscall.Fstat(high+1, &st); first != syscall.EBADF || second != nil {
		t.Errorf("%v, %v", first, second)
	}
	var value int32
	if err := Ioctl(high+1, TIOCGPTN, &value); err != syscall.ENOTTY {
		t.Error(err)
	}
	syscall.Close(high + 1)
	if err := CloseRange(2, 1, 0); err != syscall.EINVAL {
		t.Error(err)
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	defer master.Close()
	value = -1
	if err := Ioctl(int(master.Fd()), TIOCGPTN, &value); err != nil || value < 0 {
		t.Errorf("terminal %d, %v", value, err)
	}
}

func TestPrctl(t *testing.T) {
	runtime.LockOSThread() // and never unlocked
	if err := Prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Error(err)
	}
	if err := Prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0); err != syscall.EINVAL { // it can't be taken back
		t.Error(err)
	}
}

// TestMounts makes a filesystem, sees its options and attributes take effect,
// and attaches it, in a mount namespace of this thread's.
func TestMounts(t *testing.T) {
	runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		t.Skip("needs root, to make mounts:", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Skip("needs a root that can be made private:", err)
	}
	fd, err := NewMount("tmpfs", MOUNT_ATTR_NODEV, [][2]string{{"size", "64k"}, {"nr_inodes", "7"}})
	if err == syscall.ENOSYS || err == syscall.EPERM {
		t.Skip("needs the mount calls of Linux 5.2:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || st.Type != unix.TMPFS_MAGIC || st.Blocks*uint64(st.Bsize) != 64<<10 || st.Files != 7 {
		t.Errorf("%+v, %v", st, err)
	}
	if st.Flags&unix.ST_NODEV == 0 || st.Flags&(unix.ST_RDONLY|unix.ST_NOEXEC) != 0 {
		t.Errorf("flags %#x", st.Flags)
	}
	dir := t.TempDir()
	if err := MoveMount(fd, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Error(err)
	}
	tree, err := OpenTree(AT_FDCWD, dir, OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(tree)
	if err := SetMountAttributes(tree, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOEXEC); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fstatfs(tree, &st); err != nil || st.Flags&unix.ST_RDONLY == 0 || st.Flags&unix.ST_NOEXEC == 0 || st.Files != 7 {
		t.Errorf("flags %#x, %v", st.Flags, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "y"), nil, 0o600); err != nil { // the copy is read-only, not what it is of
		t.Error(err)
	}
	// An option without a value is a flag: this one makes the filesystem
	// itself read-only.
	flagged, err := NewMount("tmpfs", 0, [][2]string{{"ro", ""}})
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(flagged)
	if err := unix.Fstatfs(flagged, &st); err != nil || st.Flags&unix.ST_RDONLY == 0 {
		t.Errorf("flags %#x, %v", st.Flags, err)
	}
	for _, c := range []struct {
		kind    string
		options [][2]string
		want    error
	}{
		{"no such filesystem", nil, syscall.ENODEV},
		{"tmpfs", [][2]string{{"size", "many"}}, syscall.EINVAL},
		{"tmpfs", [][2]string{{"sighs", ""}}, syscall.EINVAL},
	} {
		if fd, err := NewMount(c.kind, 0, c.options); fd != -1 || err != c.want {
			t.Errorf("%s %v: %d, %v, want %v", c.kind, c.options, fd, err, c.want)
		}
	}
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		t.Error(err)
	}
}

// TestLoopback brings lo up, in a network namespace of this thread's.
func TestLoopback(t *testing.T) {
	runtime.LockOSThread() // and never unlocked
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skip("needs root, to make a network:", err)
	}
	flags := func() uint16 {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		request, err := unix.NewIfreq("lo")
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, request); err != nil {
			t.Fatal(err)
		}
		return request.Uint16()
	}
	if f := flags(); f&unix.IFF_UP != 0 {
		t.Errorf("a new network is up: %#x", f)
	}
	if err := LoopbackUp(); err != nil {
		t.Fatal(err)
	}
	if f := flags(); f&unix.IFF_UP == 0 || f&unix.IFF_RUNNING == 0 {
		t.Errorf("flags %#x", f)
	}
}
