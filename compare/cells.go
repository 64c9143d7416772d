package compare

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"repro/report"
)

// Limits on what a finding holds of a notebook's cells, and on aligning them.
const (
	maxAligned  = 16 << 20  // pairs of cells looked at
	maxPartText = 4 << 10   // bytes of a part's text that are kept
	maxPartFile = 256 << 10 // bytes of a picture that are kept
	maxCellData = 8 << 20   // bytes kept in all
)

// compareCells aligns cells by their source, and compares what each left.
func (j *job) compareCells(ctx context.Context, pub, new []cell) error {
	if j.depth == maxNested {
		return tooLarge(published, "notebooks and archives lie more than %d deep in each other", maxNested)
	}
	chosen, err := choose(j.rule, pub, new)
	if err != nil {
		return err
	}
	n := &notebook{j: j, all: &gathered{f: j.finding, same: "the same cells and outputs; only counts, ids or metadata differ"}, out: &report.Cells{}}
	n.all.f.Verdict, n.all.counts = report.SameContent, map[report.Verdict]int{}
	for _, p := range alignCells(pub, new) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !chosen(p) {
			continue
		}
		if err := n.pair(ctx, p); err != nil {
			return err
		}
	}
	n.all.conclude()
	n.conclude(j.finding)
	return nil
}

// cellPair is two cells that belong together; one may be nil.
type cellPair struct{ pub, new *cell }

