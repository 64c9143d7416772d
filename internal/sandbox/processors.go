//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
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
	fd, err := newMount("tmpfs", unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC, [][2]string{{"mode", "0755"}, {"size", "16m"}})
	if err != nil {
		return &stepError{"mount tmpfs", err}
	}
	if err := attachAt(fd, "/sys"); err != nil {
		return err
	}
	if err := fillProcessors(n); err != nil {
		return &stepError{"show processors", err}
	}
	return setReadOnly("/sys", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC)
}

func fillProcessors(n int) error {
	if err := os.MkdirAll(cpuList, 0o755); err != nil {
		return err
	}
	list := "0\n"
	if n > 1 {
		list = fmt.Sprintf("0-%d\n", n-1)
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
	if err := os.WriteFile(shown, processorInfo(real, n), 0o444); err != nil {
		return err
	}
	if err := unix.Mount(shown, "/proc/cpuinfo", "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return os.Remove(shown)
}

// fillTopology shows processor i of n as a core of its own in one package:
// hwloc, through which MPI and TBB count processors, looks there.
func fillTopology(i, n int) error {
	dir := fmt.Sprintf("%s/cpu%d/topology", cpuList, i)
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
func mask(first, last int) string {
	words := make([]string, 0, last/32+1)
	for w := last / 32; w >= 0; w-- {
		var bits uint32
		for i := max(first, 32*w); i <= min(last, 32*w+31); i++ {
			bits |= 1 << (i - 32*w)
		}
		words = append(words, fmt.Sprintf("%08x", bits))
	}
	return strings.Join(words, ",")
}

// processorInfo is /proc/cpuinfo with n times the entry of the first processor.
func processorInfo(real []byte, n int) []byte {
	end := bytes.Index(real, []byte("\n\n"))
	if end < 0 {
		return real
	}
	first := real[:end+1]
	var out bytes.Buffer
	for i := range n {
		for line := range bytes.Lines(first) {
			key, _, _ := bytes.Cut(line, []byte(":"))
			switch string(bytes.TrimSpace(key)) {
			case "processor", "core id", "apicid", "initial apicid":
				fmt.Fprintf(&out, "%s: %d\n", key, i)
			case "siblings", "cpu cores":
				fmt.Fprintf(&out, "%s: %d\n", key, n)
			default:
				out.Write(line)
			}
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}
