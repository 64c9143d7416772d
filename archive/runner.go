package archive

import (
	"bytes"
	_ "embed"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"repro/format"
	"repro/record"
)

//go:embed without.tmpl
var withoutText string

var withoutForm = template.Must(template.New("without").Parse(withoutText))

// addRunner puts programs in, and how to do without them.
func (d *deposit) addRunner() {
	if len(d.options.Runner) == 0 && len(d.options.Spec) == 0 {
		return
	}
	for _, f := range d.options.Runner {
		d.runnerFile(path.Base(filepath.ToSlash(f.Name)), 0o755, f.Content)
	}
	if len(d.options.Spec) > 0 {
		d.runnerFile("SPEC.md", 0o644, d.options.Spec)
	}
	d.runnerFile("WITHOUT-REPRO.md", 0o644, d.without())
	d.runnerFile("steps.sh", 0o755, d.script())
}

func (d *deposit) runnerFile(name string, mode fs.FileMode, content []byte) {
	d.later(&entry{path: path.Join(runnerDir, name), kind: "runner", mode: mode, size: int64(len(content)), open: opened(content)})
}

// place is where one object lies in the image.
type place struct {
	Name     string
	Offset   int64
	Size     int64
	Skip     int64 // pages of 4096 bytes before it
	Digest   string
	Squashfs bool
}

// without tells how to take the image apart with programs that every Linux
// has or can have.
func (d *deposit) without() []byte {
	digests := map[uint32]record.Object{}
	for _, o := range d.manifest.Objects {
		digests[o.ID] = o
	}
	page := struct {
		Image      string
		Places     []place
		Layers     []place // those that steps see, lowest first
		Signatures []place
		Content    string
		Keys       []string
	}{Image: d.imageName(), Content: strings.TrimPrefix(string(d.content), "sha256:")}
	for _, o := range d.im.Objects() {
		p := place{Name: o.Name, Offset: o.Offset, Size: o.Size, Skip: o.Offset / 4096}
		if m, ok := digests[o.ID]; ok {
			p.Digest = strings.TrimPrefix(string(m.Digest), "sha256:")
			if m.Layer != nil {
				p.Squashfs = true
			}
			if m.Role == record.RoleLayer {
				page.Layers = append(page.Layers, p)
			}
		}
		if o.Type == format.DataSignature {
			p.Name = fmt.Sprintf("%s.%d.sig", page.Image, o.ID)
			page.Signatures = append(page.Signatures, p)
		}
		page.Places = append(page.Places, p)
	}
	for _, f := range d.options.Keys {
		page.Keys = append(page.Keys, f.Name)
	}
	var b bytes.Buffer
	if err := withoutForm.Execute(&b, page); err != nil {
		return nil // the template is ours and its values are text
	}
	return b.Bytes()
}

// script is the steps for a POSIX shell that runs inside the unpacked root.
func (d *deposit) script() []byte {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# The steps of this paper, for use inside of the unpacked root.\nset -eu\n")
	for _, s := range d.manifest.Steps {
		fmt.Fprintf(&b, "\n# step %s\n(\ncd %s\n", s.Name, shellWord(s.Dir))
		for _, out := range s.Outputs {
			fmt.Fprintf(&b, "mkdir -p %s\n", shellWord(path.Dir(out)))
		}
		for name, value := range sortedMap(s.Env) {
			fmt.Fprintf(&b, "export %s=%s\n", name, shellWord(value))
		}
		words := make([]string, len(s.Command))
		for i, w := range s.Command {
			words[i] = shellWord(w)
		}
		fmt.Fprintf(&b, "exec %s\n)\n", strings.Join(words, " "))
	}
	return []byte(b.String())
}

// shellWord makes one word of s for a POSIX shell.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

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
