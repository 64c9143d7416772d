package capture

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds on what is read of the databases of package managers.
const (
	maxDatabase = 512 << 20 // bytes of one file
	maxRecords  = 64        // files that say what one package is
)

// owners finds the packages that own files.
type owners struct {
	wanted   map[string]string // path → ID of its package; "" while it is not known
	packages map[string]*Package
}

// findOwners returns whose the files are, as ID by path, and the packages.
func findOwners(files []string) (map[string]string, []Package) {
	o := &owners{wanted: map[string]string{}, packages: map[string]*Package{}}
	for _, f := range files {
		o.wanted[f] = ""
	}
	o.dpkg("/var/lib/dpkg")
	o.rpm(rpmFolders)
	o.python()
	o.conda()
	o.r()
	var all []Package
	for _, p := range o.packages {
		slices.Sort(p.Records)
		p.Records = slices.Compact(p.Records)
		if len(p.Records) > maxRecords {
			p.Records = p.Records[:maxRecords]
		}
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Package) int { return cmp.Compare(a.ID(), b.ID()) })
	return o.wanted, all
}

func (o *owners) own(name string, p Package) {
	if _, asked := o.wanted[name]; !asked {
		return
	}
	id := p.ID()
	if o.packages[id] == nil {
		o.packages[id] = &p
	}
	o.wanted[name] = id
}

// dpkg asks the database of Debian and its kin: whose files are whose stands
// in info/*.list.
func (o *owners) dpkg(db string) {
	known := openOwners(db, o.wanted)
	defer known.save()
	owns := o.listed(db, known)
	var installed map[string]Package
	for list, files := range owns {
		p, ok := known.packages[list]
		if !ok {
			if installed == nil {
				installed = dpkgStatus(db + "/status")
			}
			name, arch, _ := strings.Cut(strings.TrimSuffix(path.Base(list), ".list"), ":")
			if p, ok = installed[name+":"+arch]; !ok {
				if p, ok = installed[name]; !ok {
					continue
				}
			}
			known.learnPackage(list, p)
		}
		p.Where, p.Records = db, []string{list}
		if copyright := "/usr/share/doc/" + p.Name + "/copyright"; isFile(copyright) {
			p.Records = append(p.Records, copyright)
		}
		for _, f := range files {
			o.own(f, p)
		}
	}
}

// listed returns for each of dpkg's lists the wanted files that it has.
func (o *owners) listed(db string, known *knownOwners) map[string][]string {
	owns, others := map[string][]string{}, map[string]bool{}
	for name := range o.wanted {
		list, ok := known.lists[name]
		switch {
		case !ok:
			others[name] = true
		case list != "":
			owns[list] = append(owns[list], name)
		}
	}
	if len(others) == 0 {
		return owns
	}
	lists, _ := filepath.Glob(db + "/info/*.list")
	found := findLines(lists, asListed(others))
	for list, files := range found {
		for _, name := range files {
			known.learn(name, list)
			delete(others, name)
		}
		owns[list] = append(owns[list], files...)
	}
	for name := range others {
		known.learn(name, "")
	}
	return owns
}

// asListed maps what lists may call the wanted files to these: Debian lists
// /bin/sh, where /bin is a link by now.
func asListed(wanted map[string]bool) map[string]string {
	merged := map[string]string{}
	for _, name := range []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"} {
		if real, err := filepath.EvalSymlinks(name); err == nil && real != name {
			merged[name] = real
		}
	}
	listed := map[string]string{}
	for name := range wanted {
		listed[name] = name
		for link, real := range merged {
			if rest, ok := strings.CutPrefix(name, real+"/"); ok {
				listed[link+"/"+rest] = name
			}
		}
	}
	return listed
}

// findLines returns for each of the files what wanted has for its lines. The
// lists of a machine have hundreds of thousands of lines, so that most are told
// apart by their length and last byte.
func findLines(files []string, wanted map[string]string) map[string][]string {
	const longest = 512
	var ends [longest][256]bool
	for line := range wanted {
		if n := len(line); n > 0 && n < longest {
			ends[n][line[n-1]] = true
		}
	}
	found := map[string][]string{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil || len(b) > maxDatabase {
			continue
		}
		for len(b) > 0 {
			line := b
			if at := bytes.IndexByte(b, '\n'); at >= 0 {
				line, b = b[:at], b[at+1:]
			} else {
				b = nil
			}
			if n := len(line); n == 0 || n < longest && !ends[n][line[n-1]] {
				continue
			}
			if name, ok := wanted[string(line)]; ok {
				found[file] = append(found[file], name)
			}
		}
	}
	return found
}

