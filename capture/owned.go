package capture

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"repro/internal/atomicfile"
	"repro/internal/filestat"
)

// knownOwners remembers from one capture to the next which of dpkg's lists has a
// file: reading all lists of a machine takes longer than many a command. It
// stands for one state of the database, told by its status file, which dpkg
// replaces whenever it does anything, and by the folder of the lists.
type knownOwners struct {
	file  string            // where they are kept; empty: nowhere
	state string            // of the database, as the first line of the file
	lists map[string]string // path → list; "" for a file of no package
	fresh bool
}

// settledOwners is how old a change of the database must be; tests do not wait.
var settledOwners = settled

const (
	ownersMagic = "repro capture owners 1"
	maxOwned    = 200_000
	maxOwners   = 64 << 20 // bytes
)

// openOwners reads what is known of a database of dpkg.
func openOwners(db string) *knownOwners {
	k := &knownOwners{lists: map[string]string{}}
	k.state = ownersMagic
	newest := int64(0)
	for _, name := range []string{db + "/status", db + "/info"} {
		info, err := os.Stat(name)
		if err != nil {
			return k
		}
		inode, modified, changed := filestat.Stamp(info)
		k.state += fmt.Sprintf(" %q %d %d %d %d", name, inode, info.Size(), modified, changed)
		newest = max(newest, modified, changed)
	}
	dir, err := os.UserCacheDir()
	if err != nil || newest == 0 || time.Now().UnixNano()-newest < int64(settledOwners) {
		return k // it may change again within what its clock tells apart
	}
	k.file = filepath.Join(dir, "repro", "capture-owners")
	head, rest, _ := bytes.Cut(readSome(k.file, maxOwners), []byte("\n"))
	if string(head) != k.state {
		return k
	}
	for line := range strings.Lines(string(rest)) {
		if name, list, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			k.lists[name] = list
		}
	}
	return k
}

// learn remembers for each file which list has it.
func (k *knownOwners) learn(name, list string) {
	if len(k.lists) < maxOwned && !strings.ContainsAny(name+list, "\t\n") {
		k.lists[name], k.fresh = list, true
	}
}

// save keeps what was learnt. That it cannot be kept only costs time.
func (k *knownOwners) save() {
	if !k.fresh || k.file == "" {
		return
	}
	var b bytes.Buffer
	b.WriteString(k.state + "\n")
	for name, list := range k.lists {
		b.WriteString(name + "\t" + list + "\n")
	}
	if os.MkdirAll(filepath.Dir(k.file), 0o700) == nil {
		_ = atomicfile.Write(k.file, b.Bytes(), 0o600)
	}
}
