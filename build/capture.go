package build

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"reflect"

	"repro/build/host"
	"repro/capture"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/recipe"
)

func init() { openers[recipe.Capture] = openCapture }

// openCapture takes what a captured run read: SPEC.md, ENV-13 and ENV-14. Name is that of
// its record.
func openCapture(ctx context.Context, b *builder, name string) (*Source, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	e := b.Recipe.Environment
	record, err := capture.Parse(e.Source.Value, text)
	if err != nil {
		return nil, err
	}
	for _, s := range record.Steps {
		if s.Exit != 0 || s.Interrupted {
			b.problem(e.Source.Pos, "capture: step %q failed when it was captured", s.Name)
		}
	}
	folder, err := recordFolder(name)
	if err != nil {
		return nil, err
	}
	o := capture.ClosureOptions{Whole: e.Whole, Folder: folder}
	for _, f := range e.Files {
		o.Files = append(o.Files, f.Value)
	}
	closure, err := record.Closure(o)
	if stale, ok := errors.AsType[*capture.StaleError](err); ok {
		wrong := &recipe.Error{Name: b.Recipe.Name}
		for _, p := range stale.Problems {
			wrong.Problems = append(wrong.Problems, recipe.Problem{Pos: e.Source.Pos, Text: "capture: " + p.Error()})
		}
		return nil, wrong
	}
	if err != nil {
		return nil, err
	}
	b.captured, b.left = closure.Sums, record.Left()
	for _, rel := range record.Added(folder) {
		b.warn(e.Source.Pos, "capture: %q was not there when a step listed its folder, and is not in the image: if the step is to find it, capture it again", rel)
	}
	b.inTemporary(record)
	addShell(ctx, closure.Tree)
	return &Source{Tree: closure.Tree, Arch: record.Machine.Arch, Digest: manifest.DigestOf(text)}, nil
}

// recordFolder is the experiment's folder, in which the record lies.
func recordFolder(name string) (string, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(filepath.Dir(full))
}

// addShell gives the image a shell, with which other programs start it, if the
// machine has one: what was captured may have none.
func addShell(ctx context.Context, root *tree.Node) {
	c, err := host.Gather(ctx, []string{"/bin/sh"}, nil, host.Options{Path: host.DefaultPath})
	if err != nil {
		return
	}
	delete(c.Tree.Entries, "etc")
	fill(root, c.Tree)
}

// fill adds to the folder to what from has beyond it.
func fill(to, from *tree.Node) {
	for name, n := range from.Entries {
		switch there := to.Entries[name]; {
		case there == nil:
			to.Entries[name] = n
		case there.IsDir() && n.IsDir():
			fill(there, n)
		}
	}
}

// expectCaptured has what steps read be what they read.
func (b *builder) expectCaptured(c *choice) {
	at := b.Recipe.Environment.Source.Pos
	for _, s := range b.captured {
		n := s.Node
		if s.Rel != "" {
			if n = b.code.Lookup(path.Join(Paper, s.Rel)); n == nil {
				n = b.data.Lookup(path.Join(Paper, s.Rel))
			}
			if n == nil {
				if !c.isOutput(s.Rel) && !c.published[s.Rel] {
					b.problem(at, "capture: %q: was used by the captured run, and is neither in the code nor in the data: add it there", s.Rel)
				}
				continue
			}
		}
		if !n.Mode.IsRegular() {
			b.problem(at, "capture: %q: was a file when it was captured", s.Name)
			continue
		}
		sum := &sum{name: s.Name, at: at, want: s.Want, open: n.Open, captured: true}
		n.Open, n.Stamp = sum.Open, ""
		b.sums = append(b.sums, sum)
	}
}

// holdPublished warns of published results that are not what the captured run
// wrote: whoever runs the image will hear that they differ. A result with a rule
// of its own may differ, and one that is published at another place was not
// written by the run.
func (b *builder) holdPublished() error {
	for _, res := range b.Recipe.Results {
		n, w := b.published.Lookup(res.Published.Value), b.left[res.Output.Value]
		if n == nil || w.After == "" || res.Published.Value != res.Output.Value || !reflect.DeepEqual(res.Compare, manifest.Rule{}) {
			continue
		}
		sum, err := tree.SHA256(n)
		if err != nil {
			return err
		}
		switch is := manifest.DigestSum(sum); {
		case is == w.After || w.Same && is == w.Before:
		case is == w.Before:
			b.warn(res.Published.Pos, "published: %q: differs from what the captured run wrote, and so it will for whoever runs the image: capture it again with --replace to publish what it wrote, or say under `compare` how far it may differ", res.Published.Value)
		default:
			b.warn(res.Published.Pos, "published: %q: has changed since the captured run wrote it: capture it again, which compares the two", res.Published.Value)
		}
	}
	return nil
}

// inTemporary refuses a captured run of programs that lie in /tmp, of which an
// image keeps nothing, and tells of files that were read there.
func (b *builder) inTemporary(record *capture.Record) {
	at := b.Recipe.Environment.Source.Pos
	for _, s := range record.Steps {
		programs, read := record.InTemporary(s)
		if len(programs) > 0 {
			b.problem(at, "capture: step %q ran %s: an image keeps nothing of /tmp: move it to another place, such as the experiment's folder, and capture again", s.Name, programs[0])
			return
		}
		if len(read) > 0 {
			b.warn(at, "capture: step %q read %s (%d in all): an image keeps nothing of /tmp: if the step needs it, move it to another place and capture again", s.Name, read[0], len(read))
		}
	}
}
