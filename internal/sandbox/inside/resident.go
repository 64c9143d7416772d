//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"strconv"
	"syscall"

	"repro/internal/sandbox/kernel"
)

// thread is a thread of a process, by its number and its directory in /proc.
type thread struct {
	id  int
	dir string
}

// processes are all processes but process 1: of each a thread that has its
// memory, which the first one has not any more if it has ended before others.
func processes() (found []thread) {
	for _, pid := range numbersIn("/proc") {
		if pid == 1 {
			continue
		}
		p := thread{pid, "/proc/" + strconv.Itoa(pid)}
		if statusOf(p).mapped == 0 {
			for _, t := range threadsOf(pid) {
				if statusOf(t).mapped > 0 {
					p = t
					break
				}
			}
		}
		found = append(found, p)
	}
	return found
}

func threadsOf(pid int) (found []thread) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	for _, id := range numbersIn(dir) {
		found = append(found, thread{id, dir + "/" + strconv.Itoa(id)})
	}
	return found
}

// numbersIn are the entries of a directory that are numbers.
func numbersIn(name string) (numbers []int) {
	dir, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1) // it may end meanwhile
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// openFiles are the names that /proc has for all that is open in the sandbox.
// Threads may have descriptors that the rest of their process has not.
func openFiles() (names []string) {
	for _, pid := range numbersIn("/proc") {
		for _, t := range threadsOf(pid) {
			if t.id != pid && kernel.SameFiles(t.id, pid) {
				continue
			}
			dir := t.dir + "/fd/"
			for _, fd := range numbersIn(dir) {
				names = append(names, dir+strconv.Itoa(fd))
			}
		}
	}
	return names
}

// status is what the kernel says of the memory of a process, in bytes.
type status struct {
	private int64 // resident or swapped, and backed by no file and no shared memory
	mapped  int64 // addresses in use
	pipes   int64 // what all pipes held that there could be in its tables of descriptors
}

// statusOf reads proc_pid_status(5), which anybody may.
func statusOf(t thread) status {
	b, err := os.ReadFile(t.dir + "/status")
	if err != nil {
		return status{}
	}
	return parseStatus(string(b))
}

func parseStatus(text string) (s status) {
	var threads, descriptors int64
	for line := range parts(text, '\n') {
		name, value, _ := cut(line, ':')
		switch name {
		case "RssAnon", "VmSwap", "HugetlbPages":
			s.private += kibibytes(value)
		case "VmSize":
			s.mapped = kibibytes(value)
		case "Threads":
			threads = number64(firstWord(value))
		case "FDSize":
			descriptors = number64(firstWord(value))
		}
	}
	s.pipes = threads * descriptors * pipeBytes // each thread may have a table of its own
	return s
}

// kibibytes are the bytes that a value such as " 12 kB" stands for.
func kibibytes(value string) int64 { return number64(firstWord(value)) << 10 }

// firstWord is the first word of a value.
func firstWord(value string) string {
	for _, word := range fields(value) {
		return word
	}
	return ""
}

// distinct leaves one of those processes that share all their memory, as parent
// and child do between vfork and execve. Such have equally many addresses.
func distinct(all []thread) (out []thread) {
	known := map[int64][]int{}
	for _, p := range all {
		size := statusOf(p).mapped
		shares := false
		for _, other := range known[size] {
			shares = shares || kernel.SameMemory(p.id, other)
		}
		if !shares {
			known[size] = append(known[size], p.id)
			out = append(out, p)
		}
	}
	return out
}

// machineShared is the shared memory of the whole machine, proc_meminfo(5).
func machineShared() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	return parseShared(string(b))
}

func parseShared(text string) (sum int64) {
	var swap int64 // where shared memory may be, too
	for line := range parts(text, '\n') {
		switch name, value, _ := cut(line, ':'); name {
		case "Shmem", "Hugetlb":
			sum += kibibytes(value)
		case "SwapTotal":
			swap += kibibytes(value)
		case "SwapFree":
			swap -= kibibytes(value)
		}
	}
	return sum + swap
}

// content reads a file of the kernel's again from its beginning.
func content(fd int) string {
	if fd < 0 {
		return ""
	}
	var text []byte
	b := make([]byte, 32<<10)
	for {
		n, err := syscall.Pread(fd, b, int64(len(text)))
		if n <= 0 || err != nil {
			return string(text)
		}
		text = append(text, b[:n]...)
	}
}
