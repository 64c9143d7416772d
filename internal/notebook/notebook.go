// Package notebook takes the outputs out of Jupyter notebooks (nbformat 4), so
// that one which is both the code and the published result can be run again
// without the answers in sight.
package notebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxSize bounds a notebook, in bytes.
const MaxSize = 256 << 20

// maxDepth bounds values within each other.
const maxDepth = 256

// ErrFormat is returned for what is no notebook of nbformat 4.
var ErrFormat = errors.New("not a notebook of nbformat 4")

// Is reports whether a file is a notebook by its name.
func Is(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".ipynb") }

// WithoutOutputs returns the notebook with every cell's outputs empty, no
// counts of execution, and without what widgets showed. All else stays, in its
// order; blanks become those that Jupyter writes.
func WithoutOutputs(b []byte) ([]byte, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("notebook: more than %d bytes", MaxSize)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	s := &stripper{d: d}
	if err := s.value(); err != nil {
		return nil, fmt.Errorf("notebook: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || !s.cells || s.format != "4" {
		return nil, ErrFormat
	}
	s.out.WriteByte('\n')
	return s.out.Bytes(), nil
}

// stripper copies a document token by token.
type stripper struct {
	d      *json.Decoder
	out    bytes.Buffer
	path   []string // keys that lead here; "*" for an element
	cells  bool     // there is a list of cells
	format string
}

func (s *stripper) at(path ...string) bool {
	if len(path) != len(s.path) {
		return false
	}
	for i := range path {
		if path[i] != s.path[i] {
			return false
		}
	}
	return true
}

// value copies the next value.
func (s *stripper) value() error {
	t, err := s.d.Token()
	if err != nil {
		return err
	}
	return s.rest(t)
}

// rest copies the value that begins with a token.
func (s *stripper) rest(t json.Token) error {
	if len(s.path) > maxDepth {
		return fmt.Errorf("nested more than %d deep", maxDepth)
	}
	switch t {
	case json.Delim('{'):
		return s.object()
	case json.Delim('['):
		s.cells = s.cells || s.at("cells")
		return s.array()
	}
	if n, ok := t.(json.Number); ok && s.at("nbformat") {
		s.format = n.String()
	}
	return s.scalar(t)
}

func (s *stripper) scalar(t any) error {
	e := json.NewEncoder(&s.out)
	e.SetEscapeHTML(false)
	if err := e.Encode(t); err != nil {
		return err
	}
	s.out.Truncate(s.out.Len() - 1) // the encoder's line end
	return nil
}

func (s *stripper) object() error {
	s.out.WriteByte('{')
	first := true
	for s.d.More() {
		t, err := s.d.Token()
		if err != nil {
			return err
		}
		key := t.(string)
		s.path = append(s.path, key)
		if s.at("metadata", "widgets") {
			err = s.skip()
		} else {
			s.line(&first)
			if err = s.scalar(key); err == nil {
				s.out.WriteString(": ")
				err = s.member()
			}
		}
		if err != nil {
			return err
		}
		s.path = s.path[:len(s.path)-1]
	}
	return s.end('}', first)
}

// member copies the value of a key, or what stands in its place.
func (s *stripper) member() error {
	switch {
	case s.at("cells", "*", "outputs"):
		s.out.WriteString("[]")
		return s.skip()
	case s.at("cells", "*", "execution_count"):
		s.out.WriteString("null")
		return s.skip()
	}
	return s.value()
}

func (s *stripper) array() error {
	s.out.WriteByte('[')
	first := true
	s.path = append(s.path, "*")
	for s.d.More() {
		s.line(&first)
		if err := s.value(); err != nil {
			return err
		}
	}
	s.path = s.path[:len(s.path)-1]
	return s.end(']', first)
}

// line begins a line for the next member.
func (s *stripper) line(first *bool) {
	if !*first {
		s.out.WriteByte(',')
	}
	*first = false
	s.indent(0)
}

func (s *stripper) indent(less int) {
	s.out.WriteByte('\n')
	s.out.WriteString(strings.Repeat(" ", max(0, s.depth()-less)))
}

// depth is that of the value under way: keys and elements that lead to it.
func (s *stripper) depth() int { return len(s.path) }

func (s *stripper) end(close byte, empty bool) error {
	if _, err := s.d.Token(); err != nil {
		return err
	}
	if !empty {
		s.indent(0)
	}
	s.out.WriteByte(close)
	return nil
}

// skip passes over the next value.
func (s *stripper) skip() error {
	var v json.RawMessage
	return s.d.Decode(&v)
}

// Outputs counts the code cells of a notebook, and those of them that left
// something.
func Outputs(b []byte) (code, left int, err error) {
	var n struct {
		Format int `json:"nbformat"`
		Cells  []struct {
			Kind    string            `json:"cell_type"`
			Outputs []json.RawMessage `json:"outputs"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(b, &n); err != nil {
		return 0, 0, fmt.Errorf("notebook: %w", err)
	}
	if n.Format != 4 {
		return 0, 0, ErrFormat
	}
	for _, c := range n.Cells {
		if c.Kind != "code" {
			continue
		}
		code++
		if len(c.Outputs) > 0 {
			left++
		}
	}
	return code, left, nil
}
