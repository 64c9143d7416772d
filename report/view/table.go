package view

import "io"

// Table writes rows of texts in aligned columns.
func Table(w io.Writer, rows [][]string) error {
	p := &printer{w: w}
	c := columns{}
	for _, row := range rows {
		var cells []cell
		for _, text := range row {
			cells = append(cells, cell{text: Clean(text)})
		}
		c.add(cells...)
	}
	c.write(p)
	return p.err
}
