package postscript

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

func keyOf(v any) (any, error) {
	switch v := v.(type) {
	case name:
		return v.text, nil
	case *text:
		return string(v.b), nil
	case float64, bool:
		return v, nil
	}
	return nil, fmt.Errorf("a key of type %T", v)
}

// define sets a key of a dictionary to the top of the stack.
func (m *machine) define(d *dict) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	k, err := m.pop()
	if err != nil {
		return err
	}
	key, err := keyOf(k)
	if err == nil {
		err = m.alloc(1, 64)
	}
	d.m[key] = v
	return err
}

func system() *dict {
	d := &dict{m: map[any]any{}}
	for word, op := range operators {
		d.m[word] = op
	}
	return d
}

func known(m *machine) error {
	k, err := m.pop()
	if err != nil {
		return err
	}
	d, err := popped[*dict](m)
	if err != nil {
		return err
	}
	key, err := keyOf(k)
	_, ok := d.m[key]
	return errors.Join(err, m.push(ok))
}

func where(m *machine) error {
	key, err := popped[name](m)
	if err != nil {
		return err
	}
	for _, d := range slices.Backward(m.dicts) {
		if _, ok := d.m[key.text]; ok {
			return m.push(d, true)
		}
	}
	if _, ok := operators[key.text]; ok {
		return m.push(system(), true)
	}
	return m.push(false)
}

func get(m *machine) error {
	k, err := m.pop()
	if err != nil {
		return err
	}
	in, err := m.pop()
	if err != nil {
		return err
	}
	at, _ := k.(float64)
	switch in := in.(type) {
	case *dict:
		key, err := keyOf(k)
		v, ok := in.m[key]
		if err != nil || !ok {
			return fmt.Errorf("no entry %v", key)
		}
		return m.push(v)
	case *array:
		if i := int(at); i >= 0 && i < len(in.list) {
			return m.push(in.list[i])
		}
	case *text:
		if i := int(at); i >= 0 && i < len(in.b) {
			return m.push(float64(in.b[i]))
		}
	}
	return errors.New("no such element")
}

func put(m *machine) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	k, err := m.pop()
	if err != nil {
		return err
	}
	in, err := m.pop()
	if err != nil {
		return err
	}
	at, _ := k.(float64)
	switch in := in.(type) {
	case *dict:
		key, err := keyOf(k)
		if err == nil {
			err = m.alloc(1, 64)
		}
		in.m[key] = v
		return err
	case *array:
		if i := int(at); i >= 0 && i < len(in.list) {
			in.list[i] = v
			return nil
		}
	case *text:
		if f, ok := v.(float64); ok && int(at) >= 0 && int(at) < len(in.b) {
			in.b[int(at)] = byte(f)
			return nil
		}
	}
	return errors.New("no such element")
}

func interval(m *machine) error {
	n, err := m.whole()
	if err != nil {
		return err
	}
	from, err := m.whole()
	if err != nil {
		return err
	}
	in, err := m.pop()
	if err != nil {
		return err
	}
	switch in := in.(type) {
	case *array:
		if from >= 0 && n >= 0 && from+n <= len(in.list) {
			return m.push(&array{list: in.list[from : from+n], executable: in.executable})
		}
	case *text:
		if from >= 0 && n >= 0 && from+n <= len(in.b) {
			return m.push(&text{in.b[from : from+n]})
		}
	}
	return errors.New("no such part")
}

func length(m *machine) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case *array:
		return m.push(float64(len(v.list)))
	case *text:
		return m.push(float64(len(v.b)))
	case *dict:
		return m.push(float64(len(v.m)))
	case name:
		return m.push(float64(len(v.text)))
	}
	return errors.New("no length")
}

func (m *machine) make(of func(int) any, each int) error {
	n, err := m.whole()
	if err == nil {
		err = m.alloc(n, each)
	}
	if err != nil {
		return err
	}
	return m.push(of(n))
}

func aload(m *machine) error {
	a, err := popped[*array](m)
	if err != nil {
		return err
	}
	return m.push(append(slices.Clone(a.list), a)...)
}

func astore(m *machine) error {
	a, err := popped[*array](m)
	if err != nil {
		return err
	}
	n := len(a.list)
	if n > len(m.stack) {
		return errUnderflow
	}
	copy(a.list, m.stack[len(m.stack)-n:])
	m.stack = m.stack[:len(m.stack)-n]
	return m.push(a)
}

func cvs(m *machine) error {
	if _, err := popped[*text](m); err != nil {
		return err
	}
	v, err := m.pop()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case float64:
		return m.push(&text{[]byte(strconv.FormatFloat(v, 'g', 6, 64))})
	case name:
		return m.push(&text{[]byte(v.text)})
	case *text:
		return m.push(v)
	case bool:
		return m.push(&text{[]byte(strconv.FormatBool(v))})
	}
	return m.push(&text{[]byte("--nostringval--")})
}
