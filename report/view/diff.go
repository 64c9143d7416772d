package view

import (
	"fmt"
	"io"
	"strings"

	"repro/report"
)

// Limits on the differences that a person is shown; reports as JSON have more.
const (
	maxDiffValues = 40
	maxDiffFiles  = 40 // of a layer
)

// Diff writes what differs between two images, and the verdict last.
func Diff(w io.Writer, r *report.Diff, s Style) error {
	p := &printer{w: w, style: s}
	p.values(r)
	for _, e := range r.Objects {
		p.difference("object ", e)
	}
	for _, l := range r.Layers {
		p.layer(l)
	}
	t := bad
	if r.Verdict.Reproduced() {
		t = good
	}
	p.line("%s: %s", s.paint(t, Clean(string(r.Verdict))), Clean(r.Reason))
	return p.err
}

func (p *printer) values(r *report.Diff) {
	for i, v := range r.Values {
		if i == maxDiffValues {
			break
		}
		p.line("%s", p.style.paint(bold, Clean(v.Where)))
		if v.A != "" {
			p.line("%s", p.style.paint(bad, "  - "+Clean(v.A)))
		}
		if v.B != "" {
			p.line("%s", p.style.paint(good, "  + "+Clean(v.B)))
		}
	}
	if more := int64(max(0, len(r.Values)-maxDiffValues)) + r.Omitted; more > 0 {
		p.line("… and %d more %s", more, noun(int(more), "value"))
	}
}

// changeMark is how a change is marked.
func changeMark(change string) (string, tone) {
	switch change {
	case report.DiffAdded:
		return "+", good
	case report.DiffRemoved:
		return "-", bad
	}
	return "~", warn
}

func (p *printer) difference(what string, e report.DiffEntry) {
	mark, t := changeMark(e.Change)
	line := p.style.paint(t, mark+" "+what+Clean(e.Name))
	if e.What != "" {
		line += "  " + Clean(e.What)
	}
	p.line("%s", line)
	for text := range strings.SplitSeq(strings.TrimSuffix(cleanLines(e.Diff), "\n"), "\n") {
		switch {
		case e.Diff == "":
		case strings.HasPrefix(text, "+"):
			p.line("    %s", p.style.paint(good, text))
		case strings.HasPrefix(text, "-"):
			p.line("    %s", p.style.paint(bad, text))
		default:
			p.line("    %s", p.style.paint(dim, text))
		}
	}
}

func (p *printer) layer(l report.DiffLayer) {
	mark, t := changeMark(l.Change)
	line := p.style.paint(t, mark+" layer "+Clean(l.Name))
	if l.What != "" {
		line += "  " + Clean(l.What)
	}
	if l.Added+l.Removed+l.Changed > 0 {
		line += "  " + changes(l)
	}
	p.line("%s", line)
	for i, e := range l.Files {
		if i == maxDiffFiles {
			break
		}
		p.difference("", e)
	}
	if more := int64(max(0, len(l.Files)-maxDiffFiles)) + l.Omitted; more > 0 {
		p.line("… and %d more %s", more, noun(int(more), "file"))
	}
}

func changes(l report.DiffLayer) string {
	var parts []string
	for _, c := range []struct {
		n    int64
		what string
	}{{l.Added, "added"}, {l.Removed, "removed"}, {l.Changed, "changed"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s %s", c.n, noun(int(c.n), "file"), c.what))
		}
	}
	return strings.Join(parts, ", ")
}
