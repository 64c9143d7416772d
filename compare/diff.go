package compare

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits on what a person is shown.
const (
	maxDiffLines = 40
	maxClip      = 160 // characters
)

// watcher is told what a comparer found, item by item, for display.
type watcher interface {
	header(pub, new *item, t *table)
	both(pub, new *item, p *pair)
	replaced(pub, new *item)
	dropped(pub *item)
	added(new *item)
	value(where, pub, new string, mark Mark) // of a tree of values
}

// differ writes a short unified diff.
type differ struct {
	out     strings.Builder
	lines   int
	omitted int64
}

func (d *differ) header(_, _ *item, _ *table) {}

func (d *differ) both(pub, new *item, p *pair) {
	for i := range p.changes {
		if p.changes[i].what > agrees {
			d.replaced(pub, new)
			return
		}
	}
}

func (d *differ) replaced(pub, new *item) {
	d.hunk(pub.n, new.n, string(pub.text), string(new.text))
}

func (d *differ) dropped(pub *item) {
	d.put(fmt.Sprintf("@@ -%d @@\n-%s\n", pub.n, clip(string(pub.text))), 2)
}

func (d *differ) added(new *item) {
	d.put(fmt.Sprintf("@@ +%d @@\n+%s\n", new.n, clip(string(new.text))), 2)
}

func (d *differ) value(where, pub, new string, mark Mark) {
	if mark == Printed {
		return
	}
	hunk := "@@ " + clip(where) + " @@\n"
	lines := 1
	if pub != "" {
		hunk += "-" + clip(pub) + "\n"
		lines++
	}
	if new != "" {
		hunk += "+" + clip(new) + "\n"
		lines++
	}
	d.put(hunk, lines)
}

func (d *differ) hunk(at, atNew int64, pub, new string) {
	d.put(fmt.Sprintf("@@ -%d +%d @@\n-%s\n+%s\n", at, atNew, clip(pub), clip(new)), 3)
}

func (d *differ) put(hunk string, lines int) {
	if d.lines+lines > maxDiffLines {
		d.omitted++
		return
	}
	d.out.WriteString(hunk)
	d.lines += lines
}

func (d *differ) String() string {
	if d.omitted > 0 {
		return fmt.Sprintf("%s… and %d more\n", d.out.String(), d.omitted)
	}
	return d.out.String()
}

// clip shortens text for a person and makes it valid UTF-8 on one line.
func clip(s string) string {
	if len(s) > 4*maxClip {
		s = s[:4*maxClip]
	}
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
	if utf8.RuneCountInString(s) > maxClip {
		return string([]rune(s)[:maxClip]) + "…"
	}
	return s
}

// quote shows bytes of a file within a sentence.
func quote(b []byte) string {
	if isNumber(b) {
		return string(b)
	}
	return fmt.Sprintf("%q", clip(string(b)))
}