// dpkgStatus reads the packages of a status file, by name and by name:arch.
func dpkgStatus(name string) map[string]Package {
	all := map[string]Package{}
	for _, paragraph := range bytes.Split(readSome(name, maxDatabase), []byte("\n\n")) {
		p := Package{Kind: "deb"}
		for line := range bytes.Lines(paragraph) {
			key, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(": "))
			switch string(key) {
			case "Package":
				p.Name = string(value)
			case "Version":
				p.Version = string(value)
			case "Architecture":
				p.Arch = string(value)
			}
		}
		if p.Name != "" && p.Version != "" {
			all[p.Name], all[p.Name+":"+p.Arch] = p, p
		}
	}
	return all
}

// below returns the folders of some names that files lie in, and these files.
func (o *owners) below(names ...string) map[string][]string {
	found := map[string][]string{}
	for f := range o.wanted {
		for _, name := range names {
			if at := strings.LastIndex(f, "/"+name+"/"); at >= 0 {
				dir := f[:at+len(name)+1]
				found[dir] = append(found[dir], f)
				break
			}
		}
	}
	return found
}

// conda asks the records of a prefix, one a package.
func (o *owners) conda() {
	prefixes := map[string][]string{}
	isPrefix := map[string]bool{}
	for f := range o.wanted {
		for dir := path.Dir(f); dir != "/"; dir = path.Dir(dir) {
			is, known := isPrefix[dir]
			if !known {
				info, err := os.Stat(dir + "/conda-meta")
				is = err == nil && info.IsDir()
				isPrefix[dir] = is
			}
			if is {
				prefixes[dir] = append(prefixes[dir], f)
				break
			}
		}
	}
	for prefix, files := range prefixes {
		metas, _ := filepath.Glob(globQuote(prefix) + "/conda-meta/*.json")
		for _, meta := range metas {
			p, owned := condaPackage(meta)
			if p.Name == "" {
				continue
			}
			p.Where, p.Records = prefix, []string{meta}
			for _, f := range files {
				if rel, _ := below(f, prefix); owned[rel] {
					o.own(f, p)
				}
			}
		}
	}
}

// r takes each folder with a DESCRIPTION that R wrote for a package.
func (o *owners) r() {
	cache := map[string]Package{}
	for f := range o.wanted {
		for dir := path.Dir(f); dir != "/"; dir = path.Dir(dir) {
			p, known := cache[dir]
			if !known {
				p, _ = rPackage(dir)
				cache[dir] = p
			}
			if p.Name != "" {
				if o.wanted[f] == "" {
					o.own(f, p)
				}
				break
			}
		}
	}
}

// rPackage reads the package that R installed in a folder.
func rPackage(dir string) (p Package, ok bool) {
	b := readSome(dir+"/DESCRIPTION", maxHeader)
	if field(b, "Package") == "" || field(b, "Built") == "" {
		return p, false
	}
	return Package{Kind: "cran", Name: field(b, "Package"), Version: field(b, "Version"), Where: path.Dir(dir), Records: []string{dir + "/DESCRIPTION"}}, true
}

const maxHeader = 4 << 20 // bytes of the description of one package

// field returns the first value of a field in the form that Python and R share
// with mail.
func field(b []byte, name string) string {
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte(name+":")); ok {
			return strings.TrimSpace(string(rest))
		}
		if name != "Built" && len(bytes.TrimSpace(line)) == 0 {
			break // the text of the description
		}
	}
	return ""
}

// readSome returns a file, or nothing if it cannot be read or is too large.
func readSome(name string, limit int64) []byte { return readInto(nil, name, limit) }

// readInto is readSome into the memory of buf, if that suffices.
func readInto(buf []byte, name string, limit int64) []byte {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > limit {
		return buf[:0]
	}
	f, err := os.Open(name)
	if err != nil {
		return buf[:0]
	}
	defer f.Close()
	buf = slices.Grow(buf[:0], int(info.Size()))[:info.Size()]
	n, _ := io.ReadFull(f, buf)
	return buf[:n]
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// globQuote escapes what filepath.Glob would take for a pattern.
func globQuote(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}
