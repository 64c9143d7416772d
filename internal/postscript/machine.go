// Package postscript runs PostScript figures (Adobe, "PostScript Language
// Reference", third edition) as far as plotting programs use it, and lists what
// they draw. There are no files, no clock and no errors to handle in it: a
// program that asks for one, for a picture, or for an operator that is not here
// is not read. How wide letters are is not known, so that texts behind a text
// stand where letters of one width would put them.
package postscript

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"

	"repro/internal/badfile"
	"repro/internal/drawing"
)

// Limits on one file.
const (
	maxSteps  = 20 << 20
	maxDepth  = 128
	maxStack  = 1 << 16
	maxMemory = 64 << 20 // bytes of strings and arrays, 16 for each element
	maxLength = 1 << 16  // of one string or array
	maxStates = 256      // that were saved
)

// Read runs a file and returns what it draws.
func Read(b []byte) (*drawing.Drawing, error) {
	if bytes.HasPrefix(b, []byte("\xc5\xd0\xd3\xc6")) { // with a preview behind it
		if len(b) < 12 {
			return nil, badfile.Damaged("its head ends too early")
		}
		from, size := uint64(little(b[4:])), uint64(little(b[8:]))
		if from+size > uint64(len(b)) {
			return nil, badfile.Damaged("it is longer than the file")
		}
		b = b[from : from+size]
	}
	if !bytes.HasPrefix(b, []byte("%!")) {
		return nil, badfile.Damaged("it does not begin as one")
	}
	m := &machine{in: &scanner{b: b}, out: &drawing.Drawing{}, fonts: map[string]*dict{}}
	m.user = &dict{m: map[any]any{}}
	m.dicts = []*dict{m.user}
	m.gs = state{ctm: drawing.Identity, colour: "#000000", width: 1, miter: 10}
	if err := m.canvas(b); err != nil {
		return nil, err
	}
	err := m.program()
	if errors.Is(err, errQuit) {
		err = nil
	}
	if err != nil && !badfile.Is(err) {
		err = badfile.Unread("line %d: %s", m.in.line(), err)
	}
	return m.out, err
}

func little(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// canvas adds the size that the file's comments name, and begins where its lower
// left corner is: what the figure is placed by in a page.
func (m *machine) canvas(b []byte) error {
	var box [4]float64
	for _, comment := range []string{"%%BoundingBox:", "%%HiResBoundingBox:"} {
		for line := range strings.Lines(string(b[:min(len(b), 64<<10)])) {
			var found [4]float64
			if rest, ok := strings.CutPrefix(line, comment); ok {
				if n, _ := fmt.Sscan(rest, &found[0], &found[1], &found[2], &found[3]); n == 4 {
					box = found
					break
				}
			}
		}
	}
	m.gs.ctm = drawing.Matrix{1, 0, 0, 1, -box[0], -box[1]}
	return m.out.Add(drawing.Mark{Kind: drawing.Canvas, Numbers: []float64{box[2] - box[0], box[3] - box[1]}, Where: "the page"})
}

type machine struct {
	in     *scanner
	out    *drawing.Drawing
	stack  []any
	dicts  []*dict
	user   *dict
	fonts  map[string]*dict
	gs     state
	saved  []state
	steps  int
	depth  int
	memory int
	page   int
}

// Ways to leave a procedure.
var (
	errQuit = errors.New("quit")
	errExit = errors.New("exit outside of a loop")
	errStop = errors.New("stop")
)

func (m *machine) program() error {
	for {
		o, ok, err := m.in.next(0)
		if err != nil || !ok {
			return err
		}
		if a, is := o.(*array); is && a.executable {
			if err := m.push(a); err != nil {
				return err
			}
			continue
		}
		if err := m.exec(o); err != nil {
			return err
		}
	}
}

// exec runs one object.
func (m *machine) exec(o any) error {
	if m.steps++; m.steps > maxSteps {
		return badfile.TooLarge("more than %d steps", maxSteps)
	}
	switch o := o.(type) {
	case name:
		if !o.executable {
			return m.push(o)
		}
		v, ok := m.find(o.text)
		if !ok {
			return fmt.Errorf("the operator %q", badfile.Shorten(o.text))
		}
		if a, is := v.(*array); is && a.executable {
			return m.run(a)
		}
		return m.exec(v)
	case builtin:
		return o(m)
	}
	return m.push(o)
}

// run runs a procedure.
func (m *machine) run(o any) error {
	a, ok := o.(*array)
	if !ok {
		return m.exec(o)
	}
	if m.depth++; m.depth > maxDepth {
		return badfile.TooLarge("procedures call each other more than %d deep", maxDepth)
	}
	defer func() { m.depth-- }()
	for _, o := range a.list {
		if inner, is := o.(*array); is {
			if err := m.push(inner); err != nil {
				return err
			}
			continue
		}
		if err := m.exec(o); err != nil {
			return err
		}
	}
	return nil
}

func (m *machine) find(word string) (any, bool) {
	for i := len(m.dicts) - 1; i >= 0; i-- {
		if v, ok := m.dicts[i].m[word]; ok {
			return v, true
		}
	}
	op, ok := operators[word]
	return op, ok
}

func (m *machine) push(list ...any) error {
	if len(m.stack)+len(list) > maxStack {
		return badfile.TooLarge("more than %d operands", maxStack)
	}
	m.stack = append(m.stack, list...)
	return nil
}

// alloc counts memory.
func (m *machine) alloc(n, each int) error {
	if n < 0 || n > maxLength {
		return badfile.TooLarge("a string or array of %d", n)
	}
	if m.memory += n * each; m.memory > maxMemory {
		return badfile.TooLarge("more than %d bytes of strings and arrays", maxMemory)
	}
	return nil
}

var errUnderflow = errors.New("an operator without its operands")

func (m *machine) pop() (any, error) {
	n := len(m.stack)
	if n == 0 {
		return nil, errUnderflow
	}
	v := m.stack[n-1]
	m.stack = m.stack[:n-1]
	return v, nil
}

// popped is the top of the stack, of one type.
func popped[T any](m *machine) (T, error) {
	v, err := m.pop()
	t, ok := v.(T)
	if err == nil && !ok {
		err = fmt.Errorf("an operand of the wrong type, %T", v)
	}
	return t, err
}

// floats takes n numbers, the top one last.
func (m *machine) floats(n int) ([]float64, error) {
	out := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		var err error
		if out[i], err = popped[float64](m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// whole takes a whole number.
func (m *machine) whole() (int, error) {
	v, err := popped[float64](m)
	if err == nil && (v != math.Trunc(v) || math.Abs(v) > 1<<31) {
		err = fmt.Errorf("%v is no whole number", v)
	}
	return int(v), err
}

// matrix takes an array of six numbers.
func asMatrix(a *array) (drawing.Matrix, error) {
	var out drawing.Matrix
	if len(a.list) != 6 {
		return out, errors.New("no matrix")
	}
	for i, v := range a.list {
		f, ok := v.(float64)
		if !ok {
			return out, errors.New("no matrix")
		}
		out[i] = f
	}
	return out, nil
}

func fromMatrix(m drawing.Matrix) []any {
	out := make([]any, 6)
	for i, v := range m {
		out[i] = v
	}
	return out
}
