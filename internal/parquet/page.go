package parquet

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"repro/internal/badfile"
	"repro/internal/codec"
	"repro/internal/ndarray"
)

// The types of pages, and the encodings.
const (
	pageData       = 0
	pageIndex      = 1
	pageDictionary = 2
	pageData2      = 3

	plain            = 0
	plainDictionary  = 2
	runs             = 3
	bitPacked        = 4
	deltaNumbers     = 5
	deltaLengths     = 6
	deltaTexts       = 7
	runsOfDictionary = 8
	splitBytes       = 9
)

// maxHead bounds the header of a page, with the statistics in it.
const maxHead = 1 << 20

// Read returns the column's values, and where values are missing. Of a column
// within lists, a further array "NAME nesting" holds for each place how deep it
// repeats and how deep it is defined.
func (c *Column) Read(ctx context.Context) ([]ndarray.Array, error) {
	r := &columnReader{Column: c, out: ndarray.NewColumn(c.Name, c.meaning.class, c.meaning.size, c.meaning.typed)}
	for i := range c.chunks {
		if err := r.chunk(ctx, &c.chunks[i]); err != nil {
			return nil, fmt.Errorf("column %q: %w", badfile.Shorten(c.Name), err)
		}
	}
	out := r.out.Arrays()
	if c.maxRep > 0 {
		out = append(out, ndarray.Array{Name: c.Name + " nesting", Class: ndarray.Bytes, Size: 2, Shape: []int{len(r.nesting) / 2}, Data: r.nesting, Order: binary.LittleEndian})
	}
	return out, nil
}

type columnReader struct {
	*Column
	out        *ndarray.Column
	nesting    []byte
	dictionary *values
	codec      int64
	page       []byte // memory for a page that is unpacked
}

