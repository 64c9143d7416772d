package compare

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxCells bounds the cells of one row.
const maxCells = 1 << 16

// rowReader reads the rows of a table by RFC 4180, with any delimiter and
// with LF as well as CR LF. An empty line is a row of one empty cell.
type rowReader struct {
	r     *bufio.Reader
	n     int64 // rows read, the header not counted
	comma byte
	of    side
	first bool
}

func newRowReader(r io.Reader, comma byte, of side) *rowReader {
	return &rowReader{r: bufio.NewReaderSize(r, 64<<10), comma: comma, of: of, first: true}
}

func (r *rowReader) read(it *item) error {
	it.text = it.text[:0]
	for quotes := 0; ; {
		from := len(it.text)
		err := r.line(it)
		if err == io.EOF && quotes%2 == 1 {
			return malformed(r.of, kindCSV, "row %d: a quote is not closed", r.n+1)
		}
		if err != nil {
			return err
		}
		if quotes += bytes.Count(it.text[from:], []byte{'"'}); quotes%2 == 0 {
			break
		}
	}
	if r.first {
		it.text = bytes.TrimPrefix(it.text, []byte("\ufeff"))
		r.first = false
	}
	r.n++
	it.n = r.n
	it.text = bytes.TrimSuffix(bytes.TrimSuffix(it.text, []byte("\n")), []byte("\r"))
	it.text = inUnicode(it.text)
	if bytes.IndexByte(it.text, 0) >= 0 {
		return malformed(r.of, kindCSV, "row %d holds a zero byte", r.n)
	}
	return r.split(it)
}

// line appends one line with its end.
func (r *rowReader) line(it *item) error {
	from := len(it.text)
	for {
		chunk, err := r.r.ReadSlice('\n')
		it.text = append(it.text, chunk...)
		if len(it.text) > maxLine {
			return tooLarge(r.of, "row %d has more than %d bytes", r.n+1, maxLine)
		}
		switch {
		case err == nil, err == io.EOF && len(it.text) > from:
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// split finds the cells.
func (r *rowReader) split(it *item) error {
	it.cells = it.cells[:0]
	text := it.text
	for at := 0; ; {
		if len(it.cells) == maxCells {
			return tooLarge(r.of, "row %d has more than %d cells", r.n, maxCells)
		}
		cell, end, err := r.cell(text, at)
		if err != nil {
			return err
		}
		it.cells = append(it.cells, cell)
		if end == len(text) {
			return nil
		}
		at = end + 1
	}
}

// cell returns the cell that begins at from, and where it ends.
func (r *rowReader) cell(text []byte, from int) (span, int, error) {
	if from < len(text) && text[from] == '"' {
		return r.quoted(text, from+1)
	}
	end := bytes.IndexByte(text[from:], r.comma)
	if end < 0 {
		end = len(text)
	} else {
		end += from
	}
	if bytes.IndexByte(text[from:end], '"') >= 0 {
		return span{}, 0, malformed(r.of, kindCSV, "row %d: a quote inside a cell that is not quoted", r.n)
	}
	return span{from: from, to: end}, end, nil
}

func (r *rowReader) quoted(text []byte, from int) (span, int, error) {
	s := span{from: from}
	for at := from; ; {
		q := bytes.IndexByte(text[at:], '"')
		if q < 0 {
			return span{}, 0, malformed(r.of, kindCSV, "row %d: a quote is not closed", r.n)
		}
		at += q
		if at+1 < len(text) && text[at+1] == '"' {
			s.escaped = true
			at += 2
			continue
		}
		s.to = at
		if at+1 < len(text) && text[at+1] != r.comma {
			return span{}, 0, malformed(r.of, kindCSV, "row %d: text after a closing quote", r.n)
		}
		s.escaped = s.escaped || bytes.IndexByte(text[s.from:s.to], '\r') >= 0
		return s, at + 1, nil
	}
}

// value returns what a cell holds, without the blanks around it.
func (it *item) value(i int) []byte {
	if i < 0 || i >= len(it.cells) {
		return nil
	}
	s := it.cells[i]
	b := s.of(it.text)
	if s.escaped {
		b = bytes.ReplaceAll(b, []byte(`""`), []byte(`"`))
		b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	}
	return bytes.Trim(b, " \t")
}

func (it *item) values() []string {
	out := make([]string, len(it.cells))
	for i := range out {
		out[i] = string(it.value(i))
	}
	return out
}

// delimiter is the first of comma, semicolon and tab that stands outside
// quotes in the first row; a comma if none does.
func delimiter(start []byte) byte {
	var seen [256]bool
	quoted := false
	for _, c := range start {
		if c == '"' {
			quoted = !quoted
		}
		if !quoted {
			if c == '\n' {
				break
			}
			seen[c] = true
		}
	}
	for _, c := range []byte(",;\t") {
		if seen[c] {
			return c
		}
	}
	return ','
}

func rowName(n int64, label []byte) string {
	if len(label) == 0 || isNumber(label) {
		return fmt.Sprintf("row %d", n)
	}
	return fmt.Sprintf("row %d (%s)", n, clip(string(label)))
}
