package compare

import (
	"bytes"
	"context"
	"html"
	"slices"
	"strings"
	"unicode/utf8"
)

const kindHTML = "html"

func init() { comparers[kindHTML] = compareHTML }

func compareHTML(ctx context.Context, j *job) error {
	return j.compareFacts(ctx, readHTML, "the same elements; only comments, the order of attributes or blanks differ")
}

// htmlReader turns tags and text into facts. It does not mend what a browser
// would: other tags are another file (CMP-123).
type htmlReader struct {
	facts
	b    []byte
	at   int
	row  int // of the table, from 1
	cell int
}

// rawText are the elements whose content holds no tags.
var rawText = []string{"script", "style", "textarea", "title"}

func readHTML(b []byte, of side) ([]fact, error) {
	h := &htmlReader{facts: facts{of: of}, b: b}
	if !utf8.Valid(b) {
		return nil, malformed(of, kindHTML, "text that is not UTF-8")
	}
	for h.at < len(h.b) {
		if err := h.next(); err != nil {
			return nil, err
		}
	}
	return plainHTML(h.list), nil
}

func (h *htmlReader) next() error {
	rest := h.b[h.at:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		h.at += after(rest, "-->")
	case bytes.HasPrefix(rest, []byte("<!")), bytes.HasPrefix(rest, []byte("<?")):
		h.at += after(rest, ">")
	case len(rest) > 1 && rest[0] == '<' && (rest[1] == '/' || isLetter(rest[1])):
		return h.tag()
	default:
		end := bytes.IndexByte(rest[1:], '<') + 1
		if end == 0 {
			end = len(rest)
		}
		h.at += end
		return h.words(string(rest[:end]))
	}
	return nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// after is where to go on behind an end mark.
func after(b []byte, end string) int {
	if i := bytes.Index(b, []byte(end)); i >= 0 {
		return i + len(end)
	}
	return len(b)
}

// words adds a text. How long its blanks are carries nothing, that there are
// some does.
func (h *htmlReader) words(s string) error {
	text := oneBlank(html.UnescapeString(s))
	if text == "" {
		text = "blank"
	} else {
		text = "text " + text
	}
	return h.add(h.where(), text)
}

func (h *htmlReader) where() string {
	if h.row == 0 {
		return "page"
	}
	return strings.TrimSuffix("table row "+itoa(h.row)+", cell "+itoa(h.cell), ", cell 0")
}

// tag adds a tag and its attributes.
func (h *htmlReader) tag() error {
	text, size, whole := cutTag(h.b[h.at:])
	h.at += size
	if !whole {
		return malformed(h.of, kindHTML, "a tag that does not end")
	}
	name, attributes := splitTag(text)
	switch name {
	case "table":
		h.row, h.cell = 0, 0
	case "tr":
		h.row, h.cell = h.row+1, 0
	case "td", "th":
		h.cell++
	case "/table":
		defer func() { h.row = 0 }()
	}
	if err := h.add(h.where(), "<"+name+">"); err != nil {
		return err
	}
	for _, a := range attributes {
		if err := h.add(h.where()+", <"+name+">", "@"+a); err != nil {
			return err
		}
	}
	if !slices.Contains(rawText, name) {
		return nil
	}
	rest := h.b[h.at:]
	end := bytes.Index(bytes.ToLower(rest), []byte("</"+name))
	if end < 0 {
		end = len(rest)
	}
	h.at += end
	for line := range strings.Lines(string(rest[:end])) {
		if err := h.add("<"+name+">", "raw "+strings.TrimRight(line, "\r\n")); err != nil {
			return err
		}
	}
	return nil
}

// cutTag returns what stands between < and >, quoted values whole.
func cutTag(b []byte) (string, int, bool) {
	quote := byte(0)
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return string(b[1:i]), i + 1, true
		}
	}
	return "", len(b), false
}

// splitTag returns a tag's name in lower case and its attributes in order of
// their names, as `name = value`.
func splitTag(text string) (string, []string) {
	text = strings.TrimSuffix(strings.TrimSpace(text), "/")
	end := strings.IndexFunc(text, isBlank)
	if end < 0 {
		return strings.ToLower(text), nil
	}
	name, rest := strings.ToLower(text[:end]), text[end:]
	var out []string
	for {
		rest = strings.TrimLeftFunc(rest, isBlank)
		if rest == "" {
			slices.Sort(out)
			return name, out
		}
		end := strings.IndexFunc(rest[1:], func(r rune) bool { return isBlank(r) || r == '=' }) + 1
		if end == 0 {
			end = len(rest)
		}
		key := strings.ToLower(rest[:end])
		rest = strings.TrimLeftFunc(rest[end:], isBlank)
		value := ""
		if after, ok := strings.CutPrefix(rest, "="); ok {
			value, rest = cutValue(strings.TrimLeftFunc(after, isBlank))
		}
		out = append(out, key+" = "+strings.Map(blankEnds, html.UnescapeString(value)))
	}
}

func isBlank(r rune) bool { return strings.ContainsRune(" \t\r\n\f", r) }

func cutValue(s string) (string, string) {
	if s != "" && (s[0] == '"' || s[0] == '\'') {
		if value, rest, ok := strings.Cut(s[1:], s[:1]); ok {
			return value, rest
		}
	}
	if end := strings.IndexFunc(s, isBlank); end >= 0 {
		return s[:end], s[end:]
	}
	return s, ""
}
