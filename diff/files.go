package diff

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"repro/format/tree"
	"repro/internal/progress"
	"repro/report"
)

// pair is a name in one or both of two trees.
type pair struct {
	path         string // not rooted
	a, b         *tree.Node
	linkA, linkB string // another name of the same file, or ""
	content      bool   // both are regular files, and their bytes differ
}

func (p *pair) base() string { return path.Base(p.path) }

// walk lists the names of both trees in order. SPEC.md, DIF-2.
func walk(a, b *tree.Node) []pair {
	w := walker{firstA: map[*tree.Node]string{}, firstB: map[*tree.Node]string{}}
	w.visit("", a, b)
	return w.pairs
}

type walker struct {
	pairs          []pair
	firstA, firstB map[*tree.Node]string
}

func (w *walker) visit(at string, a, b *tree.Node) {
	w.pairs = append(w.pairs, pair{path: at, a: a, b: b, linkA: link(w.firstA, at, a), linkB: link(w.firstB, at, b)})
	names := map[string]bool{}
	for _, n := range []*tree.Node{a, b} {
		if n != nil {
			for name := range n.Entries {
				names[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		w.visit(path.Join(at, name), child(a, name), child(b, name))
	}
}

func child(n *tree.Node, name string) *tree.Node {
	if n == nil {
		return nil
	}
	return n.Entries[name]
}

// link notes the first name of n and returns it for every other.
func link(first map[*tree.Node]string, at string, n *tree.Node) string {
	if n == nil || n.IsDir() {
		return ""
	}
	name, ok := first[n]
	if !ok {
		first[n] = at
	}
	return name
}

// contents compares the bytes of files that have the same size, on all cores.
func (d *differ) contents(layer string, pairs []pair) error {
	g, ctx := errgroup.WithContext(d.ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	var total, done int64
	for i := range pairs {
		p := &pairs[i]
		if p.a == nil || p.b == nil || !p.a.Mode.IsRegular() || !p.b.Mode.IsRegular() {
			continue
		}
		if p.a.Size != p.b.Size {
			p.content = true
			continue
		}
		total += p.a.Size
	}
	for i := range pairs {
		p := &pairs[i]
		if p.a == nil || p.b == nil || p.content || !p.a.Mode.IsRegular() || !p.b.Mode.IsRegular() || p.linkA != "" && p.linkA == p.linkB {
			continue
		}
		g.Go(func() (err error) {
			if p.content, err = unequal(ctx, p.a, p.b); err != nil {
				return fmt.Errorf("layer %q: %q: %w", layer, p.path, err)
			}
			return nil
		})
		done += p.a.Size
		d.o.Progress.Report(progress.Event{Task: "compare " + layer, Done: done, Total: total, Bytes: true})
	}
	return g.Wait()
}

// unequal reports whether two files of one size hold other bytes.
func unequal(ctx context.Context, a, b *tree.Node) (bool, error) {
	ra, err := a.Content()
	if err != nil {
		return false, err
	}
	defer ra.Close()
	rb, err := b.Content()
	if err != nil {
		return false, err
	}
	defer rb.Close()
	ba, bb := make([]byte, 64<<10), make([]byte, 64<<10)
	for left := a.Size; left > 0; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n := min(left, int64(len(ba)))
		if _, err := io.ReadFull(ra, ba[:n]); err != nil {
			return false, err
		}
		if _, err := io.ReadFull(rb, bb[:n]); err != nil {
			return false, err
		}
		if !bytes.Equal(ba[:n], bb[:n]) {
			return true, nil
		}
		left -= n
	}
	return false, nil
}

// entry says what differs; nothing if Change is empty.
func (p *pair) entry() report.DiffEntry {
	e := report.DiffEntry{Name: "/" + p.path}
	switch {
	case p.a == nil:
		e.Change, e.What, e.SizeB = report.DiffAdded, p.b.Kind(), p.b.Size
		return e
	case p.b == nil:
		e.Change, e.What, e.SizeA = report.DiffRemoved, p.a.Kind(), p.a.Size
		return e
	}
	what := p.attributes()
	if p.content {
		what = append(what, "content")
	}
	if len(what) > 0 {
		e.Change, e.What, e.SizeA, e.SizeB = report.DiffChanged, strings.Join(what, ", "), p.a.Size, p.b.Size
	}
	return e
}

// attributes lists what differs beside the content.
func (p *pair) attributes() (what []string) {
	a, b := p.a, p.b
	note := func(name string, x, y any) {
		if x != y {
			what = append(what, fmt.Sprintf("%s %v, then %v", name, x, y))
		}
	}
	note("kind", a.Kind(), b.Kind())
	note("mode", octal(a), octal(b))
	note("owner", fmt.Sprintf("%d/%d", a.UID, a.GID), fmt.Sprintf("%d/%d", b.UID, b.GID))
	note("time", a.ModTime, b.ModTime)
	if a.Target != b.Target {
		what = append(what, fmt.Sprintf("target %q, then %q", a.Target, b.Target))
	}
	note("device", a.Device, b.Device)
	if !maps.EqualFunc(a.Xattrs, b.Xattrs, bytes.Equal) {
		what = append(what, "extended attributes")
	}
	if p.linkA != p.linkB {
		what = append(what, fmt.Sprintf("hard link to %q, then %q", p.linkA, p.linkB))
	}
	return what
}

func octal(n *tree.Node) string { return fmt.Sprintf("%04o", tree.UnixMode(n.Mode)) }
