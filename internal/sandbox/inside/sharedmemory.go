//go:build linux && (amd64 || arm64)

package inside

import (
	"io"
	"os"
	"strconv"
	"syscall"
)

// pipeBytes is what a pipe counts for: what each may hold of a user who has
// many. The kernel lets the first thousand hold more, 64 MiB in all.
const pipeBytes = 8 << 10

// maxMappings is how many bytes of a process's list of mappings are read: as
// much as the most mappings that the kernel lets a process have take, about
// 65,530 of them (vm.max_map_count).
const maxMappings = 128 << 20

// sharedObjects are pieces of shared memory that no mounted filesystem holds:
// files of memfd_create(2), System V segments, and anonymous mappings that are
// shared.
type sharedObjects map[objectID]*sharedObject

// objectID tells them apart. Numbers of segments are given independently of
// those of other files.
type objectID struct {
	kind         string // of sharedKinds
	major, minor uint64 // of the device
	inode        uint64
}

type sharedObject struct {
	mapped int64 // shares of those who map it, added up
	size   int64 // of the pages that it has, where that can be seen
}

// Names of shared memory in /proc begin so and end in "(deleted)".
var sharedKinds = []string{memoryFile, segment, "/dev/zero"}

const (
	memoryFile = "/memfd:"
	segment    = "/SYSV"
)

func (o sharedObjects) at(id objectID) *sharedObject {
	if o[id] == nil {
		o[id] = new(sharedObject)
	}
	return o[id]
}

// bytes is what all of them take.
func (o sharedObjects) bytes() (sum int64) {
	for _, object := range o {
		sum += max(object.mapped, object.size)
	}
	return sum
}

// addProcess adds what a process maps of shared memory, and returns what it has
// besides that is backed by no file.
func (o sharedObjects) addProcess(p thread) (private int64) {
	rollup, err := os.ReadFile(p.dir + "/smaps_rollup")
	if err != nil {
		return statusOf(p).private // nothing may hide by making itself unreadable
	}
	private, ok := parseRollup(string(rollup))
	if !ok {
		private = statusOf(p).private // kernels before 5.15
	}
	f, err := os.Open(p.dir + "/smaps")
	if err != nil {
		return private
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, maxMappings))
	return private - o.addMappings(string(text))
}

// parseRollup adds up what one process has to itself: proc_pid_smaps(5). Each
// page is divided by the number of processes that share it. What is swapped out
// of shared memory is in it too.
func parseRollup(text string) (private int64, ok bool) {
	for line := range parts(text, '\n') {
		switch name, value, _ := cut(line, ':'); name {
		case "Pss_Anon":
			ok = true
			private += kibibytes(value)
		case "SwapPss", "Shared_Hugetlb", "Private_Hugetlb":
			private += kibibytes(value)
		}
	}
	return private, ok
}

// addMappings adds the shared memory among the mappings of a process, and
// returns how much of that is swapped out: proc_pid_smaps(5).
func (o sharedObjects) addMappings(text string) (swapped int64) {
	var current *sharedObject // whose lines these are; nil: not of shared memory
	for line := range parts(text, '\n') {
		name, value, _ := cut(line, ':')
		switch {
		case indexByte(name, ' ') >= 0: // the first line of a mapping
			current = nil
			if id, ok := sharedMapping(line); ok {
				current = o.at(id)
			}
		case current == nil:
		case name == "Pss":
			current.mapped += kibibytes(value)
		case name == "SwapPss":
			current.mapped += kibibytes(value)
			swapped += kibibytes(value)
		}
	}
	return swapped
}

// sharedMapping reads a line as of proc_pid_maps(5): addresses, permissions,
// offset, device, inode and name.
func sharedMapping(line string) (id objectID, ok bool) {
	const device, inode, name = 3, 4, 5
	words := fields(line)
	if len(words) <= name {
		return id, false
	}
	if id.kind, ok = sharedKind(words[name], words[len(words)-1]); !ok {
		return id, false
	}
	if id.kind == segment { // its number is enough, and all that is known of it elsewhere
		words[device] = "0:0"
	}
	major, minor, _ := cut(words[device], ':')
	var failed [3]error
	id.major, failed[0] = strconv.ParseUint(major, 16, 64)
	id.minor, failed[1] = strconv.ParseUint(minor, 16, 64)
	id.inode, failed[2] = strconv.ParseUint(words[inode], 10, 64)
	return id, failed == [3]error{}
}

// sharedKind looks at the first and the last word of a name in /proc.
func sharedKind(first, last string) (kind string, ok bool) {
	for _, kind := range sharedKinds {
		if _, ok := cutPrefix(first, kind); ok && last == "(deleted)" {
			return kind, true
		}
	}
	return "", false
}

// addOpen adds files in memory that processes have open, mapped or not, and
// counts the pipes among names, files of /proc/PID/fd.
func (o sharedObjects) addOpen(names []string) (pipes int64) {
	seen := map[string]bool{}
	b := make([]byte, 64)
	for _, name := range names {
		n, err := syscall.Readlink(name, b)
		if err != nil {
			continue
		}
		target := string(b[:n])
		if _, ok := cutPrefix(target, "pipe:"); ok {
			if !seen[target] {
				pipes++
			}
			seen[target] = true
		}
		// The end of a long name is cut off: none of another kind begins so.
		kind, ok := sharedKind(target, "(deleted)")
		var st syscall.Stat_t
		if ok && syscall.Stat(name, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG {
			object := o.at(objectID{kind, major(st.Dev), minor(st.Dev), st.Ino})
			object.size = max(object.size, st.Blocks*512)
		}
	}
	return pipes
}

// The halves of a device number, as makedev(3) puts them together.
func major(device uint64) uint64 { return device>>8&0xfff | device>>32&^0xfff }
func minor(device uint64) uint64 { return device&0xff | device>>12&0xffffff00 }

// addSegments adds System V segments, attached or not: the lines of
// proc_sysvipc_shm(5). Their number is that of their inode.
func (o sharedObjects) addSegments(text string) {
	const id, resident, swapped = 1, 14, 15
	for line := range parts(text, '\n') {
		words := fields(line)
		if len(words) <= swapped || words[id] == "shmid" {
			continue
		}
		inode, err := strconv.ParseUint(words[id], 10, 64)
		if err != nil {
			continue
		}
		o.at(objectID{kind: segment, inode: inode}).size = number64(words[resident]) + number64(words[swapped])
	}
}

// queuedBytes adds up the messages in System V queues: proc_sysvipc_msg(5).
func queuedBytes(text string) (sum int64) {
	const queued, messages = 3, 4
	const overhead = 64 // that the kernel has for each message
	for line := range parts(text, '\n') {
		if words := fields(line); len(words) > messages && words[queued] != "cbytes" {
			sum += number64(words[queued]) + overhead*number64(words[messages])
		}
	}
	return sum
}

func number64(word string) int64 {
	n, _ := strconv.ParseInt(word, 10, 64)
	return n
}
