package postscript

import (
	"errors"
	"math"
	"slices"
)

// two is an operator on two numbers.
func two(f func(a, b float64) float64) builtin {
	return func(m *machine) error {
		v, err := m.floats(2)
		if err != nil {
			return err
		}
		return m.push(f(v[0], v[1]))
	}
}

func degrees(f func(float64) float64) func(float64) float64 {
	return func(v float64) float64 { return f(v * math.Pi / 180) }
}

func init() {
	for word, op := range map[string]builtin{
		"add":  two(func(a, b float64) float64 { return a + b }),
		"sub":  two(func(a, b float64) float64 { return a - b }),
		"mul":  two(func(a, b float64) float64 { return a * b }),
		"div":  two(func(a, b float64) float64 { return a / b }),
		"idiv": two(func(a, b float64) float64 { return math.Trunc(a / b) }),
		"mod":  two(math.Mod),
		"exp":  two(math.Pow),
		"atan": two(func(a, b float64) float64 { return math.Mod(math.Atan2(a, b)*180/math.Pi+360, 360) }),
		"neg":  one(func(v float64) float64 { return -v }),
		"abs":  one(math.Abs), "ceiling": one(math.Ceil), "floor": one(math.Floor), "truncate": one(math.Trunc),
		"round": one(func(v float64) float64 { return math.Floor(v + 0.5) }),
		"sqrt":  one(math.Sqrt), "ln": one(math.Log), "log": one(math.Log10),
		"sin": one(degrees(math.Sin)), "cos": one(degrees(math.Cos)),
		"eq": equal(true), "ne": equal(false),
		"gt": ordered(func(c int) bool { return c > 0 }), "ge": ordered(func(c int) bool { return c >= 0 }),
		"lt": ordered(func(c int) bool { return c < 0 }), "le": ordered(func(c int) bool { return c <= 0 }),
		"and": logic(func(a, b bool) bool { return a && b }, func(a, b int) int { return a & b }),
		"or":  logic(func(a, b bool) bool { return a || b }, func(a, b int) int { return a | b }),
		"xor": logic(func(a, b bool) bool { return a != b }, func(a, b int) int { return a ^ b }),
		"not": func(m *machine) error {
			v, err := m.pop()
			switch v := v.(type) {
			case bool:
				return m.push(!v)
			case float64:
				return m.push(float64(^int(v)))
			}
			return errors.Join(err, errors.New("not a truth value"))
		},
		"exec": func(m *machine) error {
			v, err := m.pop()
			if err != nil {
				return err
			}
			if a, ok := v.(*array); ok && !a.executable {
				return m.push(a)
			}
			return m.run(v)
		},
		"if":      branch(false),
		"ifelse":  branch(true),
		"for":     loopFor,
		"repeat":  loopRepeat,
		"loop":    loop,
		"forall":  forall,
		"exit":    func(*machine) error { return errExit },
		"stop":    func(*machine) error { return errStop },
		"quit":    func(*machine) error { return errQuit },
		"stopped": stopped,
	} {
		operators[word] = op
	}
}

func equal(want bool) builtin {
	return func(m *machine) error {
		b, err := m.pop()
		if err != nil {
			return err
		}
		a, err := m.pop()
		if err != nil {
			return err
		}
		x, errA := keyOf(a)
		y, errB := keyOf(b)
		if errA != nil || errB != nil { // one and the same object, or not
			_, isA := a.(builtin)
			_, isB := b.(builtin)
			return m.push((!isA && !isB && a == b) == want)
		}
		return m.push((x == y) == want)
	}
}

func ordered(is func(int) bool) builtin {
	return func(m *machine) error {
		v, err := m.floats(2)
		if err != nil {
			return err
		}
		c := 0
		if v[0] < v[1] {
			c = -1
		} else if v[0] > v[1] {
			c = 1
		}
		return m.push(is(c))
	}
}

func logic(truth func(a, b bool) bool, bits func(a, b int) int) builtin {
	return func(m *machine) error {
		b, err := m.pop()
		if err != nil {
			return err
		}
		a, err := m.pop()
		if err != nil {
			return err
		}
		switch b := b.(type) {
		case bool:
			if a, ok := a.(bool); ok {
				return m.push(truth(a, b))
			}
		case float64:
			if a, ok := a.(float64); ok {
				return m.push(float64(bits(int(a), int(b))))
			}
		}
		return errors.New("not two truth values")
	}
}

func branch(other bool) builtin {
	return func(m *machine) error {
		var no any
		var err error
		if other {
			if no, err = m.pop(); err != nil {
				return err
			}
		}
		yes, err := m.pop()
		if err != nil {
			return err
		}
		is, err := popped[bool](m)
		switch {
		case err != nil:
			return err
		case is:
			return m.run(yes)
		case other:
			return m.run(no)
		}
		return nil
	}
}

// ended is the error of a loop's body; done reports that the loop ends.
func ended(err error) (done bool, _ error) {
	if errors.Is(err, errExit) {
		return true, nil
	}
	return err != nil, err
}

// turn runs the body of a loop once more, which is a step however empty.
func (m *machine) turn(body any) (bool, error) {
	return ended(errors.Join(m.exec(builtin(nothing)), m.run(body)))
}

func loopFor(m *machine) error {
	body, err := m.pop()
	if err != nil {
		return err
	}
	v, err := m.floats(3)
	if err != nil {
		return err
	}
	for at := v[0]; v[1] >= 0 && at <= v[2] || v[1] < 0 && at >= v[2]; at += v[1] {
		if err := m.push(at); err != nil {
			return err
		}
		if done, err := m.turn(body); done {
			return err
		}
	}
	return nil
}

func loopRepeat(m *machine) error {
	body, err := m.pop()
	if err != nil {
		return err
	}
	n, err := m.whole()
	if err != nil {
		return err
	}
	for range n {
		if done, err := m.turn(body); done {
			return err
		}
	}
	return nil
}

func loop(m *machine) error {
	body, err := m.pop()
	if err != nil {
		return err
	}
	for {
		if done, err := m.turn(body); done {
			return err
		}
	}
}

func forall(m *machine) error {
	body, err := m.pop()
	if err != nil {
		return err
	}
	over, err := m.pop()
	if err != nil {
		return err
	}
	var list []any
	switch over := over.(type) {
	case *array:
		list = over.list
	case *text:
		for _, c := range over.b {
			list = append(list, float64(c))
		}
	case *dict: // in an order of its own
		var keys []string
		for key := range over.m {
			if word, ok := key.(string); ok {
				keys = append(keys, word)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			if err := m.push(name{text: key}, over.m[key]); err != nil {
				return err
			}
			if done, err := m.turn(body); done {
				return err
			}
		}
		return nil
	default:
		return errors.New("a loop over a single object")
	}
	for _, v := range list {
		if err := m.push(v); err != nil {
			return err
		}
		if done, err := m.turn(body); done {
			return err
		}
	}
	return nil
}

func stopped(m *machine) error {
	body, err := m.pop()
	if err != nil {
		return err
	}
	err = m.run(body)
	switch {
	case err == nil:
		return m.push(false)
	case errors.Is(err, errStop):
		return m.push(true)
	}
	return err // what can't be done here another program might do
}
