package compare

import (
	"math"

	"repro/internal/ndarray"
)

// measuring looks for the largest published number of an array, and for the
// vectors whose signs are to be reversed: those whose largest published number
// has the other sign in the new array (CMP-30, CMP-33). It takes the elements in
// order, all at once or part by part.
type measuring struct {
	c       *elements
	largest float64   // magnitude; less than 0: there is none yet
	most    []float64 // the same of each vector; nil where signs are fixed
	flip    []bool    // of each vector
	a, b    []float64
}

// measures reports whether the rule asks for any of it.
func (c *elements) measures() bool {
	r := c.j.rule
	numbers := c.pub.Class == ndarray.Float || c.pub.Class == ndarray.Complex
	return numbers && (r.norm != nil || r.Signs != "")
}

func (c *elements) measuring() *measuring {
	m := &measuring{c: c, largest: -1}
	if c.j.rule.Signs != "" {
		n := c.vectors()
		m.most, m.flip = make([]float64, n), make([]bool, n)
		for i := range m.most {
			m.most[i] = -1
		}
	}
	return m
}

// part looks at the elements from..to-1, with which the data of p and n begin.
func (m *measuring) part(p, n *ndarray.Array, from, to int) {
	for i := from; i < to; i++ {
		m.a = p.Floats(p.At(i-from), m.a[:0])
		if m.most != nil {
			m.b = n.Floats(n.At(i-from), m.b[:0])
		}
		for part, x := range m.a {
			size := math.Abs(x)
			if math.IsInf(x, 0) || math.IsNaN(x) {
				continue
			}
			m.largest = max(m.largest, size)
			if m.most == nil {
				continue
			}
			if v := m.c.vector(i); size > m.most[v] {
				m.most[v], m.flip[v] = size, x*m.b[part] < 0
			}
		}
	}
}

// finish hands what was found to the elements.
func (m *measuring) finish() {
	c := m.c
	if m.largest >= 0 {
		c.most = m.largest
		c.largest = mustNumber(c.pub.Shortest(m.largest))
	}
	for _, reversed := range m.flip {
		if reversed {
			c.j.tally.reversed++
			c.flip = m.flip
		}
	}
}

// vector is the one of the vectors that the rule's signs speak of in which an
// element stands: along the last axis but one, or along the last.
func (c *elements) vector(i int) int {
	shape := c.pub.Shape
	n := len(shape)
	switch {
	case c.j.rule.Signs == "" || n < 2:
		return 0
	case c.j.rule.Signs == signRows:
		return i / shape[n-1]
	}
	return i/(shape[n-1]*shape[n-2])*shape[n-1] + i%shape[n-1]
}

// vectors is how many there are.
func (c *elements) vectors() int {
	shape, count := c.pub.Shape, c.pub.Count()
	n := len(shape)
	switch {
	case n < 2 || count == 0:
		return 1
	case c.j.rule.Signs == signRows:
		return count / shape[n-1]
	}
	return count / shape[n-2]
}
