//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// maxProcessors bounds how many are shown.
const maxProcessors = 4096

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
