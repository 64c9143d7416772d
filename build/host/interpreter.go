package host

import (
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Source is one file of the experiment's code.
type Source struct {
	Name string        // its path
	Text func() []byte // its beginning, of at most [MaxSource] bytes
}

// MaxSource bounds what is read of a source file to find what it imports.
const MaxSource = 1 << 20

// Sources are the files of the experiment's code.
type Sources iter.Seq[Source]

// interpreters (SPEC.md, ENV-15) is the table of programs that open more than their ELF header
// names: a language's standard library, and of the packages beside it those
// that the experiment's code imports. A language is a row here and a file.
var interpreters = []struct {
	program  *regexp.Regexp // of the file, without its folder
	complete func(g *gatherer, program string) error
}{
	{regexp.MustCompile(`^python3?(\.[0-9]+)?$`), (*gatherer).python},
	{regexp.MustCompile(`^(R|Rscript)$`), (*gatherer).r},
	{regexp.MustCompile(`^perl(5\.[0-9.]+)?$`), (*gatherer).perl},
	{regexp.MustCompile(`^octave(-cli)?(-[0-9.]+)?$`), (*gatherer).octave},
	{regexp.MustCompile(`^julia$`), (*gatherer).julia},
	{regexp.MustCompile(`^java$`), (*gatherer).java},
	{regexp.MustCompile(`^(cc|c\+\+|gcc|g\+\+|gfortran)(-[0-9.]+)?$`), (*gatherer).compiler},
}

// interpret adds what the interpreters among the programs started so far open.
// Where the caller has named a language's library itself, that stands.
func (g *gatherer) interpret() error {
	for i := 0; i < len(g.programs); i++ { // rows may add programs
		program := g.programs[i]
		for _, row := range interpreters {
			if !row.program.MatchString(path.Base(program)) {
				continue
			}
			if err := row.complete(g, program); err != nil {
				return err
			}
		}
	}
	return nil
}

// standard adds a folder with all below it but what skip names, unless the
// caller has named it, or something in it, already. It reports whether the
// folder is there and was added.
func (g *gatherer) standard(dir string, skip func(name string) bool) (bool, error) {
	real, info, err := g.m.resolve(dir, nil)
	if err != nil || !info.IsDir() {
		return false, nil // not on this machine
	}
	if n := g.root.Lookup(real); n != nil && len(n.Entries) > 0 {
		return false, nil
	}
	if _, _, err := g.place(dir); err != nil {
		return false, err
	}
	return true, g.folderBut(real, skip)
}

// extra adds a file or folder that an interpreter may open, as far as the
// machine has it.
func (g *gatherer) extra(name string) error {
	real, info, err := g.m.resolve(name, nil)
	if err != nil {
		return nil
	}
	if _, _, err := g.place(name); err != nil {
		return err
	}
	if info.IsDir() {
		return g.folder(real)
	}
	if n := g.root.Lookup(real); n != nil {
		g.member(real, n)
	}
	return nil
}

// has reports whether the machine has something at name.
func (g *gatherer) has(name string) bool {
	_, _, err := g.m.resolve(name, nil)
	return err == nil
}

// beside returns the path without links of a program, and the folder above the
// one that it lies in.
func (g *gatherer) beside(program string) (real, prefix string) {
	real, _, err := g.m.resolve(program, nil)
	if err != nil {
		return program, path.Dir(path.Dir(program))
	}
	return real, path.Dir(path.Dir(real))
}

// helpers adds programs that a script of an interpreter starts, as far as the
// machine has them.
func (g *gatherer) helpers(names ...string) error {
	for _, name := range names {
		if full, err := g.interpreter(name); err == nil {
			if err := g.start(full); err != nil {
				return err
			}
		}
	}
	return nil
}

// sources yields the experiment's files with one of the extensions, and those
// whose name is one of them.
func (g *gatherer) sources(kinds ...string) iter.Seq[Source] {
	return func(yield func(Source) bool) {
		if g.code == nil {
			return
		}
		for s := range g.code {
			base := path.Base(s.Name)
			if (slices.Contains(kinds, strings.ToLower(path.Ext(base))) || slices.Contains(kinds, base)) && !yield(s) {
				return
			}
		}
	}
}

func (g *gatherer) octave(program string) error {
	_, prefix := g.beside(program)
	for _, pattern := range []string{"share/octave/[0-9]*", "lib/octave/[0-9]*", "lib/*/octave/[0-9]*", "libexec/octave/[0-9]*"} {
		for _, dir := range g.m.glob(path.Join(prefix, pattern)) {
			if _, err := g.standard(dir, documents); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *gatherer) julia(program string) error {
	_, prefix := g.beside(program)
	for _, dir := range []string{"share/julia", "lib/julia", "libexec/julia", "etc/julia"} {
		if _, err := g.standard(path.Join(prefix, dir), documents); err != nil {
			return err
		}
	}
	return nil
}

func (g *gatherer) java(program string) error {
	_, prefix := g.beside(program)
	if !g.has(path.Join(prefix, "lib/modules")) && !g.has(path.Join(prefix, "lib/rt.jar")) {
		return nil // not a Java runtime's folder
	}
	for _, dir := range []string{"lib", "conf"} {
		if _, err := g.standard(path.Join(prefix, dir), nil); err != nil {
			return err
		}
	}
	return nil
}

// documents are folders that people read, not programs.
func documents(name string) bool {
	return slices.Contains([]string{"doc", "docs", "man", "html", "help"}, path.Base(name))
}
