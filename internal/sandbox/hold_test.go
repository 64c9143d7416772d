//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// held is what each of the ways below takes, and heldLimit what is allowed.
const (
	held      = 256 << 20
	heldLimit = 192 << 20
	chunk     = 16 << 20
)

// holds are ways to hold memory past a limit, of processes that nothing but
// process 1 watches.
var holds = map[string]func() error{
	"private": func() error {
		return fill(unix.Mmap(-1, 0, held, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON))
	},
	"private pages of a file": func() error {
		f, err := os.Create("/paper/big")
		if err != nil {
			return err
		}
		err = errors.Join(f.Truncate(held), f.Sync())
		return errors.Join(err, fill(unix.Mmap(int(f.Fd()), 0, held, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)))
	},
	"not dumpable": func() error {
		err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		return errors.Join(err, fill(unix.Mmap(-1, 0, held, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)))
	},
	"after the first thread": func() error {
		err := fill(unix.Mmap(-1, 0, held, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON))
		return errors.Join(err, endFirstThread())
	},
	"children": func() error { return inChildren("private part", 4) },
	"private part": func() error {
		return fill(unix.Mmap(-1, 0, held/4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON))
	},
	"shared mapping": func() error {
		return fill(unix.Mmap(-1, 0, held, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON))
	},
	"memory file": func() error { _, err := memoryFile(); return err },
	"memory file, mapped and closed": func() error {
		fd, err := memoryFile()
		if err != nil {
			return err
		}
		return errors.Join(fill(unix.Mmap(fd, 0, held, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)), unix.Close(fd))
	},
	"memory file of one thread": func() error {
		failed := make(chan error)
		go func() {
			runtime.LockOSThread()
			if err := unix.CloseRange(1000, 1000, unix.CLOSE_RANGE_UNSHARE); err != nil { // its descriptors are its own now
				failed <- err
			}
			_, err := memoryFile()
			failed <- err
			select {}
		}()
		return <-failed
	},
	"memory file with the name of nothing": func() error {
		fd, err := memoryFile()
		if err != nil {
			return err
		}
		// A file that looks alike must not count instead.
		_ = os.WriteFile("/memfd:x (deleted)", nil, 0o600)
		_, _ = os.Open("/memfd:x (deleted)")
		return touch(fd)
	},
	"segment": func() error { _, err := newSegment(); return err },
	"segment, detached": func() error {
		at, err := newSegment()
		if err != nil {
			return err
		}
		return call(unix.SYS_SHMDT, at)
	},
	"/dev/shm and private": func() error {
		b := make([]byte, chunk)
		f, err := os.Create("/dev/shm/x")
		for n := 0; n < heldLimit-chunk && err == nil; n += chunk {
			_, err = f.Write(b)
		}
		return errors.Join(err, fill(unix.Mmap(-1, 0, heldLimit-2*chunk, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)))
	},
	"unix streams":   func() error { return socketPairs(unix.SOCK_STREAM) },
	"unix datagrams": func() error { return socketPairs(unix.SOCK_DGRAM) },
	"tcp":            func() error { return loopbackStreams(2000) },
	"udp":            func() error { return loopbackDatagrams(1900) },
	"queues":         messageQueues,
	"pipes":          func() error { return inChildren("pipes part", 30) },
	"pipes part":     fillPipes,
}

// allowedHolds look like more than they are, and must go through.
var allowedHolds = map[string]func() error{
	"vfork": func() error {
		err := fill(unix.Mmap(-1, 0, heldLimit*2/3, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON))
		for began := time.Now(); time.Since(began) < 2*time.Second && err == nil; {
			err = exec.Command("/bin/true").Run()
		}
		return err
	},
	"shared by children": func() error {
		b, err := unix.Mmap(-1, 0, heldLimit*2/3, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANON)
		if err := fill(b, err); err != nil {
			return err
		}
		for range 4 {
			if pid, _, errno := unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0); errno != 0 {
				return errno
			} else if pid == 0 {
				for i := 0; i < len(b); i += 4096 {
					b[i] = 2
				}
				for {
					_, _, _ = unix.RawSyscall(unix.SYS_PAUSE, 0, 0, 0)
				}
			}
		}
		return nil
	},
	"mapped, open, and sent": func() error {
		fd, err := unix.MemfdCreate("x", 0)
		if err == nil {
			err = unix.Ftruncate(fd, heldLimit*2/3)
		}
		if err != nil {
			return err
		}
		for range 3 {
			if err := fill(unix.Mmap(fd, 0, heldLimit*2/3, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)); err != nil {
				return err
			}
		}
		_, err = unix.Dup(fd)
		return err
	},
}

