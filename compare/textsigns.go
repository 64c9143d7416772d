package compare

import (
	"context"
	"errors"
	"io"
	"math"
)

// signedText is the numbers of a text as vectors whose signs are free: those of
// each line (rows), or of each place in lines that follow each other with
// equally many numbers (columns). SPEC.md CMP-33.
type signedText struct {
	rows   bool
	vector map[[2]int]int // of line and number
	line   map[int64]int  // place of the published line among those with numbers
	flip   map[int]bool
}

// numbersOf reads the numbers of each line that has some.
func numbersOf(ctx context.Context, r reader) (lines [][]float64, at []int64, err error) {
	var toks []token
	total := 0
	for it := new(item); ; {
		switch err := r.read(it); {
		case errors.Is(err, io.EOF):
			return lines, at, nil
		case err != nil:
			return nil, nil, err
		case it.n%1024 == 0 && ctx.Err() != nil:
			return nil, nil, ctx.Err()
		}
		toks = tokenize(it.text, toks[:0])
		var row []float64
		for _, t := range toks {
			var n number
			if t.number && n.parse(t.of(it.text)) {
				row = append(row, n.float())
			}
		}
		if total += len(row); total > maxFacts {
			return nil, nil, &undecided{"the text holds too many numbers to leave their signs free"}
		}
		if len(row) > 0 {
			lines, at = append(lines, row), append(at, it.n)
		}
	}
}

// freeSigns finds which vectors of the new text are to be reversed: those whose
// largest published number has the other sign there.
func (j *job) freeSigns(ctx context.Context, m *matcher) error {
	if j.rule.Signs == "" {
		return nil
	}
	var lines [2][][]float64
	var at []int64
	for i, of := range []side{published, produced} {
		in, err := j.files[i].open(of)
		if err != nil {
			return err
		}
		var places []int64
		lines[i], places, err = numbersOf(ctx, j.lines(in, of))
		in.Close()
		if err != nil {
			return err
		}
		if i == 0 {
			at = places
		}
	}
	s := &signedText{rows: j.rule.Signs == signRows, line: map[int64]int{}, flip: map[int]bool{}, vector: map[[2]int]int{}}
	for i, n := range at {
		s.line[n] = i
	}
	if len(lines[0]) == len(lines[1]) {
		s.find(lines[0], lines[1])
	}
	j.tally.reversed += int64(len(s.flip))
	m.signs = s
	return nil
}

// find numbers the vectors and compares their largest numbers.
func (s *signedText) find(pub, new [][]float64) {
	most, with := map[int]float64{}, map[int]float64{}
	first := 0
	for i, row := range pub {
		if i == 0 || len(row) != len(pub[i-1]) || s.rows {
			first += maxCells
		}
		if len(new[i]) != len(row) {
			continue
		}
		for k, x := range row {
			v := first
			if !s.rows {
				v += k % maxCells
			}
			s.vector[[2]int{i, k}] = v
			if math.Abs(x) > math.Abs(most[v]) {
				most[v], with[v] = x, new[i][k]
			}
		}
	}
	for v, x := range most {
		if x*with[v] < 0 {
			s.flip[v] = true
		}
	}
}

// reversed reports whether the sign of a number of a published line's partner
// is to be reversed.
func (s *signedText) reversed(line int64, number int) bool {
	if s == nil {
		return false
	}
	i, ok := s.line[line]
	return ok && s.flip[s.vector[[2]int{i, number}]]
}
