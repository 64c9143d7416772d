//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestEscape tries every way out that is known to us, from a directory and
// from layers that are served through FUSE, and then looks whether the host is
// as it was.
func TestEscape(t *testing.T) {
	for name, change := range map[string]func(*testing.T, *Command) (changed func() string){
		"directory": func(*testing.T, *Command) func() string { return nil },
		"served": func(t *testing.T, c *Command) func() string {
			served1(t, c, nil)
			return nil
		},
		"one writable root": func(t *testing.T, c *Command) func() string {
			c.Lower, c.Scratch = []string{copyRoot(t)}, ""
			return nil
		},
		"binds": bindHostDir,
		"network": func(_ *testing.T, c *Command) func() string {
			c.Net, c.Env = true, append(c.Env, "NETWORK=1")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newCommand(t, "")
			changed := change(t, &c)
			escape(t, c, changed)
		})
	}
}

// escape runs the attempts in c. Changed, if not nil, lists what of the host
// only c could have changed.
func escape(t *testing.T, c Command, changed func() string) {
	if changed == nil {
		changed = func() string { return "" }
	}
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	c.Args = []string{"/attempt"}
	c.Env = append(c.Env, "REPRO_ATTEMPT=escape", "HOST_PID="+fmt.Sprint(os.Getpid()))
	if testing.Verbose() {
		c.Env = append(c.Env, "VERBOSE=1")
	}
	c.Env = append(c.Env, hostThings(t)...)
	t.Setenv("LEAK", "1")
	before := hostState(t) + changed()
	r, err := Run(t.Context(), c)
	if err != nil || r.Exit != 0 {
		t.Fatalf("%+v %v\n%s", r, err, &out)
	}
	if strings.Contains(out.String(), "not refused") {
		t.Errorf("\n%s", &out)
	}
	t.Logf("%d attempts\n%s", len(attempts), &out)
	if after := hostState(t) + changed(); after != before {
		t.Errorf("the host changed: before\n%s\nafter\n%s", before, after)
	}
}

// copyRoot copies the test root, for a program that may write to it.
func copyRoot(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(testRoot(t))); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(dir, 0o755), ChangeOwner(dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// bindHostDir shows c a directory with all that is dangerous in one, which
// anybody may write to, read-only at /ro and writable at /rw. It returns what
// lists that directory.
func bindHostDir(t *testing.T, c *Command) (changed func() string) {
	dir, err := os.MkdirTemp("", "repro-bound-") // where the program's user may look
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	at := func(name string) string { return filepath.Join(dir, name) }
	id, err := exec.LookPath("id")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(dir, 0o777), os.MkdirAll(at("dir/inner"), 0o777), os.Mkdir(at("inner"), 0o777),
		os.WriteFile(at("file"), []byte("x"), 0o666), os.Symlink("/etc/passwd-", at("link")),
		copyFile(id, at("setuid")), copyFile(id, at("own")), os.Chmod(at("setuid"), 0o6755)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file", "dir", "dir/inner", "inner"} {
		_ = os.Chmod(at(name), 0o777)
	}
	if os.Geteuid() == 0 {
		if err := errors.Join(unix.Mknod(at("device"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))), os.Chmod(at("device"), 0o666),
			unix.Mount("tmpfs", at("inner"), "tmpfs", 0, "mode=0777,size=1m")); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(at("inner"), unix.MNT_DETACH) })
		if who := WhoRuns(); who.IsOther {
			uid, gid := who.UID, who.GID
			if err := os.Chown(at("own"), uid, gid); err != nil {
				t.Fatal(err)
			}
		}
	}
	listener, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	datagrams, err := net.ListenPacket("unixgram", at("datagrams"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { datagrams.Close() })
	if err := errors.Join(os.Chmod(at("socket"), 0o777), os.Chmod(at("datagrams"), 0o777)); err != nil {
		t.Fatal(err)
	}
	c.Binds = []Bind{{Source: dir, Target: "/ro"}, {Source: dir, Target: "/rw", Write: true}}
	c.Env = append(c.Env, "BINDS=1")
	return func() string {
		out, err := exec.Command("find", dir, "-not", "-name", "own", "-printf", "%P %y %l %U %m %n\n").CombinedOutput()
		if err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return string(out)
	}
}

