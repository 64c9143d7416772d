package xlsx

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"repro/internal/badfile"
)

// maxNested bounds elements within each other.
const maxNested = 256

// token is a piece of XML.
type token uint8

const (
	atEnd token = iota // of the file
	startOf
	endOf
	textOf
)

// markup takes the XML of a workbook's parts apart, some forty times as fast as
// encoding/xml, which matters for sheets of a million cells. It takes the XML
// that such parts consist of: UTF-8, without document types. Names are without
// their prefixes; places of elements tell them apart.
type markup struct {
	b     []byte
	at    int
	open  [][]byte // names of the elements around, with their prefixes
	name  []byte   // of the element that starts or ends, without its prefix
	attrs []byte   // of the element that starts, as they stand
	text  []byte   // as it stands
	plain bool     // the text is a CDATA section
	empty bool     // the element that started has ended, too
}

func newMarkup(b []byte) (*markup, error) {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if !utf8.Valid(b) {
		return nil, badfile.Unread("a part is not in UTF-8")
	}
	return &markup{b: b}, nil
}

// next moves to the next token.
func (m *markup) next() (token, error) {
	if m.empty {
		m.empty = false
		m.open = m.open[:len(m.open)-1]
		return endOf, nil
	}
	for m.at < len(m.b) {
		if m.b[m.at] != '<' {
			end := bytes.IndexByte(m.b[m.at:], '<')
			if end < 0 {
				end = len(m.b) - m.at
			}
			m.text, m.plain = m.b[m.at:m.at+end], false
			m.at += end
			if len(m.open) == 0 {
				if len(bytes.TrimSpace(m.text)) > 0 {
					return atEnd, badfile.Damaged("text stands outside all elements")
				}
				continue
			}
			return textOf, nil
		}
		rest := m.b[m.at:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			if err := m.skip("-->"); err != nil {
				return atEnd, err
			}
		case bytes.HasPrefix(rest, []byte("<?")):
			if err := m.skip("?>"); err != nil {
				return atEnd, err
			}
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			from := m.at + len("<![CDATA[")
			if err := m.skip("]]>"); err != nil || len(m.open) == 0 {
				return atEnd, badfile.Damaged("a CDATA section is damaged")
			}
			m.text, m.plain = m.b[from:m.at-len("]]>")], true
			return textOf, nil
		case bytes.HasPrefix(rest, []byte("<!")):
			return atEnd, badfile.Unread("a part has a document type")
		default:
			return m.tag()
		}
	}
	if len(m.open) > 0 {
		return atEnd, badfile.Damaged("a part ends too early")
	}
	return atEnd, nil
}

func (m *markup) skip(end string) error {
	n := bytes.Index(m.b[m.at:], []byte(end))
	if n < 0 {
		return badfile.Damaged("a part ends too early")
	}
	m.at += n + len(end)
	return nil
}

// tag reads a start tag or an end tag.
func (m *markup) tag() (token, error) {
	end := m.at + 1
	for quote := byte(0); ; end++ {
		if end == len(m.b) {
			return atEnd, badfile.Damaged("a part ends too early")
		}
		c := m.b[end]
		if quote != 0 {
			if c == quote {
				quote = 0
			}
		} else if c == '"' || c == '\'' {
			quote = c
		} else if c == '>' {
			break
		}
	}
	body := m.b[m.at+1 : end]
	m.at = end + 1
	if name, isEnd := bytes.CutPrefix(body, []byte("/")); isEnd {
		name = bytes.TrimRight(name, " \t\r\n")
		if len(m.open) == 0 || !bytes.Equal(name, m.open[len(m.open)-1]) {
			return atEnd, badfile.Damaged("the tag </%s> closes no element", badfile.Shorten(string(name)))
		}
		m.open = m.open[:len(m.open)-1]
		m.name = local(name)
		return endOf, nil
	}
	body, m.empty = bytes.CutSuffix(body, []byte("/"))
	at := bytes.IndexAny(body, " \t\r\n")
	if at < 0 {
		at = len(body)
	}
	if at == 0 || len(m.open) == maxNested {
		return atEnd, badfile.Damaged("a tag without a name, or elements too deep in each other")
	}
	m.open = append(m.open, body[:at])
	m.name, m.attrs = local(body[:at]), body[at:]
	return startOf, nil
}

func local(name []byte) []byte {
	return name[bytes.IndexByte(name, ':')+1:]
}

// attribute returns an attribute of the element that started, by its name
// without a prefix; "" if it has none.
func (m *markup) attribute(name string) string {
	for rest := m.attrs; ; {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		eq := bytes.IndexByte(rest, '=')
		if eq < 0 {
			return ""
		}
		key := bytes.TrimRight(rest[:eq], " \t\r\n")
		rest = bytes.TrimLeft(rest[eq+1:], " \t\r\n")
		if len(rest) == 0 {
			return ""
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return ""
		}
		if string(local(key)) == name {
			return unescape(rest[1 : 1+end])
		}
		rest = rest[end+2:]
	}
}

// characters is the text of a token.
func (m *markup) characters() string {
	if m.plain {
		return strings.ReplaceAll(string(m.text), "\r\n", "\n")
	}
	return unescape(m.text)
}

var entities = map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'"}

// unescape resolves references; one that is not known stays as it is.
func unescape(b []byte) string {
	if bytes.IndexByte(b, '&') < 0 && bytes.IndexByte(b, '\r') < 0 {
		return string(b)
	}
	s := strings.ReplaceAll(string(b), "\r\n", "\n")
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, "&")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, rest, ends := strings.Cut(after, ";")
		text := entities[name]
		if number, is := strings.CutPrefix(name, "#"); is && ends && len(number) < 10 {
			base := 10
			if hex, is := strings.CutPrefix(number, "x"); is {
				number, base = hex, 16
			}
			if n, err := strconv.ParseUint(number, base, 32); err == nil && n < utf8.MaxRune {
				text = string(rune(n))
			}
		}
		if text == "" || !ends {
			out.WriteByte('&')
			s = after
			continue
		}
		out.WriteString(text)
		s = rest
	}
}

// walk calls visit for each element that starts, with the names of those around
// it and its own, and skips what visit did not read.
func (m *markup) walk(visit func(path []string) error) error {
	var path []string
	for {
		t, err := m.next()
		if err != nil {
			return err
		}
		switch t {
		case atEnd:
			return nil
		case startOf:
			path = append(path, string(m.name))
			if err := visit(path); err != nil {
				return err
			}
		case endOf:
			path = path[:len(m.open)]
		}
		if len(path) > len(m.open) {
			path = path[:len(m.open)]
		}
	}
}

// inner reads to the end of the element that started, and joins the texts that
// its elements of the given names hold, at any depth; "" stands for its own.
func (m *markup) inner(within ...string) (string, error) {
	depth := len(m.open)
	if m.empty {
		_, err := m.next()
		return "", err
	}
	var out strings.Builder
	for {
		t, err := m.next()
		switch {
		case err != nil:
			return "", err
		case t == atEnd || t == endOf && len(m.open) < depth:
			return out.String(), nil
		case t == textOf && m.in(within, depth):
			out.WriteString(m.characters())
		}
	}
}

// in reports whether the innermost element is one of those named, below a depth.
func (m *markup) in(within []string, depth int) bool {
	for _, name := range within {
		if name == "" && len(m.open) == depth || name != "" && len(m.open) > depth && string(local(m.open[len(m.open)-1])) == name {
			return true
		}
	}
	return false
}
