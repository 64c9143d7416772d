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

	"repro/internal/pattern"
)

// addRunner puts programs in, and how to do without them.
func (d *deposit) addRunner() error {
	for _, f := range d.options.Runner {
		if why := notStatic(f.Content); why != "" {
			d.problem("runner: %s: %s", f.Name, why)
		}
		d.runnerFile(path.Base(filepath.ToSlash(f.Name)), 0o755, f.Content)
	}
	if len(d.options.Spec) > 0 {
		d.runnerFile("SPEC.md", 0o644, d.options.Spec)
	}
	if d.options.NoImage {
		return nil
	}
	page, err := d.without()
	if err != nil {
		return err
	}
	d.runnerFile("WITHOUT-REPRO.md", 0o644, page)
	if len(d.manifest.Steps) > 0 {
		d.runnerFile("steps.sh", 0o755, d.script())
	}
	return nil
}

func (d *deposit) runnerFile(name string, mode fs.FileMode, content []byte) {
	d.later(&entry{path: path.Join(runnerDir, name), kind: "runner", mode: mode, size: int64(len(content)), open: opened(content)})
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
func (d *deposit) script() []byte {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# The steps of this paper, for use inside of the unpacked root.\nset -eu\numask 022\n")
	for _, s := range d.manifest.Steps {
		fmt.Fprintf(&b, "\n# step %s\n(\n", s.Name)
		dirs := []string{s.Dir}
		for _, out := range s.Outputs {
			dirs = append(dirs, path.Dir(out))
		}
		for _, dir := range dirs {
			fmt.Fprintf(&b, "[ -d %[1]s ] || mkdir -p %[1]s\n", shellWord(dir))
		}
		fmt.Fprintf(&b, "cd %s\n", shellWord(s.Dir))
		for name, value := range sortedMap(s.Environ(d.manifest.Paper.Date, d.manifest.Arch)) {
			fmt.Fprintf(&b, "export %s=%s\n", name, shellWord(value))
		}
		words := s.Arguments()
		for i, w := range words {
			words[i] = shellWord(w)
		}
		fmt.Fprintf(&b, "exec %s </dev/null\n)\n", strings.Join(words, " "))
	}
	return []byte(b.String())
}

// shellWord makes one word of s for a POSIX shell.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

var plainWord = pattern.New(`^[A-Za-z0-9_./:,@%+-]+$`)

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
