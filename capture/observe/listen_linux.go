//go:build linux && (amd64 || arm64)

package observe

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Structures and requests of seccomp_unotify(2).
type notification struct {
	id         uint64
	pid, flags uint32
	call       int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

const (
	notifReceive  = 0xc0502100
	notifSend     = 0xc0182101
	notifContinue = 1
)

// listener answers the system calls that a filter reports.
type listener struct {
	*desk
	file    *os.File
	started time.Time
	trace   *trace // files, with Calls; nil with View
	view    *view  // with View

	programs []Program
	contacts []Contact
	known    map[[2]string]bool // contacts
	runnable map[string]bool    // paths of this machine at which there is a program, with View: it does not change
	running  map[int]process
}

// process is what a process runs.
type process struct {
	began   uint64
	program int
	seen    time.Duration // when that was last known to be the process of this number
}

// tick is what the kernel tells the beginnings of processes apart by, and as
// long a process that was seen is taken for itself: its number is not given away
// and taken again by another in that time, as numbers go round.
const tick = 10 * time.Millisecond

func newListener(fd int, trace *trace, view *view) *listener {
	_ = unix.SetNonblock(fd, true) // so that Go's poller takes it
	return &listener{desk: newDesk(), file: os.NewFile(uintptr(fd), "seccomp"), started: time.Now(), trace: trace, view: view, known: map[[2]string]bool{}, runnable: map[string]bool{}, running: map[int]process{}}
}

// serve answers until no process is left under the filter, or the file is
// closed. The descriptor waits in Go's poller, which costs less than a thread
// that waits in the call; of what is then there to be received, the call gives
// one without waiting, for nobody else receives.
func (l *listener) serve() {
	conn, err := l.file.SyscallConn()
	if err != nil {
		return
	}
	for over := false; !over; {
		err := conn.Read(func(fd uintptr) bool {
			l.poll = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
			_, _ = quick(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&l.poll)), 1, uintptr(unsafe.Pointer(&l.now)), 0, 0, 0)
			if l.poll.Revents&unix.POLLIN == 0 {
				over = l.poll.Revents != 0
				return over
			}
			l.answer(fd)
			return true
		})
		over = over || err != nil
	}
}

// answer receives one call and has it go on.
func (l *listener) answer(fd uintptr) {
	l.asked = notification{} // as the kernel wants it
	if _, errno := quick(unix.SYS_IOCTL, fd, notifReceive, uintptr(unsafe.Pointer(&l.asked)), 0, 0, 0); errno != 0 {
		return // a target that was killed meanwhile, or a signal
	}
	commit := l.handle(&l.asked)
	l.desk.answer = response{id: l.asked.id, flags: notifContinue}
	_, errno := quick(unix.SYS_IOCTL, fd, notifSend, uintptr(unsafe.Pointer(&l.desk.answer)), 0, 0, 0)
	if errno == 0 && commit != nil {
		commit()
	}
}

// handle looks at a call before it is made. What it returns notes the call,
// and is dropped if nobody waits for the answer any more: then what was read
// may be another process's.
func (l *listener) handle(n *notification) (commit func()) {
	for i := range abis {
		a := &abis[i]
		if a.arch != n.arch {
			continue
		}
		t := target{desk: l.desk, pid: int(n.pid), word: a.word}
		switch nr := uint32(n.call); {
		case nr == a.execve:
			return l.exec(t, unix.AT_FDCWD, n.args[0], n.args[1])
		case nr == a.execveat:
			return l.exec(t, int32(n.args[0]), n.args[1], n.args[2])
		case nr == a.connect:
			return l.contact(t, n.args[1], n.args[2])
		case nr == a.sendto:
			return l.contact(t, n.args[4], n.args[5])
		case a.socketcall != 0 && nr == a.socketcall:
			return l.socketcall(t, n.args[0], n.args[1])
		case l.trace != nil:
			if c, ok := a.files[nr]; ok {
				return l.trace.handle(t, c, n.args)
			}
		case l.view != nil:
			if c, ok := a.files[nr]; ok && c.does == opens {
				if name, ok := t.argument(c.dir, c.path, n.args); ok {
					l.view.update(name)
				}
			}
		}
	}
	return nil
}

