package sbom

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// dpkg reads the database of Debian and its kin: installed packages from
// status, or status.d as images without a shell keep it; whose files are
// whose from info/*.list; licences from each package's copyright file.
func (r *reader) dpkg() error {
	const db = "var/lib/dpkg"
	var files []string
	files = append(files, db+"/status")
	for name := range r.children(db + "/status.d") {
		if !strings.HasSuffix(name, ".md5sums") {
			files = append(files, db+"/status.d/"+name)
		}
	}
	slices.Sort(files)
	info := r.children(db + "/info")
	lists := map[string]bool{}
	for name, n := range info {
		if base, ok := strings.CutSuffix(name, ".list"); ok && n.Mode.IsRegular() {
			lists[base] = true
		}
	}
	for _, name := range files {
		b, err := r.file(name, MaxDatabase)
		if err != nil {
			return err
		}
		err = paragraphs(b, func(f map[string]string) error {
			if f["package"] == "" || f["status"] != "" && !strings.HasSuffix(f["status"], " installed") {
				return nil
			}
			if name == db+"/status" && len(lists) > 0 && !lists[f["package"]] && !lists[f["package"]+":"+f["architecture"]] {
				return nil // a captured run read the status of a machine of which the tree holds a part
			}
			source, _, _ := strings.Cut(f["source"], " ")
			licences, err := r.copyright(f["package"])
			if err != nil {
				return err
			}
			return r.add(Package{
				Kind: Deb, Name: f["package"], Version: f["version"], Arch: f["architecture"],
				Source: source, Licences: licences, Where: "/" + name,
			})
		})
		if err != nil {
			return err
		}
	}
	for base := range lists {
		b, err := content("/"+db+"/info/"+base+".list", info[base+".list"], MaxDatabase)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			r.own(strings.TrimRight(line, "\n"))
		}
	}
	for name := range info { // the database's own files are dpkg's
		r.own(db + "/info/" + name)
	}
	for name := range r.children(db) {
		r.own(db + "/" + name)
	}
	return nil
}

// copyright returns the licences that a package's copyright file names, if it
// is in the form for machines (DEP-5).
func (r *reader) copyright(name string) ([]string, error) {
	b, err := r.file(path.Join("usr/share/doc", name, "copyright"), MaxRecord)
	if err != nil || !bytes.HasPrefix(bytes.TrimSpace(b), []byte("Format:")) {
		return nil, err
	}
	var licences []string
	err = paragraphs(b, func(f map[string]string) error {
		short, _, _ := strings.Cut(f["license"], "\n")
		if short = strings.TrimSpace(short); short != "" && f["files"] != "" && !slices.Contains(licences, short) && len(licences) < maxLicences {
			licences = append(licences, short)
		}
		return nil
	})
	slices.Sort(licences)
	return licences, err
}

// apk reads the database of Alpine: one letter a field.
func (r *reader) apk() error {
	for _, name := range []string{"lib/apk/db/installed", "usr/lib/apk/db/installed"} {
		b, err := r.file(name, MaxDatabase)
		if err != nil {
			return err
		}
		if len(b) == 0 {
			continue
		}
		var p Package
		dir := ""
		flush := func() error {
			defer func() { p, dir = Package{}, "" }()
			if p.Name == "" {
				return nil
			}
			p.Kind, p.Where = APK, "/"+name
			return r.add(p)
		}
		for line := range strings.Lines(string(b)) {
			line = strings.TrimRight(line, "\n")
			key, value, _ := strings.Cut(line, ":")
			switch key {
			case "":
				if err := flush(); err != nil {
					return err
				}
			case "P":
				p.Name = value
			case "V":
				p.Version = value
			case "A":
				p.Arch = value
			case "o":
				p.Source = value
			case "L":
				if value != "" {
					p.Licences = []string{value}
				}
			case "F":
				dir = value
			case "R":
				r.own(path.Join(dir, value))
			}
		}
		if err := flush(); err != nil {
			return err
		}
		return nil // one is a link to the other, or the older place
	}
	return nil
}