// alignCells pairs cells of equal kind and source, as many as keep their order;
// what lies between is paired in its order, if of one kind.
func alignCells(pub, new []cell) (out []cellPair) {
	same := func(a, b *cell) bool { return a.kind == b.kind && bytes.Equal(a.source, b.source) }
	start := 0
	for start < min(len(pub), len(new)) && same(&pub[start], &new[start]) {
		out = append(out, cellPair{&pub[start], &new[start]})
		start++
	}
	a, b := pub[start:], new[start:]
	var tail []cellPair
	for len(a) > 0 && len(b) > 0 && same(&a[len(a)-1], &b[len(b)-1]) {
		tail = append(tail, cellPair{&a[len(a)-1], &b[len(b)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	slices.Reverse(tail)
	if len(a)*len(b) > maxAligned {
		return slices.Concat(out, inGap(a, b), tail)
	}
	longest := make([][]int32, len(a)+1) // common sequence of what is left
	for i := range longest {
		longest[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for k := len(b) - 1; k >= 0; k-- {
			if longest[i][k] = max(longest[i+1][k], longest[i][k+1]); same(&a[i], &b[k]) {
				longest[i][k] = longest[i+1][k+1] + 1
			}
		}
	}
	fromA, fromB := 0, 0
	for i, k := 0, 0; i < len(a) && k < len(b); {
		switch {
		case same(&a[i], &b[k]):
			out = append(append(out, inGap(a[fromA:i], b[fromB:k])...), cellPair{&a[i], &b[k]})
			i, k = i+1, k+1
			fromA, fromB = i, k
		case longest[i+1][k] >= longest[i][k+1]:
			i++
		default:
			k++
		}
	}
	return slices.Concat(out, inGap(a[fromA:], b[fromB:]), tail)
}

// inGap pairs cells whose sources differ: equally many of each kind in their
// order, the rest alone.
func inGap(a, b []cell) (out []cellPair) {
	taken := make([]bool, len(b))
	next := 0
	for i := range a {
		p := cellPair{pub: &a[i]}
		for k := next; k < len(b); k++ {
			if b[k].kind == a[i].kind {
				p.new, taken[k], next = &b[k], true, k+1
				break
			}
		}
		out = append(out, p)
	}
	for k := range b {
		if !taken[k] {
			out = append(out, cellPair{new: &b[k]})
		}
	}
	return out
}

// choose returns which pairs the rule's cells select (CMP-106): by the number of
// the published cell, a tag, or a pattern of the source between slashes.
func choose(r *rule, pub, new []cell) (func(cellPair) bool, error) {
	if len(r.Cells) == 0 {
		return func(cellPair) bool { return true }, nil
	}
	picked := map[*cell]bool{}
	for _, name := range r.Cells {
		picks, err := selector(name, &r.work)
		if err != nil {
			return nil, err
		}
		found := false
		for i := range pub {
			if picks(&pub[i]) {
				picked[&pub[i]], found = true, true
			}
		}
		if !found {
			return nil, &undecided{fmt.Sprintf("the rule names the cell %q, which the published notebook has not", clip(name))}
		}
		for i := range new {
			if _, number := strconv.Atoi(name); number != nil && picks(&new[i]) {
				picked[&new[i]] = true
			}
		}
	}
	return func(p cellPair) bool { return p.pub != nil && picked[p.pub] || p.pub == nil && picked[p.new] }, nil
}

func selector(name string, w *work) (func(*cell) bool, error) {
	if n, err := strconv.Atoi(name); err == nil {
		return func(c *cell) bool { return c.n == n }, nil
	}
	if len(name) > 1 && name[0] == '/' && name[len(name)-1] == '/' {
		re, err := patterns("cells", []string{name[1 : len(name)-1]})
		if err != nil {
			return nil, err
		}
		re[0].work = w
		return func(c *cell) bool { return re[0].Match(c.source) }, nil
	}
	return func(c *cell) bool { return slices.Contains(c.tags, name) }, nil
}

// notebook gathers what is found of pairs of cells.
type notebook struct {
	j    *job
	all  *gathered
	out  *report.Cells
	kept int

	counted bool // a code cell of the new one has a count of execution
	left    bool // a code cell of either has left something
}

// pair compares two cells, part by part.
func (n *notebook) pair(ctx context.Context, p cellPair) error {
	if p.pub == nil || p.new == nil {
		n.lone(p)
		return nil
	}
	code := p.pub.kind == "code"
	if code {
		n.out.Code++
		if p.new.ran {
			n.out.Ran++
		}
		n.counted = n.counted || p.new.count
		n.left = n.left || len(p.pub.parts)+len(p.new.parts) > 0
	}
	found := report.Cell{Cell: p.pub.n, Source: n.text(p.pub.source), Verdict: report.Identical}
	if !bytes.Equal(p.pub.source, p.new.source) {
		f := lone(firstDiffering(p.pub.source, p.new.source), firstDiffering(p.new.source, p.pub.source), "the source differs")
		n.part(&found, "source of "+p.pub.kind, cellPart{mime: "text/plain", content: p.pub.source}, cellPart{mime: "text/plain", content: p.new.source}, f)
	}
	a, b := spokenParts(p.pub, p.new)
	for i := range a {
		k := slices.IndexFunc(b, func(x cellPart) bool { return x.name == a[i].name })
		if k < 0 {
			n.part(&found, a[i].name, a[i], cellPart{}, lone(a[i].name, "", "%s of the published notebook is not in the new one", a[i].name))
			continue
		}
		f, err := n.j.comparePart(ctx, p.pub.n, a[i], b[k])
		if err != nil {
			return err
		}
		n.part(&found, a[i].name, a[i], b[k], f)
	}
	for _, x := range b {
		if !slices.ContainsFunc(a, func(y cellPart) bool { return y.name == x.name }) {
			n.part(&found, x.name, cellPart{}, x, lone("", x.name, "%s of the new notebook is not in the published one", x.name))
		}
	}
	if code && !found.Verdict.Reproduced() {
		n.out.Differ++
	}
	n.keep(found)
	return nil
}

// spokenParts are the parts of two cells. Where one printed what the other has
// as its result, both are one text.
func spokenParts(a, b *cell) (x, y []cellPart) {
	has := func(c *cell, name string) bool {
		return slices.ContainsFunc(c.parts, func(p cellPart) bool { return p.name == name })
	}
	if has(a, partStdout) == has(b, partStdout) && has(a, partResult) == has(b, partResult) ||
		len(a.spoken) == 0 || len(b.spoken) == 0 {
		return a.parts, b.parts
	}
	join := func(c *cell) []cellPart {
		out := []cellPart{{name: partSpoken, file: "output.txt", mime: "text/plain", content: c.spoken}}
		alone := !slices.ContainsFunc(c.parts, func(p cellPart) bool { return strings.HasPrefix(p.name, "result, ") && p.name != partResult })
		for _, p := range c.parts {
			if p.name != partStdout && (p.name != partResult || !alone) {
				out = append(out, p)
			}
		}
		return out
	}
	return join(a), join(b)
}

// comparePart compares what two cells left under one name.
func (j *job) comparePart(ctx context.Context, n int, p, q cellPart) (report.Finding, error) {
	if bytes.Equal(p.content, q.content) {
		return report.Finding{Verdict: report.Identical}, nil
	}
	if p.file == "" {
		return report.Finding{Verdict: report.NeedsEyes, Reason: fmt.Sprintf("%s differs, and its type is not compared", p.name)}, nil
	}
	name := fmt.Sprintf("cell %d/%s/%s", n, strings.NewReplacer("/", " ", ", ", "/").Replace(p.name), p.file)
	return j.compareMember(ctx, memberOf(name, p.content), memberOf(name, q.content))
}

// part adds what was found of one part to its cell.
func (n *notebook) part(c *report.Cell, name string, pub, new cellPart, f report.Finding) {
	n.all.add(fmt.Sprintf("cell %d, %s", c.Cell, name), f)
	if f.Verdict == report.Identical || f.Verdict == report.SameContent {
		return
	}
	if slices.Index(severity, f.Verdict) > slices.Index(severity, c.Verdict) {
		c.Verdict, c.Reason = f.Verdict, f.Reason
	}
	out := report.Part{Name: name, Verdict: f.Verdict, Reason: f.Reason, Published: n.shown(pub), New: n.shown(new)}
	if mime := max(pub.mime, new.mime); strings.HasPrefix(mime, "image/") && mime != "image/svg+xml" {
		out.Type = mime
	}
	c.Parts = append(c.Parts, out)
}

// shown is a part as the finding holds it: text, or a picture in base64.
func (n *notebook) shown(p cellPart) string {
	if !strings.HasPrefix(p.mime, "image/") || p.mime == "image/svg+xml" {
		return n.text(p.content)
	}
	if len(p.content) > maxPartFile || n.kept+len(p.content) > maxCellData {
		return ""
	}
	n.kept += len(p.content)
	return base64.StdEncoding.EncodeToString(p.content)
}

func (n *notebook) text(b []byte) string {
	if n.kept > maxCellData {
		return ""
	}
	short := b[:min(len(b), maxPartText)]
	n.kept += len(short)
	out := strings.ToValidUTF8(string(short), "\ufffd")
	if len(short) < len(b) {
		out += "…"
	}
	return out
}

// lone is a cell that only one notebook has.
func (n *notebook) lone(p cellPair) {
	c, words, source := p.pub, "is not in the new notebook", cellPart{}
	other := cellPart{}
	if c == nil {
		c, words = p.new, "is not in the published notebook"
		other = cellPart{mime: "text/plain", content: c.source}
	} else {
		source = cellPart{mime: "text/plain", content: c.source}
	}
	if c.kind == "code" {
		if p.pub != nil {
			n.out.Code++
			n.out.Missing++
		} else {
			n.out.New++
		}
	}
	found := report.Cell{Cell: c.n, Source: n.text(c.source), Verdict: report.Identical}
	n.part(&found, "source of "+c.kind, source, other, lone(string(source.content), string(other.content), "the cell %s", words))
	n.keep(found)
}

// keep lists a cell that is not the same.
func (n *notebook) keep(c report.Cell) {
	if c.Verdict != report.Identical {
		n.out.List = append(n.out.List, c)
	}
}

// conclude says how many cells differ.
func (n *notebook) conclude(f *report.Finding) {
	f.Cells = n.out
	if n.out.Code > 0 && f.Verdict.Reproduced() {
		switch {
		case !n.left:
			f.Verdict, f.Reason = report.NeedsEyes, "no code cell has an output, in neither notebook: nothing came out that could be compared"
		case !n.counted:
			f.Verdict, f.Reason = report.NeedsEyes, "no code cell of the new notebook has a count of execution: nothing says that it was run"
		}
	}
	off := n.out.Differ + n.out.Missing + n.out.New
	if off == 0 {
		return
	}
	words := fmt.Sprintf("%d of %d code cells differ", n.out.Differ, n.out.Code)
	if n.out.Missing > 0 {
		words += fmt.Sprintf(", %d missing", n.out.Missing)
	}
	if n.out.New > 0 {
		words += fmt.Sprintf(", %d new", n.out.New)
	}
	f.Reason = words + "; " + f.Reason
}

// firstDiffering is the first line of a that b has not at that place.
func firstDiffering(a, b []byte) string {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i, line := range x {
		if i >= len(y) || y[i] != line {
			return line
		}
	}
	return ""
}
