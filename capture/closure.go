package capture

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/format/tree"
)

// Paper is where the experiment's folder stands in an image.
const Paper = "/paper"

// Closure is the environment of the captured steps.
type Closure struct {
	Tree *tree.Node
	Sums []Sum // contents that must be what the steps read
}

// Sum is a file of the closure, or of the experiment itself, whose content was
// recorded. Name is its path on the machine.
type Sum struct {
	Name string
	Node *tree.Node // nil: one of the experiment's own
	Rel  string     // below the experiment's folder; empty if it is none of its own
	Want manifest.Digest
}

// ClosureOptions say what is taken besides what the steps read.
type ClosureOptions struct {
	Whole bool     // the packages that own what was read, whole
	Files []string // absolute paths and patterns, whatever they hold

	// Folder is where the experiment's folder is now, with the record in it; if it
	// is empty, where it was captured.
	Folder string
}

// Closure gathers what the steps read from this machine: each file at its
// place, with the folders and symbolic links on the way; what the bill of
// materials needs to know of packages; and the experiment's folder as a link to
// [Paper], where something names it by its path. An environment in the
// experiment's folder stands below Paper.
//
// All that is wrong comes back at once, joined.
func (r *Record) Closure(o ClosureOptions) (*Closure, error) {
	if o.Folder != "" {
		r = r.moved(o.Folder)
	}
	c := &closing{record: r, packages: r.Packages, root: tree.NewDir(), made: r.makers(), sums: map[string]Sum{}}
	for i := range r.Steps {
		if s := &r.Steps[i]; s.Exit != 0 || s.Interrupted {
			c.problem("step %q failed when it was captured", s.Name)
		}
		c.step(&r.Steps[i])
	}
	c.standing()
	if o.Whole {
		c.whole()
	}
	for _, p := range o.Files {
		c.named(p)
	}
	c.metadata()
	c.locale()
	if slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Absolute }) {
		if folder := cmp.Or(r.was, r.Folder); folder != Paper { // as it is named
			if err := c.root.Put(folder, tree.NewSymlink(Paper)); err != nil {
				c.problem("%s: %w", folder, err)
			}
		}
	}
	if err := c.failed(); err != nil {
		return nil, err
	}
	out := &Closure{Tree: c.root}
	for _, s := range c.sums {
		out.Sums = append(out.Sums, s)
	}
	slices.SortFunc(out.Sums, func(a, b Sum) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// closing is a closure in the making.
type closing struct {
	record   *Record
	packages []Package // of which files are
	root     *tree.Node
	made     map[string]int // files of the experiment that its steps make
	sums     map[string]Sum
	problems []error
}

func (c *closing) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

// failed returns what is wrong, as far as a person would read it.
func (c *closing) failed() error {
	const most = 20
	if len(c.problems) == 0 {
		return nil
	}
	all := c.problems
	if len(all) > most {
		all = append(slices.Clone(all[:most]), fmt.Errorf("and %d more", len(all)-most))
	}
	return &StaleError{all}
}

// StaleError says in what the machine is no longer what was captured.
type StaleError struct{ Problems []error }

func (e *StaleError) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems, each of which stands for itself.
func (e *StaleError) Unwrap() []error { return e.Problems }

// at returns the path in the image of a path on the machine.
func (c *closing) at(name string) string {
	if c.record.Folder == "" { // of no experiment: packages alone
		return name
	}
	if rel, ok := below(name, c.record.Folder); ok {
		return path.Join(Paper, rel)
	}
	if name == c.record.Folder {
		return Paper
	}
	return name
}

func (c *closing) step(s *Step) {
	for _, f := range s.Files {
		if rel, own := c.record.ownFile(f.Path); own {
			if _, made := c.made[rel]; made {
				continue
			}
			c.sum(Sum{Name: f.Path, Rel: rel, Want: f.Digest}, s)
			continue
		}
		n, err := fileNode(f.Path)
		switch {
		case err != nil:
			c.problem("%w: it was read when step %q was captured", err, s.Name)
			continue
		case n.Size != f.Size:
			if got, err := tree.SHA256(n); err == nil {
				c.problem("%s: has %s, but step %q read %s: capture it again", f.Path, manifest.DigestSum(got), s.Name, f.Digest)
				continue
			}
		}
		if c.sum(Sum{Name: f.Path, Node: n, Want: f.Digest}, s) {
			c.put(f.Path, n)
		}
	}
	for _, l := range s.Links {
		if _, own := c.record.ownFile(l.Path); !own {
			c.link(l.Path, l.Target)
		}
	}
	for _, dir := range s.Folders {
		if inside(dir, c.record.Folder) || secretFile(dir+"/x") != "" {
			continue
		}
		if _, err := c.root.MkdirAll(dir); err != nil {
			c.problem("%w", err)
		}
	}
}

// sum notes what a file must hold; false if another step knows it already.
func (c *closing) sum(s Sum, step *Step) bool {
	old, ok := c.sums[s.Name]
	if !ok {
		c.sums[s.Name] = s
		return true
	}
	if old.Want != s.Want && old.Rel == "" {
		c.problem("%s: step %q read %s, an earlier one read %s: capture that again", s.Name, step.Name, s.Want, old.Want)
	}
	if old.Want != s.Want && old.Rel != "" {
		delete(c.sums, s.Name) // a file of the experiment that a step between them made
	}
	return false
}

func (c *closing) put(name string, n *tree.Node) {
	if err := c.root.Put(c.at(name), n); err != nil {
		c.problem("%s: %w", name, err)
	}
}

// link places a symbolic link, where nothing else stands.
func (c *closing) link(name, target string) {
	at := c.at(name)
	if c.root.Lookup(at) == nil {
		if err := c.root.Put(at, tree.NewSymlink(target)); err != nil {
			c.problem("%s: %w", name, err)
		}
	}
}
