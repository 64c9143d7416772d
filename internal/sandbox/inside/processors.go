//go:build linux && (amd64 || arm64)

package inside

import (
	"os"
	"slices"
	"strconv"
	"syscall"

	"repro/internal/sandbox/kernel"
)

// Bounds on how many are shown, and of how many more than the number.
const (
	maxProcessors = 4096
	maxTopology   = 256
)

// cpuList is where C libraries count processors: sysconf(3) in glibc and musl,
// and with it os.cpu_count of Python and Sys.CPU_THREADS of Julia. What is not
// there, programs ask the scheduler for.
const cpuList = "/sys/devices/system/cpu"

// showProcessors makes /sys and /proc/cpuinfo tell of n processors, so that a
// program which starts as many threads or workers as the machine has
// processors starts as many as it did for the author. It runs inside the new root.
func showProcessors(n int) error {
	if n == 0 {
		return nil
	}
	n = min(n, maxProcessors)
	fd, err := kernel.NewMount("tmpfs", kernel.MOUNT_ATTR_NOSUID|kernel.MOUNT_ATTR_NODEV|kernel.MOUNT_ATTR_NOEXEC, [][2]string{{"mode", "0755"}, {"size", "16m"}})
	if err != nil {
		return &stepError{"mount tmpfs", err}
	}
	if err := attachAt(fd, "/sys"); err != nil {
		return err
	}
	if err := fillProcessors(n); err != nil {
		return &stepError{"show processors", err}
	}
	return setReadOnly("/sys", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC)
}

func fillProcessors(n int) error {
	if err := os.MkdirAll(cpuList, 0o755); err != nil {
		return err
	}
	list := "0\n"
	if n > 1 {
		list = "0-" + strconv.Itoa(n-1) + "\n"
	}
	for _, name := range []string{"online", "possible", "present"} {
		if err := os.WriteFile(cpuList+"/"+name, []byte(list), 0o444); err != nil {
			return err
		}
	}
	for i := range min(n, maxTopology) {
		if err := fillTopology(i, n); err != nil {
			return err
		}
	}
	real, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return nil // not there, so it tells nothing
	}
	const shown = "/sys/cpuinfo"
	if err := os.WriteFile(shown, []byte(processorInfo(string(real), n)), 0o444); err != nil {
		return err
	}
	if err := syscall.Mount(shown, "/proc/cpuinfo", "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	return os.Remove(shown)
}

// fillTopology shows processor i of n as a core of its own in one package:
// hwloc, through which MPI and TBB count processors, looks there.
func fillTopology(i, n int) error {
	dir := cpuList + "/cpu" + strconv.Itoa(i) + "/topology"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"core_id": strconv.Itoa(i), "physical_package_id": "0",
		"thread_siblings": mask(i, i), "core_siblings": mask(0, n-1),
	} {
		if err := os.WriteFile(dir+"/"+name, []byte(text+"\n"), 0o444); err != nil {
			return err
		}
	}
	return nil
}

// mask is the processors from first to last as the kernel writes a set: words
// of 32 bits, hexadecimal, the highest first.
func mask(first, last int) (set string) {
	for w := last / 32; w >= 0; w-- {
		var bits uint64 = 1 << 32 // so that there are eight digits after the first
		for i := max(first, 32*w); i <= min(last, 32*w+31); i++ {
			bits |= 1 << (i - 32*w)
		}
		if set != "" {
			set += ","
		}
		set += strconv.FormatUint(bits, 16)[1:]
	}
	return set
}

// processorInfo is /proc/cpuinfo with n times the entry of the first processor.
func processorInfo(real string, n int) string {
	first := real
	for i := range real {
		if rest, ok := cutPrefix(real[i:], "\n\n"); ok {
			first = real[:len(real)-len(rest)-1]
			break
		}
	}
	if len(first) == len(real) {
		return real
	}
	var out []byte
	for i := range n {
		for line := range parts(first, '\n') {
			key, _, _ := cut(line, ':')
			switch words := fields(key); {
			case len(words) == 0:
			case isOne(words, "processor"), isOne(words, "core", "id"), isOne(words, "apicid"), isOne(words, "initial", "apicid"):
				line = key + ": " + strconv.Itoa(i)
			case isOne(words, "siblings"), isOne(words, "cpu", "cores"):
				line = key + ": " + strconv.Itoa(n)
			}
			out = append(append(out, line...), '\n')
		}
	}
	return string(out)
}

func isOne(words []string, want ...string) bool { return slices.Equal(words, want) }
