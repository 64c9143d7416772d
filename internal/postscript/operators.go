package postscript

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// operators are all that a program may call. They are put in by the files of
// their sorts.
var operators = map[string]any{"true": true, "false": false, "null": nil, "languagelevel": 2.0}

func init() {
	for word, op := range map[string]builtin{
		"pop":  func(m *machine) error { _, err := m.pop(); return err },
		"exch": func(m *machine) error { return m.roll(2, 1) },
		"dup":  func(m *machine) error { return m.index(0) },
		"index": func(m *machine) error {
			n, err := m.whole()
			if err != nil {
				return err
			}
			return m.index(n)
		},
		"copy": copyTop,
		"roll": func(m *machine) error {
			by, err := m.whole()
			if err != nil {
				return err
			}
			n, err := m.whole()
			if err != nil {
				return err
			}
			return m.roll(n, by)
		},
		"clear":       func(m *machine) error { m.stack = m.stack[:0]; return nil },
		"count":       func(m *machine) error { return m.push(float64(len(m.stack))) },
		"mark":        func(m *machine) error { return m.push(mark{}) },
		"[":           func(m *machine) error { return m.push(mark{}) },
		"<<":          func(m *machine) error { return m.push(mark{}) },
		"pdfmark":     func(m *machine) error { _, err := m.toMark(); return err }, // for who makes a PDF of it
		"type":        typeOf,
		"cleartomark": func(m *machine) error { _, err := m.toMark(); return err },
		"counttomark": func(m *machine) error {
			n := slices.Index(reversed(m.stack), any(mark{}))
			if n < 0 {
				return errors.New("no mark")
			}
			return m.push(float64(n))
		},
		"]": func(m *machine) error {
			list, err := m.toMark()
			if err == nil {
				err = m.alloc(len(list), 16)
			}
			if err != nil {
				return err
			}
			return m.push(&array{list: slices.Clone(list)})
		},
		">>": func(m *machine) error {
			list, err := m.toMark()
			if err != nil || len(list)%2 != 0 {
				return errors.Join(err, errors.New("a dictionary without its values"))
			}
			d := &dict{m: map[any]any{}}
			for i := 0; i < len(list); i += 2 {
				key, err := keyOf(list[i])
				if err != nil {
					return err
				}
				d.m[key] = list[i+1]
			}
			return m.push(d)
		},
		"def": func(m *machine) error { return m.define(m.dicts[len(m.dicts)-1]) },
		"store": func(m *machine) error {
			if len(m.stack) < 2 {
				return errUnderflow
			}
			key, err := keyOf(m.stack[len(m.stack)-2])
			if err != nil {
				return err
			}
			for i := len(m.dicts) - 1; i >= 0; i-- {
				if _, ok := m.dicts[i].m[key]; ok {
					return m.define(m.dicts[i])
				}
			}
			return m.define(m.dicts[len(m.dicts)-1])
		},
		"load": func(m *machine) error {
			key, err := popped[name](m)
			if err != nil {
				return err
			}
			v, ok := m.find(key.text)
			if !ok {
				return fmt.Errorf("the operator %q", key.text)
			}
			return m.push(v)
		},
		"dict": func(m *machine) error {
			if _, err := m.whole(); err != nil {
				return err
			}
			if err := m.alloc(1, 256); err != nil {
				return err
			}
			return m.push(&dict{m: map[any]any{}})
		},
		"begin": func(m *machine) error {
			d, err := popped[*dict](m)
			if err != nil || len(m.dicts) > maxDepth {
				return errors.Join(err, errors.New("dictionaries within dictionaries"))
			}
			m.dicts = append(m.dicts, d)
			return nil
		},
		"end": func(m *machine) error {
			if len(m.dicts) == 1 {
				return errors.New("end of no dictionary")
			}
			m.dicts = m.dicts[:len(m.dicts)-1]
			return nil
		},
		"currentdict": func(m *machine) error { return m.push(m.dicts[len(m.dicts)-1]) },
		"userdict":    func(m *machine) error { return m.push(m.user) },
		"globaldict":  func(m *machine) error { return m.push(m.user) },
		"systemdict":  func(m *machine) error { return m.push(system()) },
		"statusdict":  func(m *machine) error { return m.push(&dict{m: map[any]any{}}) },
		"known":       known,
		"where":       where,
		"get":         get,
		"put":         put,
		"getinterval": interval,
		"length":      length,
		"array":       func(m *machine) error { return m.make(func(n int) any { return &array{list: make([]any, n)} }, 16) },
		"string":      func(m *machine) error { return m.make(func(n int) any { return &text{make([]byte, n)} }, 1) },
		"matrix":      func(m *machine) error { return m.push(&array{list: []any{1.0, 0.0, 0.0, 1.0, 0.0, 0.0}}) },
		"aload":       aload,
		"astore":      astore,
		"cvs":         cvs,
		"cvn": func(m *machine) error {
			t, err := popped[*text](m)
			return errors.Join(err, m.pushIf(err, func() any { return name{text: string(t.b)} }))
		},
		"cvi":   one(math.Trunc),
		"cvr":   one(func(v float64) float64 { return v }),
		"cvx":   executable(true),
		"cvlit": executable(false),
		"bind":  nothing, "readonly": nothing, "executeonly": nothing, "noaccess": nothing,
	} {
		operators[word] = op
	}
}

