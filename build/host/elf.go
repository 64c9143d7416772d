package host

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"repro/format/tree"
)

// arch is what ELF headers must have in common to run in one process.
type arch struct {
	class   elf.Class
	data    elf.Data
	machine elf.Machine
}

// machines maps ELF machines to the words of GOARCH.
var machines = map[arch]string{
	{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_X86_64}:    "amd64",
	{elf.ELFCLASS32, elf.ELFDATA2LSB, elf.EM_386}:       "386",
	{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_AARCH64}:   "arm64",
	{elf.ELFCLASS32, elf.ELFDATA2LSB, elf.EM_ARM}:       "arm",
	{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_RISCV}:     "riscv64",
	{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_PPC64}:     "ppc64le",
	{elf.ELFCLASS64, elf.ELFDATA2MSB, elf.EM_PPC64}:     "ppc64",
	{elf.ELFCLASS64, elf.ELFDATA2MSB, elf.EM_S390}:      "s390x",
	{elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_LOONGARCH}: "loong64",
}

func (a arch) goarch() string { return machines[a] }

func (a arch) String() string {
	if s := a.goarch(); s != "" {
		return s
	}
	return strings.ToLower(strings.TrimPrefix(a.machine.String(), "EM_"))
}

// object is what the loader reads of an ELF file.
type object struct {
	real    string
	arch    arch
	interp  string
	needed  []string
	rpath   []string // DT_RPATH
	runpath []string // DT_RUNPATH
	nodefl  bool     // DF_1_NODEFLIB: not in the default folders
}

// maxNeeded bounds the libraries that one ELF file may name.
const maxNeeded = 4096

// object returns what the file real says to the loader, or nil if it is not an
// ELF program or library.
func (g *gatherer) object(real string) (*object, error) {
	if obj, ok := g.objects[real]; ok {
		return obj, nil
	}
	obj, err := readObject(g.m.file(real))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", real, err)
	}
	if obj != nil {
		obj.real = real
	}
	g.objects[real] = obj
	return obj, nil
}

func readObject(file string) (*object, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	magic := make([]byte, len(elf.ELFMAG))
	if _, err := io.ReadFull(f, magic); err != nil || string(magic) != elf.ELFMAG {
		return nil, nil
	}
	e, err := elf.NewFile(f)
	if err != nil {
		return nil, fmt.Errorf("damaged ELF file: %w", err)
	}
	if e.Type != elf.ET_EXEC && e.Type != elf.ET_DYN {
		return nil, nil // an object file or a core dump
	}
	obj := &object{arch: arch{e.Class, e.Data, e.Machine}}
	sections := slices.ContainsFunc(e.Sections, func(s *elf.Section) bool { return s.Type == elf.SHT_DYNAMIC })
	for _, p := range e.Progs {
		if p.Type == elf.PT_DYNAMIC && !sections {
			return nil, fmt.Errorf("ELF file without a table of sections, so the libraries that it needs cannot be told")
		}
		if p.Type == elf.PT_INTERP && p.Filesz < 4096 {
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err != nil {
				return nil, fmt.Errorf("damaged ELF file: %w", err)
			}
			obj.interp = strings.TrimRight(string(b), "\x00")
		}
	}
	return obj, obj.dynamic(e)
}

// dynamic reads the dynamic section, if there is one.
func (o *object) dynamic(e *elf.File) error {
	var err error
	get := func(tag elf.DynTag) []string {
		s, e := e.DynString(tag)
		if e != nil && err == nil {
			err = fmt.Errorf("damaged ELF file: %w", e)
		}
		return s
	}
	o.needed = get(elf.DT_NEEDED)
	o.rpath = splitPaths(get(elf.DT_RPATH))
	o.runpath = splitPaths(get(elf.DT_RUNPATH))
	if flags, e := e.DynValue(elf.DT_FLAGS_1); e == nil {
		for _, f := range flags {
			o.nodefl = o.nodefl || elf.DynFlag1(f)&elf.DF_1_NODEFLIB != 0
		}
	}
	if len(o.needed) > maxNeeded {
		return fmt.Errorf("ELF file that needs more than %d libraries", maxNeeded)
	}
	return err
}

func splitPaths(values []string) []string {
	var dirs []string
	for _, v := range values {
		for dir := range strings.SplitSeq(v, ":") {
			if dir != "" {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

// expand replaces the loader's variables in a folder of a search path. $LIB
// and $PLATFORM differ between distributions, so there can be several.
func (l *libraries) expand(dir, origin string) []string {
	dirs := []string{dir}
	replace := func(name string, values ...string) {
		var next []string
		for _, d := range dirs {
			if !strings.Contains(d, "$"+name) && !strings.Contains(d, "${"+name+"}") {
				next = append(next, d)
				continue
			}
			for _, v := range values {
				next = append(next, strings.NewReplacer("$"+name, v, "${"+name+"}", v).Replace(d))
			}
		}
		dirs = next
	}
	replace("ORIGIN", origin)
	replace("LIB", l.lib...)
	replace("PLATFORM", l.platform)
	var absolute []string
	for _, d := range dirs {
		if path.IsAbs(d) { // a relative one depends on where the program is started
			absolute = append(absolute, path.Clean(d))
		}
	}
	return absolute
}

// Arch returns the architecture, as in GOARCH, of an ELF file with this head
// of at least 20 bytes, or "".
func Arch(head []byte) string {
	if len(head) < 20 {
		return ""
	}
	a := arch{class: elf.Class(head[elf.EI_CLASS]), data: elf.Data(head[elf.EI_DATA])}
	var order binary.ByteOrder = binary.LittleEndian
	if a.data == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	a.machine = elf.Machine(order.Uint16(head[18:]))
	return a.goarch()
}

// Needed returns the libraries that a file asks the loader for by name, none if
// it is not an ELF program or library or can't be read in place.
func Needed(n *tree.Node) []string {
	r, err := n.Content()
	if err != nil {
		return nil
	}
	defer r.Close()
	at, ok := r.(io.ReaderAt)
	if !ok {
		return nil
	}
	magic := make([]byte, len(elf.ELFMAG))
	if _, err := at.ReadAt(magic, 0); err != nil || string(magic) != elf.ELFMAG {
		return nil
	}
	e, err := elf.NewFile(at)
	if err != nil || e.Type != elf.ET_EXEC && e.Type != elf.ET_DYN {
		return nil
	}
	names, err := e.DynString(elf.DT_NEEDED)
	if err != nil || len(names) > maxNeeded {
		return nil
	}
	return names
}
