//go:build linux && (amd64 || arm64)

package inside

import (
	"encoding/binary"
	"os"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseStatus(t *testing.T) {
	got := parseStatus("Name:\tRssAnon: 7 kB\nFDSize:\t64\nVmSize:\t  300 kB\nRssAnon:\t  20 kB\nRssFile:\t 50 kB\nRssShmem:\t 60 kB\n" +
		"VmSwap:\t  3 kB\nHugetlbPages:\t 4 kB\nThreads:\t2\n")
	if want := (status{private: 27 << 10, mapped: 300 << 10, pipes: 2 * 64 * pipeBytes}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := parseStatus("Name:\tx\nState:\tZ (zombie)\nFDSize:\t0\nThreads:\t2\n"); got != (status{}) {
		t.Errorf("of a process whose first thread has ended: %+v", got)
	}
}

func TestParseShared(t *testing.T) {
	text := "MemTotal: 100 kB\nShmem:  30 kB\nShmemHugePages: 9 kB\nSwapTotal: 50 kB\nSwapFree: 45 kB\nHugetlb: 2 kB\n"
	if got := parseShared(text); got != 37<<10 {
		t.Errorf("%d", got)
	}
}

func TestParseRollup(t *testing.T) {
	private, ok := parseRollup("1-2 ---p 00000000 00:00 0 [rollup]\nRss: 900 kB\nPss: 800 kB\nPss_Anon: 10 kB\nPss_File: 500 kB\n" +
		"Pss_Shmem: 290 kB\nShared_Hugetlb: 1 kB\nPrivate_Hugetlb: 2 kB\nSwap: 70 kB\nSwapPss: 7 kB\n")
	if !ok || private != 20<<10 {
		t.Errorf("%d %v", private, ok)
	}
	if _, ok := parseRollup("Pss: 800 kB\nSwapPss: 7 kB\n"); ok {
		t.Error("an old kernel's answer was taken for a full one")
	}
}

// Of these mappings five are shared memory: three pieces, two of them mapped
// twice or more.
const someMappings = `55d0a000-55d0b000 r--p 00000000 fe:00 26 /memfd:no
Pss: 1000 kB
7f01-7f02 rw-s 00000000 00:01 22601                      /memfd:a b (deleted)
Size: 8 kB
Pss: 10 kB
SwapPss: 1 kB
7f02-7f03 rw-s 00000000 00:01 22601                      /memfd:a b (deleted)
Pss: 20 kB
7f03-7f04 rw-s 00000000 00:01 5                          /SYSV00000000 (deleted)
Pss: 40 kB
VmFlags: rd wr sh mr mw me ms sd
7f04-7f05 rw-s 00000000 00:02 5                          /SYSV00000000 (deleted)
Pss: 80 kB
7f05-7f06 rw-s 00000000 103:1f 5                         /dev/zero (deleted)
Pss: 160 kB
7f06-7f07 rw-p 00000000 00:00 0
Pss: 2000 kB
SwapPss: 3000 kB
7f07-7f08 rw-p 00000000 00:05 7                          /dev/zero
Pss: 4000 kB
`

func TestSharedObjects(t *testing.T) {
	o := sharedObjects{}
	if swapped := o.addMappings(someMappings); swapped != 1<<10 {
		t.Errorf("%d bytes are swapped out", swapped)
	}
	file := objectID{kind: memoryFile, minor: 1, inode: 22601}
	if len(o) != 3 || o.bytes() != 311<<10 || o[file].mapped != 31<<10 {
		t.Errorf("%d objects of %d bytes: %+v", len(o), o.bytes(), o[file])
	}
	if o[objectID{kind: "/dev/zero", major: 0x103, minor: 0x1f, inode: 5}] == nil {
		t.Error("device numbers are hexadecimal")
	}
	// What is seen of a piece in two ways counts once, and as the larger of both.
	o.at(file).size = 100 << 10
	header := "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n"
	o.addSegments(header +
		"         0          5  1666  9  1 1 0 0 0 0 0 0 0 0 1048576 4096\n" +
		"         0          6  1666  9  1 1 0 0 0 0 0 0 0 0 8192 0\n")
	if want := int64(100<<10 + 160<<10 + 1048576 + 4096 + 8192); o.bytes() != want {
		t.Errorf("%d bytes, want %d", o.bytes(), want)
	}
}

// TestAddOpen looks at what this process really has.
func TestAddOpen(t *testing.T) {
	fd, err := unix.MemfdCreate("a b", 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "memory")
	defer file.Close()
	if err := unix.Fallocate(fd, 0, 0, 1<<20); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	name := func(f *os.File) string { return "/proc/self/fd/" + string(itoa(int(f.Fd()))) }
	o := sharedObjects{}
	if pipes := o.addOpen([]string{name(file), name(file), name(r), name(w), "/proc/self/fd/4000"}); pipes != 1 {
		t.Errorf("%d pipes", pipes)
	}
	if len(o) != 1 || o.bytes() != 1<<20 {
		t.Errorf("%d objects of %d bytes", len(o), o.bytes())
	}
	b, err := unix.Mmap(fd, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(b) }()
	b[0] = 1
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	if o.addMappings(string(text)); len(o) != 1 || o.bytes() != 1<<20 {
		t.Errorf("mapped and open: %d objects of %d bytes", len(o), o.bytes())
	}
}

func itoa(n int) (b []byte) {
	for ; n > 0; n /= 10 {
		b = append(b, byte('0'+n%10))
	}
	slices.Reverse(b)
	return b
}

func TestQueuedBytes(t *testing.T) {
	header := "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n"
	if got := queuedBytes(header + "0 0 600 100 2 1 1 0 0 0 0 0 0 0\n0 1 600 1 1 1 1 0 0 0 0 0 0 0\n"); got != 101+3*64 {
		t.Errorf("%d", got)
	}
	if got := queuedBytes(header) + queuedBytes(""); got != 0 {
		t.Errorf("%d of none", got)
	}
}

// TestSocketBytes fills sockets of each kind and sees the kernel tell of it.
func TestSocketBytes(t *testing.T) {
	before := socketBytes()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	sent := 0
	for b := make([]byte, 32<<10); ; {
		n, err := unix.Write(pair[0], b)
		if err != nil {
			break
		}
		sent += n
	}
	if got := socketBytes() - before; sent == 0 || got < int64(sent) {
		t.Errorf("%d bytes more, of %d that wait", got, sent)
	}
}

// message is an answer of sock_diag with one attribute.
func diagMessage(kind uint16, fixed int, attribute uint16, values ...uint32) []byte {
	var value []byte
	for _, v := range values {
		value = binary.LittleEndian.AppendUint32(value, v)
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(syscall.NLMSG_HDRLEN+fixed+4+len(value)))
	b = binary.LittleEndian.AppendUint16(b, kind)
	b = append(b, make([]byte, syscall.NLMSG_HDRLEN-len(b)+fixed)...)
	b = binary.LittleEndian.AppendUint16(b, uint16(4+len(value)))
	b = binary.LittleEndian.AppendUint16(b, attribute)
	return append(b, value...)
}

func TestSocketAnswers(t *testing.T) {
	k := socketKind{fixed: 16, attribute: 5}
	full := diagMessage(sockDiagByFamily, 16, 5, 1, 100, 20, 100, 100, 10, 300, 4000)
	other := diagMessage(sockDiagByFamily, 16, 6, 1, 100, 20, 100, 100, 10, 300, 4000)
	short := diagMessage(sockDiagByFamily, 16, 5, 1, 100, 20)
	done := diagMessage(syscall.NLMSG_DONE, 0, 0)
	for _, tt := range []struct {
		name string
		b    []byte
		sum  int64
		last bool
	}{
		{"one", full, 4321, false}, // received, the larger of sending and queued, options, waiting
		{"two", append(slices.Clone(full), full...), 8642, false},
		{"another attribute", other, 0, false},
		{"too few numbers", short, 0, false},
		{"the end", append(slices.Clone(full), done...), 4321, true},
		{"cut off", full[:len(full)-1], 0, true},
		{"no length", make([]byte, 64), 0, true},
		{"nothing", nil, 0, false},
	} {
		if sum, last := k.answers(tt.b); sum != tt.sum || last != tt.last {
			t.Errorf("%s: %d %v, want %d %v", tt.name, sum, last, tt.sum, tt.last)
		}
	}
}

func FuzzSocketAnswers(f *testing.F) {
	f.Add(diagMessage(sockDiagByFamily, 16, 5, 1, 2, 3, 4, 5, 6, 7, 8))
	f.Fuzz(func(t *testing.T, b []byte) {
		if sum, _ := (socketKind{fixed: 16, attribute: 5}).answers(b); sum < 0 {
			t.Error(sum)
		}
	})
}

// TestProcesses finds this process and its threads.
func TestProcesses(t *testing.T) {
	self := os.Getpid()
	at := slices.IndexFunc(processes(), func(p thread) bool { return p.id == self })
	if at < 0 {
		t.Fatal("this process is not there")
	}
	if s := statusOf(processes()[at]); s.private == 0 || s.mapped <= s.private || s.pipes == 0 {
		t.Errorf("%+v", s)
	}
	one := thread{self, "/proc/self"}
	if got := distinct([]thread{one, one}); len(got) != 1 {
		t.Errorf("twice the same process counts %d times", len(got))
	}
	if parent := (thread{os.Getppid(), "/proc/self"}); len(distinct([]thread{one, parent})) != 2 {
		t.Error("two processes that look alike count as one")
	}
	o := sharedObjects{}
	if got := o.addProcess(one); got <= 0 {
		t.Errorf("this process holds %d bytes", got)
	}
	if got := o.addProcess(thread{1 << 30, "/proc/none"}); got != 0 {
		t.Errorf("no process holds %d bytes", got)
	}
}
