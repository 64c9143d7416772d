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
	more(n int64)                            // values that differ and were not handed out
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
	if d.room(3) {
		d.put("@@ -%d +%d @@\n-%s\n+%s\n", pub.n, new.n, clip(string(pub.text)), clip(string(new.text)))
	}
}

func (d *differ) dropped(pub *item) {
	if d.room(2) {
		d.put("@@ -%d @@\n-%s\n", pub.n, clip(string(pub.text)))
	}
}

func (d *differ) added(new *item) {
	if d.room(2) {
		d.put("@@ +%d @@\n+%s\n", new.n, clip(string(new.text)))
	}
}

func (d *differ) value(where, pub, new string, mark Mark) {
	if mark == Printed || !d.room(3) {
		return
	}
	d.put("@@ %s @@\n", clip(where))
	if pub != "" {
		d.put("-%s\n", clip(pub))
	}
	if new != "" {
		d.put("+%s\n", clip(new))
	}
}

func (d *differ) more(n int64) { d.omitted += n }

// room takes room for some lines, or counts one more place left out.
func (d *differ) room(lines int) bool {
	if d.lines+lines > maxDiffLines {
		d.omitted++
		return false
	}
	d.lines += lines
	return true
}

func (d *differ) put(format string, args ...any) { fmt.Fprintf(&d.out, format, args...) }

func (d *differ) String() string {
	if d.omitted > 0 {
		return fmt.Sprintf("%s… and %d more\n", d.out.String(), d.omitted)
	}
	return d.out.String()
}

var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// clip shortens text for a person and makes it valid UTF-8 on one line.
func clip(s string) string {
	if len(s) > 4*maxClip {
		s = s[:4*maxClip]
	}
	s = strings.ToValidUTF8(s, "\ufffd")
	s = oneLine.Replace(s)
	if len(s) > maxClip && utf8.RuneCountInString(s) > maxClip {
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