// hostThings makes what attempts look for: a listener, an abstract socket, a
// file and shared memory.
func hostThings(t *testing.T) []string {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	name := fmt.Sprintf("@repro-test-%d", os.Getpid())
	abstract, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { abstract.Close() })
	file := filepath.Join(t.TempDir(), "host-file")
	if err := os.WriteFile(file, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	shm := fmt.Sprintf("/dev/shm/repro-test-%d", os.Getpid())
	if err := os.WriteFile(shm, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(shm) })
	return []string{"HOST_TCP=" + tcp.Addr().String(), "HOST_UNIX=" + name, "HOST_FILE=" + file, "HOST_SHM=" + shm}
}

// hostState is what hostile programs would change.
func hostState(t *testing.T) string {
	t.Helper()
	var s strings.Builder
	for _, name := range []string{"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname", "/proc/sys/kernel/modprobe",
		"/proc/sys/vm/overcommit_memory", "/proc/sys/net/ipv4/ip_forward", "/proc/self/mounts", "/proc/swaps"} {
		b, _ := os.ReadFile(name)
		for line := range strings.Lines(string(b)) {
			if !ofOtherTests(line) {
				fmt.Fprintf(&s, "%s: %s", name, line)
			}
		}
	}
	if year := time.Now().Year(); year < 2020 {
		fmt.Fprintf(&s, "the year is %d\n", year)
	}
	return s.String()
}

// ofOtherTests reports whether a line of /proc/self/mounts is a mount in the
// temporary folder of another package's tests, which run at the same time.
func ofOtherTests(line string) bool {
	words := strings.Fields(line)
	if len(words) < 2 || strings.Contains(words[1], "/TestEscape") {
		return false
	}
	for _, dir := range []string{os.TempDir(), "/tmp"} { // as an ordinary user, this test has a folder of its own
		rest, ok := strings.CutPrefix(words[1], dir+"/")
		if ok && (strings.HasPrefix(rest, "Test") || strings.Contains(rest, "script")) {
			return true
		}
	}
	return false
}

// TestOtherABIs runs programs whose system calls have other numbers than those
// of the filter's table.
func TestOtherABIs(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skipf("needs amd64, this is %s", runtime.GOARCH)
	}
	for name, program := range map[string][]byte{
		// mov $1, %eax; xor %ebx, %ebx; int $0x80: exit(0) of i386
		"i386": elf32(0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80),
		// mov $0x4000003c, %eax; xor %edi, %edi; syscall: exit(0) of x32
		"x32": elf64(0xb8, 0x3c, 0, 0, 0x40, 0x31, 0xff, 0x0f, 0x05, 0xcc),
		// mov $1, %eax; xor %ebx, %ebx; int $0x80 from 64-bit code
		"int80": elf64(0xb8, 1, 0, 0, 0, 0x31, 0xdb, 0xcd, 0x80, 0xcc),
	} {
		c, out := newCommand(t, "")
		layer := t.TempDir()
		if err := os.WriteFile(filepath.Join(layer, "other"), program, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := ChangeOwner(layer); err != nil {
			t.Fatal(err)
		}
		c.Lower = append([]string{layer}, c.Lower...)
		c.Args = []string{"/other"}
		r, err := Run(t.Context(), c)
		if err != nil || r.Signal != "SIGSYS" {
			t.Errorf("%s: %+v %v %s", name, r, err, out)
		}
	}
}

// elf32 is an i386 executable of one segment that holds code.
func elf32(code ...byte) []byte {
	const head, base = 52 + 32, 0x08048000
	b := append([]byte("\x7fELF\x01\x01\x01"), make([]byte, 9)...)
	le := binary.LittleEndian
	b = le.AppendUint16(b, 2) // ET_EXEC
	b = le.AppendUint16(b, 3) // EM_386
	for _, v := range []uint32{1, base + head, 52, 0, 0} {
		b = le.AppendUint32(b, v)
	}
	for _, v := range []uint16{52, 32, 1, 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	size := uint32(head + len(code))
	for _, v := range []uint32{1, 0, base, base, size, size, 5, 0x1000} {
		b = le.AppendUint32(b, v)
	}
	return append(b, code...)
}

// elf64 is the same for x86-64.
func elf64(code ...byte) []byte {
	const head, base = 64 + 56, 0x400000
	b := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9)...)
	le := binary.LittleEndian
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 62) // EM_X86_64
	b = le.AppendUint32(b, 1)
	for _, v := range []uint64{base + head, 64, 0} {
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{64, 56, 1, 0, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, 1)
	b = le.AppendUint32(b, 5)
	size := uint64(head + len(code))
	for _, v := range []uint64{0, base, base, size, size, 0x1000} {
		b = le.AppendUint64(b, v)
	}
	return append(b, code...)
}
