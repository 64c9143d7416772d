package view

import (
	"fmt"
	"io"
	"strings"
)

// maxColumn bounds how far a column pushes the next ones to the right.
const maxColumn = 40

// cell is one entry of aligned columns.
type cell struct {
	text  string // already clean
	tone  tone
	right bool // aligned to the right
}

// columns aligns rows; the last cell of each is not padded.
type columns struct {
	rows   [][]cell
	indent string
	wide   []int // of each column, once the first row is written
}

func (c *columns) add(cells ...cell) { c.rows = append(c.rows, cells) }

func (c *columns) widths() []int {
	var w []int
	for _, row := range c.rows {
		for i, cell := range row {
			if i == len(w) {
				w = append(w, 0)
			}
			w[i] = max(w[i], min(width(cell.text), maxColumn))
		}
	}
	return w
}

func (c *columns) write(p *printer) {
	for i := range c.rows {
		c.writeRow(p, i)
	}
}

func (c *columns) writeRow(p *printer, i int) {
	if c.wide == nil {
		c.wide = c.widths()
	}
	var line strings.Builder
	line.WriteString(c.indent)
	last := len(c.rows[i]) - 1
	for j, cell := range c.rows[i] {
		pad := strings.Repeat(" ", max(0, c.wide[j]-width(cell.text)))
		text := p.style.paint(cell.tone, cell.text)
		switch {
		case cell.right:
			text = pad + text
		case j < last:
			text += pad
		}
		if j > 0 {
			line.WriteString("  ")
		}
		line.WriteString(text)
	}
	p.line("%s", strings.TrimRight(line.String(), " "))
}

// printer writes lines and keeps the first error.
type printer struct {
	w     io.Writer
	style Style
	err   error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