// chunk reads the pages of one part of the column.
func (r *columnReader) chunk(ctx context.Context, p *chunk) error {
	r.dictionary, r.codec = nil, p.codec
	at, end := p.from, p.from+p.size
	for seen := int64(0); seen < p.values; {
		if err := ctx.Err(); err != nil {
			return err
		}
		head, err := r.head(at, end)
		if err != nil {
			return err
		}
		at += head.took
		b := make([]byte, head.packed)
		if err := readAt(r.file.r, b, at); err != nil {
			return err
		}
		at += head.packed
		switch head.kind {
		case pageDictionary:
			err = r.readDictionary(head, b)
		case pageData, pageData2:
			if seen += head.values; seen > p.values {
				return badfile.Damaged("its pages hold more values than it says")
			}
			err = r.readData(head, b)
		case pageIndex:
		default:
			return badfile.Unread("a page of type %d", head.kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pageHead is the header of a page.
type pageHead struct {
	kind, packed, unpacked, values, encoding int64
	took                                     int64 // bytes of the header
	repBytes, defBytes                       int64 // of version 2
	repRuns, defRuns                         int64 // encodings of version 1
	stored                                   bool  // of version 2: not packed
}

func (r *columnReader) head(at, end int64) (*pageHead, error) {
	b := make([]byte, min(end-at, maxHead))
	if len(b) == 0 {
		return nil, badfile.Damaged("its pages end too early")
	}
	for size := min(len(b), 1<<10); ; size = min(len(b), 32*size) {
		if err := readAt(r.file.r, b[:size], at); err != nil {
			return nil, err
		}
		f, took, err := readStruct(b[:size])
		if err != nil && size < len(b) {
			continue // the header is longer
		}
		if err != nil {
			return nil, err
		}
		h := &pageHead{kind: f.number(1), unpacked: f.number(2), packed: f.number(3), took: int64(took)}
		switch h.kind {
		case pageData:
			d := f.inner(5)
			h.values, h.encoding, h.defRuns, h.repRuns = d.number(1), d.number(2), d.number(3), d.number(4)
		case pageDictionary:
			d := f.inner(7)
			h.values, h.encoding = d.number(1), d.number(2)
		case pageData2:
			d := f.inner(8)
			h.values, h.encoding, h.defBytes, h.repBytes = d.number(1), d.number(4), d.number(5), d.number(6)
			h.stored = d[7] == false
		}
		if h.packed < 0 || h.unpacked < 0 || h.values < 0 || h.packed > end-at-h.took {
			return nil, badfile.Damaged("a page lies beyond its column")
		}
		if h.packed > maxPage || h.unpacked > maxPage || h.values > maxPageValues {
			return nil, badfile.TooLarge("a page of more than %d bytes or %d values", maxPage, maxPageValues)
		}
		return h, nil
	}
}

// unpack returns a page's bytes as they were before they were packed.
func (r *columnReader) unpack(b []byte, size int64) ([]byte, error) {
	if r.codec == 0 {
		return b, nil
	}
	if int64(cap(r.page)) < size {
		r.page = make([]byte, size)
	}
	out := r.page[:size]
	n, err := 0, error(nil)
	switch r.codec {
	case 1:
		n, err = unpackSnappy(out, b)
	case 2:
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(b)); err == nil {
			n, err = io.ReadFull(z, out)
		}
	case 6:
		n, err = codec.Decode(codec.Zstd, out, b)
	case 7:
		n, err = codec.Decode(codec.LZ4, out, b)
	default:
		return nil, badfile.Unread("pages packed by method %d", r.codec)
	}
	if err != nil || int64(n) != size {
		return nil, badfile.Damaged("a page can't be unpacked")
	}
	return out, nil
}

func (r *columnReader) readDictionary(h *pageHead, b []byte) error {
	b, err := r.unpack(b, h.unpacked)
	if err != nil {
		return err
	}
	if h.encoding != plain && h.encoding != plainDictionary {
		return badfile.Unread("a dictionary in the encoding %d", h.encoding)
	}
	r.dictionary, err = r.plain(bytes.Clone(b), int(h.values))
	return err
}

// readData adds the values of a page.
func (r *columnReader) readData(h *pageHead, b []byte) (err error) {
	var rep, def []byte // levels
	n := int(h.values)
	if h.kind == pageData {
		if b, err = r.unpack(b, h.unpacked); err != nil {
			return err
		}
		if rep, b, err = levels(b, h.repRuns, r.maxRep, n); err != nil {
			return err
		}
		if def, b, err = levels(b, h.defRuns, r.maxDef, n); err != nil {
			return err
		}
	} else {
		if h.repBytes < 0 || h.defBytes < 0 || h.repBytes+h.defBytes > int64(len(b)) {
			return badfile.Damaged("the levels of a page are damaged")
		}
		if rep, err = levelRuns(b[:h.repBytes], r.maxRep, n); err != nil {
			return err
		}
		if def, err = levelRuns(b[h.repBytes:h.repBytes+h.defBytes], r.maxDef, n); err != nil {
			return err
		}
		b = b[h.repBytes+h.defBytes:]
		if size := h.unpacked - h.repBytes - h.defBytes; !h.stored && size > 0 {
			if b, err = r.unpack(b, size); err != nil {
				return err
			}
		}
	}
	present := n
	for _, d := range def {
		if int(d) < r.maxDef {
			present--
		}
	}
	v, err := r.decode(h.encoding, b, present)
	if err != nil {
		return err
	}
	return r.put(v, rep, def, n)
}

// put adds values where they are defined.
func (r *columnReader) put(v *values, rep, def []byte, n int) error {
	next := 0
	for i := range n {
		if r.maxRep > 0 {
			r.nesting = append(r.nesting, rep[i], def[i])
		}
		if r.maxDef > 0 && int(def[i]) < r.maxDef {
			if r.maxRep == 0 {
				r.out.Missing('0' + def[i])
			}
			continue
		}
		if err := r.meaning.put(r.out, v.at(next)); err != nil {
			return err
		}
		if next++; next%1024 == 0 {
			if err := r.out.Full(); err != nil {
				return err
			}
		}
	}
	if len(r.nesting) > ndarray.MaxData {
		return badfile.TooLarge("lists of more than %d bytes", ndarray.MaxData)
	}
	return r.out.Full()
}
