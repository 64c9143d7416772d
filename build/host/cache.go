package host

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"maps"
	"slices"

	"repro/format/tree"
)

// dynamicallyOpened are libraries that glibc opens by name: for
// pthread_cancel, and for passwd and group files.
var dynamicallyOpened = []string{"libgcc_s.so.1", "libnss_files.so.2"}

// localeFolders hold the one locale that steps run in.
var localeFolders = []string{"/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8"}

// finish adds what glibc opens by name, as far as the machine has it, and the
// loader's cache. musl has neither.
func (g *gatherer) finish() error {
	if g.libs == nil || g.libs.musl || g.system["libc.so.6"] == "" {
		return nil
	}
	libc := &loaded{object: &object{arch: g.arch}, found: g.system["libc.so.6"]}
	for _, name := range dynamicallyOpened {
		if l, err := g.find(name, libc); err == nil {
			_ = g.load(l)
		}
	}
	for _, dir := range localeFolders {
		if _, info, err := g.m.resolve(dir, nil); err == nil && info.IsDir() {
			if err := g.named(dir); err != nil {
				return err
			}
		}
	}
	return g.root.Put("/etc/ld.so.cache", tree.NewFile(0o644, loaderCache(g.system, g.arch)))
}

// cacheFlags say in the loader's cache which architecture and ABI a library
// is for (glibc: sysdeps/generic/ldconfig.h).
var cacheFlags = map[string]uint32{
	"amd64": 0x0303, "386": 0x0003, "arm64": 0x0a03, "arm": 0x0903,
	"riscv64": 0x1003, "ppc64le": 0x0503, "ppc64": 0x0503, "s390x": 0x0403, "loong64": 0x1203,
}

// loaderCache returns an ld.so.cache (glibc 2.2 and later, format
// "glibc-ld.so.cache1.1") for the libraries, name → path. Without one, the
// loader would not find libraries that lie in folders which only the building
// machine's ld.so.conf names.
func loaderCache(libs map[string]string, a arch) []byte {
	const magic = "glibc-ld.so.cache1.1"
	const headerSize, entrySize = len(magic) + 4 + 4 + 4 + 4 + 12, 4 + 4 + 4 + 4 + 8
	names := slices.SortedFunc(maps.Keys(libs), func(a, b string) int { return compareNames(b, a) })
	var order binary.AppendByteOrder = binary.LittleEndian
	endian := byte(2)
	if a.data == elf.ELFDATA2MSB {
		order, endian = binary.BigEndian, 3
	}
	var entries, text []byte
	add := func(s string) {
		at := headerSize + len(names)*entrySize + len(text)
		entries = order.AppendUint32(entries, uint32(at))
		text = append(append(text, s...), 0)
	}
	for _, name := range names {
		entries = order.AppendUint32(entries, cacheFlags[a.goarch()])
		add(name)
		add(libs[name])
		entries = append(entries, make([]byte, 4+8)...) // any OS version, no hardware capabilities
	}
	out := order.AppendUint32([]byte(magic), uint32(len(names)))
	out = order.AppendUint32(out, uint32(len(text)))
	out = append(out, endian, 0, 0, 0)
	out = append(out, make([]byte, 4+12)...) // no extensions; unused
	return slices.Concat(out, entries, text)
}

// compareNames orders library names as the loader's binary search does: runs
// of digits count as numbers (glibc: _dl_cache_libcmp).
func compareNames(a, b string) int {
	digit := func(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }
	for a != "" {
		switch {
		case digit(a) && digit(b):
			var x, y uint64
			for ; digit(a); a = a[1:] {
				x = x*10 + uint64(a[0]-'0')
			}
			for ; digit(b); b = b[1:] {
				y = y*10 + uint64(b[0]-'0')
			}
			if c := cmp.Compare(x, y); c != 0 {
				return c
			}
		case digit(a):
			return 1
		case digit(b):
			return -1
		case b == "" || a[0] != b[0]:
			if b == "" {
				return 1
			}
			return cmp.Compare(a[0], b[0])
		default:
			a, b = a[1:], b[1:]
		}
	}
	if b == "" {
		return 0
	}
	return -1
}
