package atomicfile

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"repro/internal/filestat"
)

// Who writes a file or folder that has no name yet holds a lock on it, so that
// others can tell what a program left that was killed. The hidden name says on
// which machine it was begun, and since which start of that: a lock is known to
// hold only there.
const (
	machineLength = 6
	randomLength  = 8
)

var hiddenName = regexp.MustCompile(`^\..+\.([A-Z2-7]{6})[A-Z2-7]{8}\.partial$`)

// strangeAge is how long nobody may have changed what was begun on another
// machine, or before this one was started, before it counts as left.
const strangeAge = 24 * time.Hour

// machine is the same in all programs on this machine until it is started again.
var machine = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		name, _ := os.Hostname()
		id = []byte(name)
	}
	sum := sha256.Sum256(id)
	return base32.StdEncoding.EncodeToString(sum[:])[:machineLength]
})

func hidden(base string) string {
	return "." + base + "." + machine() + rand.Text()[:randomLength] + ".partial"
}

// swept are the folders in which this process has looked.
var swept sync.Map

// sweepOnce removes from a folder what this user's programs left in it that do
// not run any more.
func sweepOnce(dir string) {
	if dir == "" {
		dir = "."
	}
	full, err := filepath.Abs(dir)
	if err != nil {
		return
	}
	if _, known := swept.LoadOrStore(full, true); !known {
		sweep(full, time.Now())
	}
}

func sweep(dir string, now time.Time) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		match := hiddenName.FindStringSubmatch(e.Name())
		if match == nil {
			continue
		}
		info, err := e.Info()
		if err != nil || !filestat.IsOurs(info) || info.Mode()&fs.ModeSymlink != 0 {
			continue
		}
		if match[1] != machine() && now.Sub(info.ModTime()) < strangeAge {
			continue
		}
		name := filepath.Join(dir, e.Name())
		if release, _ := hold(name); release != nil {
			_ = removeTree(name)
			release()
		}
	}
}
