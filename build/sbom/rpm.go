package sbom

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"path"

	"repro/format/tree"
)

// rpmDatabases are the forms of rpm's database, the newest first: how the file
// is called, and what yields the header of each package in it.
var rpmDatabases = []struct {
	name    string
	headers func(b []byte, yield func([]byte) error) error
}{
	{"rpmdb.sqlite", sqliteHeaders},
	{"Packages.db", ndbHeaders},
	{"Packages", bdbHeaders},
}

// rpm reads the database of Fedora, RHEL, openSUSE and their kin: one header a
// package, in one of three kinds of file. rpm itself uses one of them; others
// that lie beside it are left over and said to be unread.
func (r *reader) rpm() error {
	found := map[*tree.Node]bool{}
	for _, dir := range []string{"usr/lib/sysimage/rpm", "var/lib/rpm"} { // one is mostly a link to the other
		for _, db := range rpmDatabases {
			name := path.Join(dir, db.name)
			_, n, err := r.root.Resolve(name, true)
			if err != nil || n == nil || !n.Mode.IsRegular() || n.Size == 0 || found[n] {
				continue
			}
			if found[n] = true; len(found) > 1 {
				r.unread("/%s: rpm has a newer database beside it", name)
				continue
			}
			b, err := content(name, n, MaxDatabase)
			if err != nil {
				return err
			}
			if err := db.headers(b, func(header []byte) error { return r.rpmHeader("/"+name, header) }); err != nil {
				return fmt.Errorf("/%s: %w", name, err)
			}
			r.own(name)
		}
	}
	return nil
}

func sqliteHeaders(b []byte, yield func([]byte) error) error {
	db, err := openSQLite(b)
	if err != nil {
		return err
	}
	return db.rows("Packages", func(columns [][]byte) error {
		if len(columns) < 2 {
			return errDatabase
		}
		return yield(columns[1])
	})
}

var errDatabase = errors.New("damaged database")

// Tags of rpm headers.
const (
	rpmName       = 1000
	rpmVersion    = 1001
	rpmRelease    = 1002
	rpmEpoch      = 1003
	rpmLicence    = 1014
	rpmArch       = 1022
	rpmSource     = 1044
	rpmDirIndexes = 1116
	rpmBaseNames  = 1117
	rpmDirNames   = 1118
)

// rpmTags is a header (rpm's docs, format_header.md): numbers of entries and of
// bytes of data, the index with 16 bytes an entry, the data.
type rpmTags struct {
	entries map[uint32][3]uint32 // tag → type, offset, count
	data    []byte
}

func parseHeader(b []byte) (*rpmTags, error) {
	if len(b) < 8 {
		return nil, errDatabase
	}
	n, size := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	b = b[8:]
	if uint64(n)*16+uint64(size) > uint64(len(b)) {
		return nil, errDatabase
	}
	h := &rpmTags{entries: map[uint32][3]uint32{}, data: b[16*n:][:size]}
	for i := range n {
		e := b[16*i:]
		h.entries[binary.BigEndian.Uint32(e)] = [3]uint32{binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[8:]), binary.BigEndian.Uint32(e[12:])}
	}
	return h, nil
}

// texts returns the strings of a tag.
func (h *rpmTags) texts(tag uint32) []string {
	e, ok := h.entries[tag]
	if !ok || e[1] > uint32(len(h.data)) || e[2] > uint32(len(h.data)) {
		return nil
	}
	rest := h.data[e[1]:]
	var all []string
	for range e[2] {
		end := bytes.IndexByte(rest, 0)
		if end < 0 {
			return all
		}
		all, rest = append(all, string(rest[:end])), rest[end+1:]
	}
	return all
}

func (h *rpmTags) text(tag uint32) string {
	if e, ok := h.entries[tag]; ok {
		h.entries[tag] = [3]uint32{e[0], e[1], min(e[2], 1)}
	}
	if all := h.texts(tag); len(all) > 0 {
		return all[0]
	}
	return ""
}

// numbers returns the 32-bit numbers of a tag.
func (h *rpmTags) numbers(tag uint32) []uint32 {
	e, ok := h.entries[tag]
	if !ok || uint64(e[1])+4*uint64(e[2]) > uint64(len(h.data)) {
		return nil
	}
	all := make([]uint32, e[2])
	for i := range all {
		all[i] = binary.BigEndian.Uint32(h.data[int(e[1])+4*i:])
	}
	return all
}

func (r *reader) rpmHeader(where string, b []byte) error {
	p, files, err := parsePackage(b)
	if err != nil || p.Name == "" {
		return err
	}
	for _, name := range files {
		r.own(name)
	}
	p.Where = where
	return r.add(p)
}

// parsePackage reads a header: what the package is, and the files that it has. The
// name is empty for a key that rpm keeps among the packages.
func parsePackage(b []byte) (p Package, files []string, err error) {
	h, err := parseHeader(b)
	if err != nil {
		return p, nil, err
	}
	p = Package{Kind: RPM, Name: h.text(rpmName), Version: h.text(rpmVersion), Arch: h.text(rpmArch), Source: h.text(rpmSource)}
	if p.Name == "gpg-pubkey" {
		return Package{}, nil, nil
	}
	if release := h.text(rpmRelease); release != "" {
		p.Version += "-" + release
	}
	if epoch := h.numbers(rpmEpoch); len(epoch) > 0 && epoch[0] > 0 {
		p.Version = fmt.Sprintf("%d:%s", epoch[0], p.Version)
	}
	if l := h.text(rpmLicence); l != "" {
		p.Licences = []string{l}
	}
	dirs, indexes := h.texts(rpmDirNames), h.numbers(rpmDirIndexes)
	for i, base := range h.texts(rpmBaseNames) {
		if i < len(indexes) && int(indexes[i]) < len(dirs) {
			files = append(files, dirs[indexes[i]]+base)
		}
	}
	return p, files, nil
}

// RPMDatabases are the names of the files that rpm keeps its database in, the
// newest form first.
func RPMDatabases() (names []string) {
	for _, db := range rpmDatabases {
		names = append(names, db.name)
	}
	return names
}

// RPMPackages yields the packages in a file of rpm's database, with the files that
// they have and the header that says so. The name, one of [RPMDatabases], tells the
// form.
func RPMPackages(name string, b []byte, yield func(p Package, files []string, header []byte)) error {
	for _, db := range rpmDatabases {
		if db.name != name {
			continue
		}
		return db.headers(b, func(header []byte) error {
			p, files, err := parsePackage(header)
			if err == nil && p.Name != "" {
				yield(p, files, header)
			}
			return err
		})
	}
	return fmt.Errorf("%s: no database of rpm is called so", name)
}
