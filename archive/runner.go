package archive

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"repro/archive/deposit"
	"repro/format"
)

// addRunner puts programs in, and how to do without them.
func (p *plan) addRunner(d *deposit.Deposit, im *format.Image, o Options) error {
	for _, f := range o.Runner {
		if why := notStatic(f.Content); why != "" {
			p.problem("runner: %s: %s", f.Name, why)
		}
		p.runnerFile(path.Base(filepath.ToSlash(f.Name)), 0o755, f.Content)
	}
	if len(o.Spec) > 0 {
		p.runnerFile("SPEC.md", 0o644, o.Spec)
	}
	if o.NoImage {
		return nil
	}
	page, err := without(d, im, o)
	if err != nil {
		return err
	}
	p.runnerFile("WITHOUT-REPRO.md", 0o644, page)
	if len(d.Manifest.Steps) > 0 {
		p.runnerFile("steps.sh", 0o755, script(d))
	}
	return nil
}

func (p *plan) runnerFile(name string, mode fs.FileMode, content []byte) {
	p.add(textEntry(path.Join(deposit.Runner, name), "runner", mode, content))
}

// notStatic says why a program could not be run elsewhere, or nothing. Scripts
// and programs of other systems are taken as they are.
func notStatic(content []byte) string {
	f, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return ""
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "needs libraries that other machines may not have: give a static program, such as one built with CGO_ENABLED=0"
		}
	}
	return ""
}

// script is the steps for a POSIX shell that runs inside the unpacked root,
// each with the variables that a runner gives it (RUN-7).
func script(d *deposit.Deposit) []byte {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# The steps of this paper, for use inside of the unpacked root.\nset -eu\numask 022\n")
	for _, s := range d.Manifest.Steps {
		fmt.Fprintf(&b, "\n# step %s\n(\n", s.Name)
		dirs := []string{s.Dir}
		for _, out := range s.Outputs {
			dirs = append(dirs, path.Dir(out))
		}
		for _, dir := range dirs {
			fmt.Fprintf(&b, "[ -d %[1]s ] || mkdir -p %[1]s\n", deposit.ShellWord(dir))
		}
		fmt.Fprintf(&b, "cd %s\n", deposit.ShellWord(s.Dir))
		for name, value := range sortedMap(s.Environ(d.Manifest.Paper.Date, d.Manifest.Arch)) {
			fmt.Fprintf(&b, "export %s=%s\n", name, deposit.ShellWord(value))
		}
		words := s.Arguments()
		for i, w := range words {
			words[i] = deposit.ShellWord(w)
		}
		fmt.Fprintf(&b, "exec %s </dev/null\n)\n", strings.Join(words, " "))
	}
	return []byte(b.String())
}

// sortedMap walks a map in byte order of its keys.
func sortedMap(m map[string]string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
