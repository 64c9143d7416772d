// Package view shows reports to people: as text for a terminal, and as one
// HTML file that needs nothing else.
//
// Every text in a report is hostile: it comes from an image, from its steps or
// from the files that they wrote. Nothing is shown that could move a cursor,
// reorder a line or run as a script.
package view

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"repro/report"
)

// Style says how text for a terminal looks. The zero value is plain.
type Style struct {
	Color bool // ANSI colours
}

// tone is what a piece of text stands for.
type tone string

const (
	plain tone = ""
	bold  tone = "1"
	dim   tone = "2"
	good  tone = "32"
	warn  tone = "33"
	bad   tone = "31"
)

func (s Style) paint(t tone, text string) string {
	if !s.Color || t == plain || text == "" {
		return text
	}
	return "\x1b[" + string(t) + "m" + text + "\x1b[0m"
}

// Clean makes s safe to show on one line: control characters, marks that
// reorder text and bytes that are not UTF-8 appear as escapes.
func Clean(s string) string {
	if strings.IndexFunc(s, unsafeRune) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unsafeRune(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case unsafeRune(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// EscapeJSON returns a JSON document in which the characters that [Clean]
// escapes stand as \u and four digits, which changes nothing of what it says:
// they can only be in strings.
func EscapeJSON(doc []byte) []byte {
	out := make([]byte, 0, len(doc))
	for _, r := range string(doc) {
		switch {
		case r == '\n' || r == '\t' || !unsafeRune(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// unsafeRune reports controls, line and paragraph separators, and the format
// characters of Unicode's Cf, with which text can be made to read otherwise
// than it is (CVE-2021-42574).
func unsafeRune(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

// cleanLines is [Clean] for text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(Clean(strings.ReplaceAll(line, "\t", "    ")), "\t", " ")
	}
	return strings.Join(lines, "\n")
}

// width is the number of columns that s takes on a terminal.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
			n += 2
		default:
			n++
		}
	}
	return n
}

// Verdict says in one line how many published results came out again:
// "reproduced 4 of 4 published results".
func Verdict(c report.Counts) string {
	return fmt.Sprintf("reproduced %d of %d published results%s", c.Reproduced, c.Results, failures(c))
}

// failures lists the verdicts that did not reproduce.
func failures(c report.Counts) string {
	var parts []string
	for _, v := range []report.Verdict{report.Differs, report.Missing, report.NeedsEyes} {
		if n := c.Verdicts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, inWords(v, n)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

func inWords(v report.Verdict, n int) string {
	if n != 1 {
		switch v {
		case report.Differs:
			return "differ"
		case report.NeedsEyes:
			return "need eyes"
		}
	}
	return string(v)
}

func noun(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func toneOf(v report.Verdict) tone {
	switch {
	case v.Reproduced():
		return good
	case v == report.NeedsEyes:
		return warn
	}
	return bad
}

// bytesOf prints a size in binary units.
func bytesOf(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, units := float64(n), "KMGTPE"
	for f >= 1024 && units != "" {
		f /= 1024
		if f < 1024 || len(units) == 1 {
			break
		}
		units = units[1:]
	}
	return fmt.Sprintf("%.3g %ciB", min(f, 9999), units[0])
}

// duration prints milliseconds.
func duration(ms int64) string {
	switch {
	case ms < 1000:
		return fmt.Sprintf("%d ms", ms)
	case ms < 60_000:
		return fmt.Sprintf("%.1f s", float64(ms)/1000)
	}
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}

// elapsed between two times of a report, or "".
func elapsed(from, to string) string {
	a, err := time.Parse(time.RFC3339Nano, from)
	if err != nil {
		return ""
	}
	b, err := time.Parse(time.RFC3339Nano, to)
	if err != nil || b.Before(a) {
		return ""
	}
	if b.Sub(a) < time.Second { // reports count in seconds
		return "less than a second"
	}
	return duration(b.Sub(a).Milliseconds())
}