func nothing(*machine) error { return nil }

func reversed(list []any) []any {
	out := slices.Clone(list)
	slices.Reverse(out)
	return out
}

// pushIf pushes a value where there was no error.
func (m *machine) pushIf(err error, v func() any) error {
	if err != nil {
		return nil
	}
	return m.push(v())
}

func (m *machine) index(n int) error {
	if n < 0 || n >= len(m.stack) {
		return errUnderflow
	}
	return m.push(m.stack[len(m.stack)-1-n])
}

func (m *machine) roll(n, by int) error {
	if n < 0 || n > len(m.stack) {
		return errUnderflow
	}
	if n == 0 {
		return nil
	}
	top := m.stack[len(m.stack)-n:]
	by = ((by % n) + n) % n
	copy(top, slices.Concat(top[n-by:], top[:n-by]))
	return nil
}

func copyTop(m *machine) error {
	n, err := m.whole()
	if err != nil {
		return err
	}
	if n < 0 || n > len(m.stack) {
		return errUnderflow
	}
	return m.push(slices.Clone(m.stack[len(m.stack)-n:])...)
}

// toMark takes all above the topmost mark, and the mark.
func (m *machine) toMark() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, ok := m.stack[i].(mark); ok {
			list := m.stack[i+1:]
			m.stack = m.stack[:i]
			return list, nil
		}
	}
	return nil, errors.New("no mark")
}

func typeOf(m *machine) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	word := "operatortype"
	switch v.(type) {
	case float64:
		word = "realtype"
	case bool:
		word = "booleantype"
	case nil:
		word = "nulltype"
	case name:
		word = "nametype"
	case *text:
		word = "stringtype"
	case *array:
		word = "arraytype"
	case *dict:
		word = "dicttype"
	case mark:
		word = "marktype"
	}
	return m.push(name{word, true})
}

func executable(is bool) builtin {
	return func(m *machine) error {
		v, err := m.pop()
		if err != nil {
			return err
		}
		switch v := v.(type) {
		case *array:
			return m.push(&array{v.list, is})
		case name:
			return m.push(name{v.text, is})
		case *text:
			if is {
				return errors.New("a string that is to be run")
			}
		}
		return m.push(v)
	}
}

// one is an operator on one number.
func one(f func(float64) float64) builtin {
	return func(m *machine) error {
		v, err := m.pop()
		if t, ok := v.(*text); ok {
			f, bad := strconv.ParseFloat(strings.TrimSpace(string(t.b)), 64)
			v, err = f, errors.Join(err, bad)
		}
		x, ok := v.(float64)
		if err != nil || !ok {
			return errors.Join(err, errors.New("not a number"))
		}
		return m.push(f(x))
	}
}