// TestMemoryHeld holds memory in every way that is claimed to be counted.
func TestMemoryHeld(t *testing.T) {
	run := func(t *testing.T, way string) (Result, string) {
		c, out := newCommand(t, "exec /attempt")
		c.Env = append(c.Env, "REPRO_ATTEMPT=hold", "REPRO_HOLD="+way)
		c.Limits.Memory, c.Limits.Time = heldLimit, time.Minute
		r, err := Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return r, out.String()
	}
	for way := range holds {
		if strings.HasSuffix(way, " part") {
			continue
		}
		t.Run(way, func(t *testing.T) {
			if r, out := run(t, way); !r.OutOfMemory || r.TimedOut {
				t.Errorf("%+v %s", r, out)
			}
		})
	}
	for way := range allowedHolds {
		t.Run(way, func(t *testing.T) {
			if r, out := run(t, way); r.OutOfMemory || r.Exit != 0 || out != "held\n" {
				t.Errorf("%+v %s", r, out)
			}
		})
	}
}

// The first goroutine stays on the first thread, which one of the ways ends.
func init() {
	if os.Getenv("REPRO_HOLD") != "" {
		runtime.LockOSThread()
	}
}

// holdMain holds memory for as long as it takes to be seen.
func holdMain() {
	way, patience := os.Getenv("REPRO_HOLD"), 30*time.Second // to be killed in, on a machine that does much else
	hold := holds[way]
	if hold == nil {
		hold, patience = allowedHolds[way], 2*time.Second
	}
	if err := hold(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	time.Sleep(patience)
	fmt.Println("held")
}

func fill(b []byte, err error) error {
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return err
}

// touch makes sure that a file in memory has all its pages.
func touch(fd int) error { return unix.Fallocate(fd, 0, 0, held) }

func memoryFile() (int, error) {
	fd, err := unix.MemfdCreate("with a name", 0)
	if err != nil {
		return -1, err
	}
	return fd, touch(fd)
}

func newSegment() (at uintptr, err error) {
	id, _, errno := unix.Syscall(unix.SYS_SHMGET, unix.IPC_PRIVATE, held, unix.IPC_CREAT|0o600)
	if errno != 0 {
		return 0, errno
	}
	at, _, errno = unix.Syscall(unix.SYS_SHMAT, id, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	for i := uintptr(0); i < held; i += 4096 {
		*(*byte)(unsafe.Add(unsafe.Pointer(nil), at+i)) = 1
	}
	return at, nil
}

// endFirstThread ends the thread that was there first and leaves the others.
func endFirstThread() error {
	if unix.Gettid() != unix.Getpid() {
		return errors.New("not the first thread")
	}
	go func() {
		time.Sleep(30 * time.Second)
		fmt.Println("held")
		os.Exit(0)
	}()
	unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
	return nil
}

func inChildren(way string, n int) error {
	for range n {
		cmd := exec.Command("/attempt")
		cmd.Env = append(os.Environ(), "REPRO_HOLD="+way)
		if err := cmd.Start(); err != nil {
			return err
		}
	}
	return nil
}

func socketPairs(kind int) error {
	b := make([]byte, 32<<10)
	for total := 0; total < held; {
		pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		for {
			n, err := unix.Write(pair[0], b)
			if err != nil {
				break
			}
			total += n
		}
	}
	return nil
}

func loopbackStreams(pairs int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b := make([]byte, 1<<20)
	for total := 0; total < held && pairs > 0; pairs-- {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		if _, err := l.Accept(); err != nil {
			return err
		}
		_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		n, _ := c.Write(b)
		total += n
	}
	return nil
}

func loopbackDatagrams(sockets int) error {
	b := make([]byte, 8<<10)
	for range sockets {
		in, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return err
		}
		out, err := net.DialUDP("udp", nil, in.LocalAddr().(*net.UDPAddr))
		if err != nil {
			return err
		}
		for range 30 {
			_, _ = out.Write(b)
		}
		out.Close()
	}
	return nil
}

func messageQueues() error {
	message := struct {
		kind int64
		text [8 << 10]byte
	}{kind: 1}
	for range held >> 14 {
		id, _, errno := unix.Syscall(unix.SYS_MSGGET, unix.IPC_PRIVATE, unix.IPC_CREAT|0o600, 0)
		if errno != 0 {
			return errno
		}
		for range 2 {
			if _, _, errno := unix.Syscall6(unix.SYS_MSGSND, id, uintptr(unsafe.Pointer(&message)), 8<<10, unix.IPC_NOWAIT, 0, 0); errno != 0 {
				return errno
			}
		}
	}
	return nil
}

func fillPipes() error {
	b := make([]byte, 4<<10)
	for range 2000 {
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_NONBLOCK); errors.Is(err, syscall.EMFILE) {
			return nil
		} else if err != nil {
			return err
		}
		_, _ = unix.Write(p[1], b)
		_, _ = unix.Write(p[1], b)
	}
	return nil
}
