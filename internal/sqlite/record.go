package sqlite

import (
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"strings"

	"repro/internal/badfile"
)

// record takes the values out of a record: nil, int64, float64, string, []byte.
func (f *file) record(b []byte) ([]any, error) {
	size, rest, err := varint(b)
	if err != nil {
		return nil, err
	}
	if size > uint64(len(b)) || uint64(len(b)-len(rest)) > size {
		return nil, badfile.Damaged("a record's head ends too early")
	}
	head, body := b[len(b)-len(rest):size], b[size:]
	var out []any
	for len(head) > 0 {
		if len(out) == maxColumns {
			return nil, badfile.TooLarge("more than %d columns", maxColumns)
		}
		var serial uint64
		if serial, head, err = varint(head); err != nil {
			return nil, err
		}
		v, n, err := f.value(serial, body)
		if err != nil {
			return nil, err
		}
		if f.values += n + 16; f.values > maxValues {
			return nil, badfile.TooLarge("more than %d bytes of values", maxValues)
		}
		out, body = append(out, v), body[n:]
	}
	return out, nil
}

// value is one value, and how many bytes it has.
func (f *file) value(serial uint64, b []byte) (any, int, error) {
	size := uint64(0)
	switch {
	case serial >= 12:
		size = (serial - 12) / 2
	case serial <= 7:
		size = uint64([...]int{0, 1, 2, 3, 4, 6, 8, 8}[serial])
	case serial > 9:
		return nil, 0, badfile.Damaged("a value of the kind %d", serial)
	}
	if size > uint64(len(b)) {
		return nil, 0, badfile.Damaged("a record ends too early")
	}
	n := int(size)
	switch {
	case serial == 0:
		return nil, 0, nil
	case serial == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), n, nil
	case serial == 8 || serial == 9:
		return int64(serial - 8), 0, nil
	case serial < 7:
		v := int64(int8(b[0]))
		for _, c := range b[1:n] {
			v = v<<8 | int64(c)
		}
		return v, n, nil
	case serial%2 == 0:
		return b[:n:n], n, nil
	}
	return f.decode(b[:n]), n, nil
}

// column is a column as its table's statement declares it.
type column struct {
	name string
	real bool // whole numbers in it are kept as such, and mean floats
}

// declared is what a statement that creates a table says.
type declared struct {
	columns []column
	key     int  // the column that is the rowid; -1: none
	keyed   bool // rows are kept by their key: WITHOUT ROWID
}

var (
	keyColumn  = regexp.MustCompile(`(?i)^INTEGER\s+(?:CONSTRAINT\s+\S+\s+)?PRIMARY\s+KEY\b(\s+DESC\b)?`)
	tableKey   = regexp.MustCompile("(?i)^(?:CONSTRAINT\\s+\\S+\\s+)?PRIMARY\\s+KEY\\s*\\(\\s*[\"`\\[]?([^\"`\\])\\s,]+)[\"`\\]]?\\s*(?:ASC\\s*)?\\)")
	constraint = regexp.MustCompile(`(?i)^(?:CONSTRAINT|PRIMARY\s+KEY|UNIQUE|CHECK|FOREIGN\s+KEY)\b`)
	typeEnd    = regexp.MustCompile(`(?i)\b(?:CONSTRAINT|PRIMARY|NOT|NULL|UNIQUE|CHECK|DEFAULT|COLLATE|REFERENCES|GENERATED|AS)\b`)
	generated  = regexp.MustCompile(`(?i)\bGENERATED\s+ALWAYS\b|\bAS\s*\(`)
	rowless    = regexp.MustCompile(`(?i)\)[^)]*\bWITHOUT\s+ROWID\b[^)]*$`)
	comment    = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/`)
)

// declare reads a CREATE TABLE.
func declare(sql string) (*declared, error) {
	sql = comment.ReplaceAllString(sql, " ")
	parts, err := split(sql)
	if err != nil {
		return nil, err
	}
	d := &declared{key: -1, keyed: rowless.MatchString(sql)}
	for _, part := range parts {
		if constraint.MatchString(part) {
			continue
		}
		name, rest := word(part)
		if generated.MatchString(rest) {
			return nil, badfile.Unread("the column %q is computed", badfile.Shorten(name))
		}
		if m := keyColumn.FindStringSubmatch(rest); m != nil && m[1] == "" && !d.keyed {
			d.key = len(d.columns)
		}
		typed := rest
		if at := typeEnd.FindStringIndex(rest); at != nil {
			typed = rest[:at[0]]
		}
		d.columns = append(d.columns, column{name: name, real: affinityReal(typed)})
	}
	for _, part := range parts {
		m := tableKey.FindStringSubmatch(part)
		if m == nil || d.keyed {
			continue
		}
		for i, c := range d.columns {
			_, rest := word(parts[i])
			if strings.EqualFold(c.name, m[1]) && strings.EqualFold(strings.TrimSpace(strings.SplitN(rest+" ", " ", 2)[0]), "INTEGER") {
				d.key = i
			}
		}
	}
	return d, nil
}

// affinityReal applies the rules of "Datatypes in SQLite", 3.1.
func affinityReal(typed string) bool {
	t := strings.ToUpper(typed)
	for _, other := range []string{"INT", "CHAR", "CLOB", "TEXT", "BLOB"} {
		if strings.Contains(t, other) {
			return false
		}
	}
	return strings.Contains(t, "REAL") || strings.Contains(t, "FLOA") || strings.Contains(t, "DOUB")
}

// split cuts what stands between the outer parentheses at its commas.
func split(sql string) ([]string, error) {
	start := strings.IndexByte(sql, '(')
	if start < 0 {
		return nil, badfile.Unread("a table without columns: %s", badfile.Shorten(sql))
	}
	var parts []string
	depth, from := 0, start+1
	for i := start; i < len(sql); i++ {
		switch c := sql[i]; c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return append(parts, strings.TrimSpace(sql[from:i])), nil
			}
		case ',':
			if depth == 1 {
				parts = append(parts, strings.TrimSpace(sql[from:i]))
				from = i + 1
			}
		case '\'', '"', '`', '[':
			if c == '[' {
				c = ']'
			}
			end := strings.IndexByte(sql[i+1:], c)
			if end < 0 {
				return nil, badfile.Damaged("a name does not end: %s", badfile.Shorten(sql))
			}
			i += end + 1
		}
	}
	return nil, badfile.Damaged("a statement does not end: %s", badfile.Shorten(sql))
}

// word takes the first name off.
func word(s string) (name, rest string) {
	if s == "" {
		return "", ""
	}
	if i := strings.IndexByte("\"`['", s[0]); i >= 0 {
		if end := strings.IndexByte(s[1:], "\"`]'"[i]); end >= 0 {
			return s[1 : 1+end], strings.TrimSpace(s[2+end:])
		}
	}
	name, rest, _ = strings.Cut(strings.Join(strings.Fields(s), " "), " ")
	return name, rest
}

func sayValue(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []byte:
		return fmt.Sprintf("blob %x", v)
	case string:
		return "text " + v
	}
	return fmt.Sprintf("%T %v", v, v)
}