func (l *listener) exec(t target, dirfd int32, nameAt, argsAt uint64) func() {
	name, _ := t.textAt(nameAt)
	full, _ := t.place(dirfd, name)
	if full == "" || !l.canExecute(t, full) { // as where PATH is searched by trying
		return nil
	}
	p := Program{Path: full, Args: t.textsAt(argsAt), Start: time.Since(l.started)}
	p.Dir, _ = t.place(unix.AT_FDCWD, "")
	pid := group(t.pid)
	ppid, began, _ := l.parent(pid)
	var noteFile func()
	if l.trace != nil {
		noteFile = l.trace.executed(t, full)
	}
	p.Parent = l.parentOf(pid, ppid, began) // now: once it may go on, it may end
	p.Path = path.Clean(p.Path)
	return func() {
		if noteFile != nil {
			noteFile()
		}
		l.running[pid] = process{began, len(l.programs), p.Start}
		l.programs = append(l.programs, p)
	}
}

// parentOf returns the program that the process ran before, or that of the
// nearest process above that ran one.
func (l *listener) parentOf(pid, ppid int, began uint64) int {
	if p, ok := l.running[pid]; ok && p.began == began {
		return p.program
	}
	now := time.Since(l.started)
	for range 64 {
		p, known := l.running[ppid]
		if known && now-p.seen < tick {
			return p.program
		}
		up, began, ok := l.parent(ppid)
		if !ok {
			break
		}
		if known && p.began == began {
			p.seen = now
			l.running[ppid] = p
			return p.program
		}
		ppid = up
	}
	return -1
}

func (l *listener) canExecute(t target, name string) bool {
	if l.runnable[name] {
		return true
	}
	can, here := t.finds(name)
	if can && here && l.view != nil {
		l.runnable[name] = true
	}
	return can
}

// socketcall is how 32-bit programs on x86 used sockets before Linux 4.3.
func (l *listener) socketcall(t target, which, argsAt uint64) func() {
	const connect, sendto = 3, 11 // linux/net.h
	raw := t.bytes(argsAt, t.words[:6*t.word])
	arg := func(i int) uint64 {
		if len(raw) < (i+1)*t.word {
			return 0
		}
		return t.number(raw[i*t.word:])
	}
	switch which {
	case connect:
		return l.contact(t, arg(1), arg(2))
	case sendto:
		return l.contact(t, arg(4), arg(5))
	}
	return nil
}

// contact notes the address at which a socket is to be connected.
func (l *listener) contact(t target, at, size uint64) func() {
	raw := t.bytes(at, t.short[:min(size, 128)])
	if len(raw) < 2 {
		return nil
	}
	var c Contact
	switch binary.NativeEndian.Uint16(raw) {
	case unix.AF_INET:
		if len(raw) < 8 {
			return nil
		}
		c = Contact{Kind: "ip", Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), binary.BigEndian.Uint16(raw[2:])).String()}
	case unix.AF_INET6:
		if len(raw) < 24 {
			return nil
		}
		c = Contact{Kind: "ip", Address: netip.AddrPortFrom(netip.AddrFrom16([16]byte(raw[8:24])).Unmap(), binary.BigEndian.Uint16(raw[2:])).String()}
	case unix.AF_UNIX:
		c = Contact{Kind: "unix", Address: unixAddress(raw[2:])}
	case unix.AF_UNSPEC, unix.AF_NETLINK:
		return nil // takes a connection back; talks to the kernel
	default:
		c = Contact{Kind: "other", Address: "family " + strconv.Itoa(int(binary.NativeEndian.Uint16(raw)))}
	}
	if c.Address == "" || l.known[[2]string{c.Kind, c.Address}] {
		return nil
	}
	pid := group(t.pid)
	ppid, began, _ := l.parent(pid)
	c.Program = l.parentOf(pid, ppid, began)
	return func() {
		l.known[[2]string{c.Kind, c.Address}] = true
		l.contacts = append(l.contacts, c)
	}
}

// unixAddress is a path, or the name of an abstract socket behind an "@".
func unixAddress(raw []byte) string {
	abstract := len(raw) > 0 && raw[0] == 0
	if abstract {
		raw = raw[1:]
	}
	for i, b := range raw {
		if b == 0 {
			raw = raw[:i]
			break
		}
	}
	if len(raw) == 0 {
		return ""
	}
	if abstract {
		return fmt.Sprintf("@%s", raw)
	}
	return string(raw)
}
