// Package parquet reads the columns of Apache Parquet files, as pandas, Arrow, R
// and Spark write them.
//
// It follows the format's specification (apache/parquet-format 2.11). A library
// would have to trust what a file says of its own sizes, and would add 4.4 MB to
// every program; this reader keeps one column in memory at a time, within bounds
// that no file can move.
package parquet

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"

	"repro/internal/badfile"
)

// Limits on files.
const (
	maxFooter     = 16 << 20 // bytes
	maxColumns    = 1 << 14
	maxGroups     = 1 << 16
	maxPage       = 64 << 20 // bytes, packed or not
	maxPageValues = 1 << 23
	maxLevel      = 255 // of lists and optional values within each other
)

// Magic is how a file begins and ends.
const Magic = "PAR1"

// The physical types.
const (
	typeBoolean = 0
	typeInt32   = 1
	typeInt64   = 2
	typeInt96   = 3
	typeFloat   = 4
	typeDouble  = 5
	typeBytes   = 6
	typeFixed   = 7
)

// File is an open file.
type File struct {
	Rows    int64
	Columns []*Column // in the order of the schema

	r    io.ReaderAt
	size int64
}

// Column is one leaf of the schema.
type Column struct {
	Name string // its path, joined by dots

	file     *File
	physical int
	length   int // of fixed values
	meaning  meaning
	maxDef   int // how many of its ancestors, and itself, may be absent or repeated
	maxRep   int // how many may be repeated
	chunks   []chunk
}

// chunk is where a part of a column lies.
type chunk struct {
	codec  int64
	values int64
	from   int64
	size   int64
}

// Open reads a file's footer.
func Open(r io.ReaderAt, size int64) (*File, error) {
	const tail = 8
	b := make([]byte, tail)
	if size < tail+int64(len(Magic)) {
		return nil, badfile.Damaged("it ends too early")
	}
	if err := readAt(r, b, size-tail); err != nil {
		return nil, err
	}
	switch string(b[4:]) {
	case Magic:
	case "PARE":
		return nil, badfile.Unread("it is encrypted")
	default:
		return nil, badfile.Damaged("it does not end as one")
	}
	length := int64(binary.LittleEndian.Uint32(b))
	if length > size-tail-int64(len(Magic)) {
		return nil, badfile.Damaged("its footer is larger than the file")
	}
	if length > maxFooter {
		return nil, badfile.TooLarge("a footer of more than %d bytes", maxFooter)
	}
	footer := make([]byte, length)
	if err := readAt(r, footer, size-tail-length); err != nil {
		return nil, err
	}
	meta, _, err := readStruct(footer)
	if err != nil {
		return nil, err
	}
	f := &File{r: r, size: size, Rows: meta.number(3)}
	if meta.has(8) {
		return nil, badfile.Unread("it is encrypted")
	}
	s := &schemaReader{file: f, elements: meta.list(2)}
	if err := s.tree(nil, 0, 0, 0); err != nil {
		return nil, err
	}
	if len(s.elements) > 0 {
		return nil, badfile.Damaged("its schema has more elements than it says")
	}
	return f, f.groups(meta.list(4))
}

func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return badfile.Damaged("it ends too early")
	}
	return err
}

// schemaReader takes the schema's elements, which stand depth first.
type schemaReader struct {
	file     *File
	elements []any
}

// tree reads one element and those below it. The first is the root, which has
// no name.
func (s *schemaReader) tree(path []string, def, rep, depth int) error {
	if len(s.elements) == 0 || depth > maxNested {
		return badfile.Damaged("its schema is damaged")
	}
	e, ok := s.elements[0].(fields)
	s.elements = s.elements[1:]
	if !ok {
		return badfile.Damaged("its schema is damaged")
	}
	if depth > 0 {
		path = append(slices.Clone(path), e.text(4))
		switch e.number(3) {
		case 1:
			def++
		case 2:
			def, rep = def+1, rep+1
		}
	}
	if !e.has(1) || depth == 0 {
		for range e.number(5) {
			if err := s.tree(path, def, rep, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if len(s.file.Columns) == maxColumns {
		return badfile.TooLarge("more than %d columns", maxColumns)
	}
	c := &Column{Name: strings.Join(path, "."), file: s.file, physical: int(e.number(1)), length: int(e.number(2)), maxDef: def, maxRep: rep}
	if c.physical < typeBoolean || c.physical > typeFixed || c.physical == typeFixed && (c.length <= 0 || c.length > maxPage) || def > maxLevel {
		return badfile.Damaged("the type of the column %q is damaged", badfile.Shorten(c.Name))
	}
	c.meaning = meaningOf(e, c.physical, c.length)
	s.file.Columns = append(s.file.Columns, c)
	return nil
}

// groups notes where the parts of each column lie.
func (f *File) groups(list []any) error {
	if len(list) > maxGroups {
		return badfile.TooLarge("more than %d groups of rows", maxGroups)
	}
	for _, v := range list {
		group, _ := v.(fields)
		columns := group.list(1)
		if len(columns) != len(f.Columns) {
			return badfile.Damaged("a group of rows has %d columns of %d", len(columns), len(f.Columns))
		}
		for i, v := range columns {
			if err := f.Columns[i].add(v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Column) add(v any) error {
	whole, _ := v.(fields)
	meta := whole.inner(3)
	switch {
	case whole.text(1) != "":
		return badfile.Unread("the column %q lies in another file", badfile.Shorten(c.Name))
	case meta == nil:
		return badfile.Unread("the column %q is encrypted", badfile.Shorten(c.Name))
	case int(meta.number(1)) != c.physical:
		return badfile.Damaged("the column %q is of two types", badfile.Shorten(c.Name))
	}
	p := chunk{codec: meta.number(4), values: meta.number(5), from: meta.number(9), size: meta.number(7)}
	if at := meta.number(11); at > 0 && at < p.from {
		p.from = at // the dictionary stands before
	}
	if p.values < 0 || p.from < 0 || p.size < 0 || p.from > c.file.size || p.size > c.file.size-p.from {
		return badfile.Damaged("the column %q lies beyond the end of the file", badfile.Shorten(c.Name))
	}
	c.chunks = append(c.chunks, p)
	return nil
}
