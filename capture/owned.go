package capture

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"repro/internal/atomicfile"
	"repro/internal/filestat"
)

// knownOwners remembers from one capture to the next which of dpkg's lists has a
// file, and which package that is: reading all lists of a machine takes longer
// than many a command. It stands for one state of the database, told by its
// status file, which dpkg replaces whenever it does anything, and by the folder
// of the lists.
//
// Of the file, the first line says that state. Then come lines "LIST", "NAME",
// "VERSION", "ARCH" with tabs between them, an empty line, and lines "PATH",
// "LIST" in byte order.
type knownOwners struct {
	file     string             // where they are kept; empty: nowhere
	state    string             // of the database
	packages map[string]Package // by list
	lists    map[string]string  // path → list, of what was asked for; "" for a file of no package
	fresh    bool
}

// settledOwners is how old a change of the database must be; tests do not wait.
var settledOwners = settled

const (
	ownersMagic = "repro capture owners 2"
	maxOwned    = 200_000
)

// openOwners reads what is known of a database of dpkg and of the files that are
// asked for.
func openOwners(db string, asked map[string]string) *knownOwners {
	k := &knownOwners{packages: map[string]Package{}, lists: map[string]string{}, state: ownersMagic}
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
	k.each(func(list string, p Package) { k.packages[list] = p }, func(name, list string) {
		if _, is := asked[name]; is {
			k.lists[name] = list
		}
	})
	return k
}

// each reads the file, if it stands for this state of the database.
func (k *knownOwners) each(yieldPackage func(list string, p Package), yield func(name, list string)) {
	f, err := os.Open(k.file)
	if err != nil {
		return
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	if line, err := r.ReadString('\n'); err != nil || line != k.state+"\n" {
		return
	}
	packages := true
	for range maxOwned {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		text := strings.TrimSuffix(string(line), "\n")
		switch {
		case text == "":
			packages = false
		case packages:
			if f := strings.Split(text, "\t"); len(f) == 4 {
				yieldPackage(f[0], Package{Kind: "deb", Name: f[1], Version: f[2], Arch: f[3]})
			}
		default:
			if name, list, ok := strings.Cut(text, "\t"); ok {
				yield(name, list)
			}
		}
	}
}

// learn remembers for a file which list has it.
func (k *knownOwners) learn(name, list string) {
	if !strings.ContainsAny(name+list, "\t\n") && len(name+list) < 1<<12 {
		k.lists[name], k.fresh = list, true
	}
}

// learnPackage remembers which package a list is of.
func (k *knownOwners) learnPackage(list string, p Package) {
	if _, known := k.packages[list]; !known && !strings.ContainsAny(list+p.Name+p.Version+p.Arch, "\t\n") {
		k.packages[list], k.fresh = p, true
	}
}

// save keeps what was learnt. That it cannot be kept only costs time.
func (k *knownOwners) save() {
	if !k.fresh || k.file == "" || os.MkdirAll(filepath.Dir(k.file), 0o700) != nil {
		return
	}
	f, err := atomicfile.Create(k.file, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	w := bufio.NewWriter(f) // with which errors stay
	fmt.Fprintln(w, k.state)
	for _, list := range slices.Sorted(maps.Keys(k.packages)) {
		p := k.packages[list]
		fmt.Fprintln(w, strings.Join([]string{list, p.Name, p.Version, p.Arch}, "\t"))
	}
	fmt.Fprintln(w)
	k.merge(w)
	if w.Flush() == nil {
		_ = f.Commit()
	}
}

// merge writes what the file has of other files and what is known of those that
// were asked for.
func (k *knownOwners) merge(w io.Writer) {
	mine := slices.Sorted(maps.Keys(k.lists))
	write := func(name, list string) { fmt.Fprintf(w, "%s\t%s\n", name, list) }
	k.each(func(string, Package) {}, func(name, list string) {
		for len(mine) > 0 && mine[0] < name {
			write(mine[0], k.lists[mine[0]])
			mine = mine[1:]
		}
		if _, is := k.lists[name]; !is {
			write(name, list)
		}
	})
	for _, name := range mine {
		write(name, k.lists[name])
	}
}
