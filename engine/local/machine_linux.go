package local

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// cpuModel is the processor's name as Linux gives it.
func cpuModel() string {
	for _, key := range []string{"model name", "Model", "CPU part"} {
		if v := firstField("/proc/cpuinfo", key); v != "" {
			return v
		}
	}
	return ""
}

// memorySize is the machine's memory in bytes.
func memorySize() int64 {
	kib, _ := strconv.ParseInt(strings.TrimSuffix(firstField("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	return kib << 10
}

func kernelVersion() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return "Linux " + strings.TrimSpace(string(b))
}

// firstField returns the value of the first line "key : value" of a file.
func firstField(file, key string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// scratchKind is what a scratch directory lies on: "memory" or "disk".
func scratchKind(dir string) string {
	const tmpfs, ramfs = 0x01021994, 0x858458f6 // linux/magic.h
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) == nil && (int64(st.Type) == tmpfs || int64(st.Type) == ramfs) {
		return "memory"
	}
	return "disk"
}
