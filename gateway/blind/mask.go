// Package blind takes the names of people out of what a gateway sends, for
// double-blind review: authors' for reviewers, and the other way round.
//
// Nothing is left to the pages: a [Mask] stands between every handler and the
// connection. In text, a name becomes "author~1", a number for each name, so
// that two can be told apart and an address with such a word in it leads back to
// the file that it means. Other content that holds a name is not sent at all.
//
// What no search of bytes finds, as names in pictures and in compressed files,
// the authors list themselves: [Mask.Withholds]. SPEC.md, GTW-9.
package blind

import (
	"html"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pseudonym stands before the number of a name.
const pseudonym = "author~"

// Limits of what is listed as names and files.
const (
	MaxNames = 500
	MaxName  = 200 // bytes
	MaxFiles = 500
)

// form is one way in which a name may be written.
type form struct {
	text  []rune // folded, unless exact
	exact bool
	whole bool // only as a word of its own
	group int  // whose it is
}

// Mask takes names out. Goroutines may share it; the zero value and nil take
// out none.
type Mask struct {
	names   []string // by group: what a pseudonym stands for, exact or in small letters
	forms   map[rune][]form
	ascii   [utf8.RuneSelf]bool // with which of these a form begins, in any letter case
	longest int                 // bytes that the longest form can take
	files   []string
}

// New returns a mask of names, as [Names] gives them, which withholds files of
// an image that match one of those patterns of package path.
func New(names, files []string) *Mask {
	m := &Mask{forms: map[rune][]form{}, files: files}
	for _, n := range names {
		m.add(n)
	}
	for r := range m.forms { // the longest first
		slices.SortStableFunc(m.forms[r], func(a, b form) int { return len(b.text) - len(a.text) })
	}
	return m
}

func (m *Mask) add(name string) {
	name, isExact := strings.CutPrefix(name, exact)
	if !isExact {
		name = strings.ToLower(name)
	}
	if name == "" || slices.Contains(m.names, name) {
		return
	}
	group := len(m.names)
	m.names = append(m.names, name)
	whole := isExact || utf8.RuneCountInString(name) <= shortName && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, text := range spellings(name, isExact) {
		f := form{[]rune(text), isExact, whole, group}
		if !isExact {
			for i, r := range f.text {
				f.text[i] = fold(r)
			}
		}
		m.forms[f.text[0]] = append(m.forms[f.text[0]], f)
		for r := range rune(utf8.RuneSelf) {
			m.ascii[r] = m.ascii[r] || r == f.text[0] || fold(r) == f.text[0]
		}
		m.longest = max(m.longest, len(f.text)*utf8.UTFMax)
	}
}

// spellings are a name as HTML, addresses and JSON write it.
func spellings(name string, isExact bool) (all []string) {
	cases := []string{name}
	if !isExact { // what is escaped is not found in other letter case
		cases = append(cases, titled(name), strings.ToUpper(name))
	}
	add := func(s string) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	for _, n := range cases {
		ascii := strings.Trim(strconv.QuoteToASCII(n), `"`)
		add(inJSON.Replace(n))
		for _, s := range []string{n, html.EscapeString(n), url.PathEscape(n), url.QueryEscape(n), ascii, (&url.URL{Path: n}).EscapedPath()} {
			add(s)
		}
	}
	return all
}

// inJSON escapes as encoding/json does.
var inJSON = strings.NewReplacer("&", `\u0026`, "<", `\u003c`, ">", `\u003e`)

func fold(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

// decode reads one character of b. A byte that is no UTF-8 is one of Latin-1.
func decode(b []byte) (rune, int) {
	r, n := utf8.DecodeRune(b)
	if r == utf8.RuneError && n == 1 {
		r = rune(b[0])
	}
	return r, n
}

// match finds the longest name at the beginning of b, behind the character
// before: its group, and how many bytes it takes; 0: there is none.
func (m *Mask) match(before rune, b []byte) (group, size int) {
	if b[0] < utf8.RuneSelf && !m.ascii[b[0]] {
		return 0, 0 // most of them
	}
	first, _ := decode(b)
	for _, key := range []rune{first, fold(first)} {
		for _, f := range m.forms[key] {
			if n := f.at(before, b); n > size {
				group, size = f.group, n
			}
		}
		if fold(first) == first {
			break
		}
	}
	return group, size
}

// at returns how many bytes of the beginning of b are f.
func (f *form) at(before rune, b []byte) (size int) {
	if f.whole && unicode.IsLetter(before) {
		return 0
	}
	for _, want := range f.text {
		if size == len(b) {
			return 0
		}
		r, n := decode(b[size:])
		if r != want && (f.exact || fold(r) != want) {
			return 0
		}
		size += n
	}
	if f.whole && size < len(b) {
		if after, _ := decode(b[size:]); unicode.IsLetter(after) {
			return 0
		}
	}
	return size
}

// mask appends to out what b becomes. At most before the last keep bytes begins
// what is taken; rest is what was not, and last the character before it.
func (m *Mask) mask(out []byte, before rune, b []byte, keep int) (_ []byte, last rune, rest []byte) {
	for len(b) > keep {
		if group, n := m.match(before, b); n > 0 {
			out = append(out, m.token(group, b[:n])...)
			before, b = '~', b[n:] // the number ends with no letter
			continue
		}
		r, n := decode(b)
		out, before, b = append(out, b[:n]...), r, b[n:]
	}
	return out, before, b
}

// token is the pseudonym of a name, in the letter case in which it was found.
func (m *Mask) token(group int, found []byte) string {
	word := pseudonym
	first, n := decode(found)
	switch s := string(found); {
	case unicode.IsUpper(first) && len(found) > n && s == strings.ToUpper(s):
		word = strings.ToUpper(word)
	case unicode.IsUpper(first):
		word = titled(word)
	}
	return word + strconv.Itoa(group+1)
}

// titled gives each word a capital letter.
func titled(s string) string {
	before := ' '
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(before) {
			before = r
			return unicode.ToTitle(r)
		}
		before = r
		return r
	}, s)
}

