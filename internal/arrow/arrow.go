// Package arrow reads tables of Apache Arrow: files (.arrow, Feather 2) and
// streams of the columnar format, version 1.5 ("Serialization and Interprocess
// Communication"), packed by LZ4, Zstandard or not.
package arrow

import (
	"bytes"
	"encoding/binary"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// Limits on one file.
const (
	maxFields  = 1 << 14
	maxBatches = 1 << 16
	maxRows    = 1 << 27
)

const magic = "ARROW1\x00\x00"

// The kinds of messages.
const (
	messageSchema     = 1
	messageDictionary = 2
	messageBatch      = 3
)

// Read reads a table: an array for each column, and "NAME missing" where values
// are missing. How rows are cut into batches, packing, padding, order of bytes
// and metadata of the schema carry nothing.
func Read(b []byte) ([]ndarray.Array, error) {
	if bytes.HasPrefix(b, []byte("FEA1")) {
		return nil, badfile.Unread("Feather 1")
	}
	whole := bytes.HasPrefix(b, []byte(magic[:6]))
	if whole {
		if len(b) < 20 || !bytes.HasSuffix(b, []byte(magic[:6])) {
			return nil, badfile.Damaged("it ends too early")
		}
		b = b[8 : len(b)-6]
	}
	t := &reader{dictionaries: map[int64]*column{}}
	for n := 0; ; n++ {
		if n == maxBatches {
			return nil, badfile.TooLarge("more than %d messages", maxBatches)
		}
		rest, done, err := t.message(b)
		if err != nil {
			return nil, err
		}
		if done {
			break
		}
		b = rest
	}
	if t.fields == nil && !t.schema {
		return nil, badfile.Damaged("it has no schema")
	}
	var out []ndarray.Array
	for _, c := range t.fields {
		arrays, err := c.arrays(t)
		if err != nil {
			return nil, err
		}
		out = append(out, arrays...)
	}
	return out, nil
}

type reader struct {
	fields       []*column
	schema       bool
	dictionaries map[int64]*column
	rows         int64
	unpacked     int64
}

// message reads one message with its body, and returns what follows.
func (t *reader) message(b []byte) (rest []byte, done bool, err error) {
	if len(b) >= 4 && binary.LittleEndian.Uint32(b) == 0xffffffff {
		b = b[4:]
	}
	size, ok := u32(b, 0)
	if !ok {
		return nil, false, badfile.Damaged("it ends too early")
	}
	if size == 0 { // the end; what a file says behind it is where its batches lie
		return nil, true, nil
	}
	if b = b[4:]; size > len(b) {
		return nil, false, badfile.Damaged("a message ends too early")
	}
	m, err := root(b[:size])
	if err != nil {
		return nil, false, err
	}
	length := m.number(3, 8, 0)
	b = b[size:]
	if length < 0 || length > int64(len(b)) {
		return nil, false, badfile.Damaged("a message's body ends too early")
	}
	header, ok, err := m.inner(2)
	if err != nil || !ok {
		return nil, false, errFlat
	}
	body := b[:length]
	switch kind := m.number(1, 1, 0); kind {
	case messageSchema:
		err = t.readSchema(header)
	case messageBatch:
		err = t.batch(header, body, t.fields)
	case messageDictionary:
		err = t.dictionary(header, body)
	default:
		err = badfile.Unread("a message of the kind %d", kind)
	}
	return b[length:], false, err
}

func (t *reader) readSchema(s flat) error {
	if t.schema {
		return badfile.Damaged("it has two schemas")
	}
	if t.schema = true; s.number(0, 2, 0) != 0 {
		return badfile.Unread("its numbers are big-endian")
	}
	fields, err := s.tables(1)
	if err != nil {
		return err
	}
	for _, f := range fields {
		c, err := t.field(f)
		if err != nil {
			return err
		}
		t.fields = append(t.fields, c)
	}
	return nil
}

// dictionary reads the values that a column's numbers stand for.
func (t *reader) dictionary(d flat, body []byte) error {
	c := t.dictionaries[d.number(0, 8, 0)]
	batch, ok, err := d.inner(1)
	if err != nil || !ok || c == nil {
		return badfile.Damaged("a dictionary of no column")
	}
	if c.rows > 0 && d.number(2, 1, 0) == 0 { // it takes the place of an earlier one
		return badfile.Unread("a dictionary that is replaced")
	}
	return t.batch(batch, body, []*column{c})
}

// batch reads rows of columns.
func (t *reader) batch(r flat, body []byte, columns []*column) error {
	rows := r.number(0, 8, 0)
	if t.rows += rows; rows < 0 || t.rows > maxRows {
		return badfile.TooLarge("more than %d rows", maxRows)
	}
	nodes, n, err := r.vector(1, 16)
	if err != nil {
		return err
	}
	buffers, k, err := r.vector(2, 16)
	if err != nil {
		return err
	}
	p := &batch{reader: t, b: r.b, nodes: nodes, nodesLeft: n, buffers: buffers, buffersLeft: k, body: body, codec: -1}
	if packing, ok, err := r.inner(3); err != nil {
		return err
	} else if ok {
		p.codec = packing.number(0, 1, 0)
	}
	for _, c := range columns {
		if err := c.read(p, rows); err != nil {
			return err
		}
	}
	return nil
}
