package npy

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/pattern"
)

type header struct {
	typed       dtype
	columnMajor bool
	shape       []int
}

// readHeader reads the Python dictionary that numpy writes.
func readHeader(text string) (*header, error) {
	l := &literal{s: text}
	v, ok := l.value(0).(map[string]any)
	if !ok || l.bad || strings.TrimSpace(l.s) != "" || len(v) != 3 {
		return nil, badfile.Damaged("its header is not as numpy writes it")
	}
	h := &header{}
	order, known := v["fortran_order"].(bool)
	h.columnMajor = order
	shape, isList := v["shape"].([]any)
	if !known || !isList {
		return nil, badfile.Damaged("its header is not as numpy writes it")
	}
	var err error
	if h.shape, err = numbers(shape); err != nil {
		return nil, err
	}
	h.typed, err = readType(v["descr"], 0)
	return h, err
}

func numbers(list []any) ([]int, error) {
	var out []int
	for _, n := range list {
		d, ok := n.(int)
		if !ok || d < 0 || len(list) > ndarray.MaxAxes {
			return nil, badfile.Damaged("its shape is damaged")
		}
		out = append(out, d)
	}
	return out, nil
}

var codeForm = pattern.New(`^([<>|=])([a-zA-Z])([0-9]{1,6})(\[[0-9a-zA-Z/]*\])?$`)

// readType reads a type: a code, or a list of fields.
func readType(v any, depth int) (dtype, error) {
	if depth > maxDepth {
		return dtype{}, badfile.TooLarge("records lie more than %d deep in each other", maxDepth)
	}
	if fields, ok := v.([]any); ok {
		return readRecord(fields, depth)
	}
	code, _ := v.(string)
	m := codeForm.FindStringSubmatch(code)
	if m == nil {
		return dtype{}, badfile.Unread("the array is of type %q", badfile.Shorten(code))
	}
	d := dtype{code: code, order: binary.LittleEndian}
	if m[1] == ">" {
		d.order = binary.BigEndian
	}
	d.size, _ = strconv.Atoi(m[3])
	known := d.size > 0
	switch m[2] {
	case "f":
		d.class, known = ndarray.Float, slices.Contains([]int{2, 4, 8}, d.size)
	case "i":
		d.class, known = ndarray.Int, slices.Contains([]int{1, 2, 4, 8}, d.size)
	case "u":
		d.class, known = ndarray.Uint, slices.Contains([]int{1, 2, 4, 8}, d.size)
	case "M", "m": // times, as whole numbers of a unit
		d.class, known = ndarray.Int, d.size == 8 && m[4] != ""
	case "c":
		d.class, known = ndarray.Complex, d.size == 8 || d.size == 16
	case "b", "V":
		d.class = ndarray.Bytes
	case "S":
		known = true
	case "U":
		known = true
		d.size *= 4
	default:
		known = false
	}
	if !known {
		return dtype{}, badfile.Unread("the array is of type %q", code)
	}
	return d, nil
}

// readRecord reads fields: (name, type), or with the shape of a subarray.
func readRecord(fields []any, depth int) (dtype, error) {
	d := dtype{fields: []field{}}
	damaged := badfile.Damaged("its fields are not as numpy writes them")
	if len(fields) > maxFields {
		return d, badfile.TooLarge("more than %d fields", maxFields)
	}
	for _, v := range fields {
		parts, ok := v.([]any)
		if !ok || len(parts) < 2 || len(parts) > 3 {
			return d, damaged
		}
		name, ok := parts[0].(string)
		if title, has := parts[0].([]any); has && len(title) == 2 { // (title, name)
			name, ok = title[1].(string)
		}
		if !ok {
			return d, damaged
		}
		typed, err := readType(parts[1], depth+1)
		if err != nil {
			return d, err
		}
		total := typed.size
		if len(parts) == 3 {
			list, isList := parts[2].([]any)
			if !isList {
				return d, damaged
			}
			if typed.shape, err = numbers(list); err != nil {
				return d, err
			}
			for _, n := range typed.shape {
				if n > 0 && total > ndarray.MaxData/n {
					return d, badfile.TooLarge("a field of more than %d bytes", ndarray.MaxData)
				}
				total *= n
			}
		}
		if name != "" || !strings.HasPrefix(typed.code, "|V") { // else padding
			d.fields = append(d.fields, field{name, d.size, typed})
		}
		if d.size += total; d.size > ndarray.MaxData {
			return d, badfile.TooLarge("records of more than %d bytes", ndarray.MaxData)
		}
	}
	if d.size == 0 || len(d.fields) == 0 {
		return d, badfile.Unread("records without fields")
	}
	return d, nil
}

// literal reads the few forms of a Python literal that headers consist of.
type literal struct {
	s   string
	bad bool
}

func (l *literal) next() byte {
	l.s = strings.TrimLeft(l.s, " \n")
	if l.s == "" {
		l.bad = true
		return 0
	}
	return l.s[0]
}

// skip takes a text that must come next.
func (l *literal) skip(text string) {
	l.next()
	rest, ok := strings.CutPrefix(l.s, text)
	if l.s = rest; !ok {
		l.bad = true
	}
}

// value is a string, an int, a bool, a []any (list or tuple) or a
// map[string]any.
func (l *literal) value(depth int) any {
	if depth > 4*maxDepth {
		l.bad = true
	}
	c := l.next()
	switch {
	case l.bad:
		return nil
	case c == '\'' || c == '"':
		return l.text(c)
	case c == '(':
		return l.list("(", ')', depth)
	case c == '[':
		return l.list("[", ']', depth)
	case c == '{':
		return l.dictionary(depth)
	case c >= '0' && c <= '9':
		end := 0
		for end < len(l.s) && l.s[end] >= '0' && l.s[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(l.s[:end])
		l.bad = l.bad || err != nil
		l.s = strings.TrimPrefix(l.s[end:], "L") // Python 2
		return n
	case strings.HasPrefix(l.s, "True"):
		l.skip("True")
		return true
	}
	l.skip("False")
	return false
}

// text reads a text, of which only quotes and backslashes are escaped.
func (l *literal) text(quote byte) string {
	var b strings.Builder
	for i := 1; i < len(l.s); i++ {
		switch c := l.s[i]; {
		case c == quote:
			l.s = l.s[i+1:]
			return b.String()
		case c == '\\' && i+1 < len(l.s) && strings.IndexByte(`\'"`, l.s[i+1]) >= 0:
			i++
			b.WriteByte(l.s[i])
		case c == '\\' || c == '\n':
			l.bad = true
			return ""
		default:
			b.WriteByte(c)
		}
	}
	l.bad = true
	return ""
}

func (l *literal) list(open string, end byte, depth int) []any {
	out := []any{}
	for l.skip(open); l.next() != end && !l.bad; {
		out = append(out, l.value(depth+1))
		if l.next() != end {
			l.skip(",")
		}
	}
	l.skip(string(end))
	return out
}

func (l *literal) dictionary(depth int) map[string]any {
	out := map[string]any{}
	for l.skip("{"); l.next() != '}' && !l.bad; {
		key, _ := l.value(depth + 1).(string)
		l.skip(":")
		if _, twice := out[key]; twice {
			l.bad = true
		}
		out[key] = l.value(depth + 1)
		if l.next() != '}' {
			l.skip(",")
		}
	}
	l.skip("}")
	return out
}