// Text returns s without names.
func (m *Mask) Text(s string) string {
	if m == nil || len(m.names) == 0 {
		return s
	}
	out, _, _ := m.mask(nil, ' ', []byte(s), 0)
	return string(out)
}

// Original returns s with the names for which pseudonyms stand: of what somebody
// sends back who was shown them, as an address. It must not be shown again
// unmasked.
func (m *Mask) Original(s string) string {
	if m == nil || len(m.names) == 0 {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		name, n := m.original(s[i:])
		if n == 0 {
			n = 1
			name = s[i : i+1]
		}
		out.WriteString(name)
		i += n
	}
	return out.String()
}

// original reads one pseudonym at the beginning of s.
func (m *Mask) original(s string) (name string, size int) {
	if len(s) <= len(pseudonym) || !strings.EqualFold(s[:len(pseudonym)], pseudonym) {
		return "", 0
	}
	size = len(pseudonym)
	for size < len(s) && s[size] >= '0' && s[size] <= '9' {
		size++
	}
	n, err := strconv.Atoi(s[len(pseudonym):size])
	if err != nil || n < 1 || n > len(m.names) {
		return "", 0
	}
	name = m.names[n-1]
	switch s[:len(pseudonym)] {
	case strings.ToUpper(pseudonym):
		name = strings.ToUpper(name)
	case titled(pseudonym):
		name = titled(name)
	}
	return name, size
}

// Holds reports whether a name stands in b: also in UTF-16.
func (m *Mask) Holds(b []byte) bool {
	if m == nil || len(m.names) == 0 {
		return false
	}
	if m.holds(b) {
		return true
	}
	narrow := make([]byte, 0, len(b))
	for _, c := range b {
		if c != 0 {
			narrow = append(narrow, c)
		}
	}
	return len(narrow) < len(b) && m.holds(narrow)
}

func (m *Mask) holds(b []byte) bool {
	before := ' '
	for len(b) > 0 {
		if _, n := m.match(before, b); n > 0 {
			return true
		}
		r, n := decode(b)
		before, b = r, b[n:]
	}
	return false
}

// Withholds reports whether the file at a path of an image, or a folder in which
// it is, was listed as one that says whose work it is.
func (m *Mask) Withholds(at string) bool {
	if m == nil {
		return false
	}
	for at = path.Clean("/" + at); at != "/"; at = path.Dir(at) {
		for _, pattern := range m.files {
			full := path.Clean("/" + pattern)
			if ok, err := path.Match(full, at); ok && err == nil {
				return true
			}
			if ok, err := path.Match(pattern, path.Base(at)); ok && err == nil && !strings.Contains(pattern, "/") {
				return true
			}
		}
	}
	return false
}
