package parquet

import (
	"encoding/binary"
	"math/bits"

	"repro/internal/badfile"
)

// Limits on metadata.
const (
	maxValues = 1 << 22 // of all structures of one file's footer, or of one page's header
	maxNested = 32
)

// The types of Thrift's compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

// fields are a structure: values by the number of their field. A value is an
// int64, a bool, a string, a []any or fields.
type fields map[int16]any

// number is a whole number, or 0 where the field is absent.
func (f fields) number(id int16) int64 {
	n, _ := f[id].(int64)
	return n
}

func (f fields) text(id int16) string {
	s, _ := f[id].(string)
	return s
}

func (f fields) list(id int16) []any {
	l, _ := f[id].([]any)
	return l
}

func (f fields) inner(id int16) fields {
	s, _ := f[id].(fields)
	return s
}

func (f fields) has(id int16) bool { _, ok := f[id]; return ok }

// thrift reads structures in the compact protocol ("Thrift compact protocol
// encoding", The Apache Software Foundation).
type thrift struct {
	b    []byte
	left int // values that may yet be read
	bad  bool
}

// readStruct reads one structure, and says how many bytes it took.
func readStruct(b []byte) (fields, int, error) {
	t := &thrift{b: b, left: maxValues}
	f := t.structure(0)
	if t.left < 0 {
		return nil, 0, badfile.TooLarge("metadata of more than %d values", maxValues)
	}
	if t.bad {
		return nil, 0, badfile.Damaged("its metadata is damaged")
	}
	return f, len(b) - len(t.b), nil
}

func (t *thrift) byte() byte {
	if len(t.b) == 0 {
		t.bad = true
		return 0
	}
	c := t.b[0]
	t.b = t.b[1:]
	return c
}

func (t *thrift) varint() uint64 {
	v, n := binary.Uvarint(t.b)
	if n <= 0 {
		t.bad = true
		return 0
	}
	t.b = t.b[n:]
	return v
}

func zigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

func (t *thrift) structure(depth int) fields {
	if depth > maxNested {
		t.bad = true
	}
	out := fields{}
	for id := int16(0); !t.bad; {
		head := t.byte()
		if head == 0 {
			break
		}
		if step := head >> 4; step != 0 {
			id += int16(step)
		} else {
			id = int16(zigzag(t.varint()))
		}
		if kind := head & 15; kind == thriftTrue || kind == thriftFalse {
			out[id] = kind == thriftTrue
		} else {
			out[id] = t.value(kind, depth)
		}
		if t.left--; t.left < 0 {
			t.bad = true
		}
	}
	return out
}

func (t *thrift) value(kind byte, depth int) any {
	switch kind {
	case thriftTrue, thriftFalse: // in a list, a byte
		return t.byte() == thriftTrue
	case thriftByte:
		return int64(int8(t.byte()))
	case thriftI16, thriftI32, thriftI64:
		return zigzag(t.varint())
	case thriftDouble:
		t.take(8)
		return nil
	case thriftBinary:
		return string(t.take(t.varint()))
	case thriftList, thriftSet:
		return t.list(depth)
	case thriftMap:
		t.pairs(depth)
		return nil
	case thriftStruct:
		return t.structure(depth + 1)
	}
	t.bad = true
	return nil
}

func (t *thrift) take(n uint64) []byte {
	if n > uint64(len(t.b)) {
		t.bad = true
		return nil
	}
	b := t.b[:n]
	t.b = t.b[n:]
	return b
}

func (t *thrift) list(depth int) []any {
	head := t.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = t.varint()
	}
	if n > uint64(len(t.b)) || depth > maxNested {
		t.bad = true
		return nil
	}
	var out []any
	for range n {
		if t.left--; t.left < 0 || t.bad {
			t.bad = true
			return nil
		}
		out = append(out, t.value(head&15, depth+1))
	}
	return out
}

// pairs passes over a map.
func (t *thrift) pairs(depth int) {
	n := t.varint()
	if n == 0 {
		return
	}
	kinds := t.byte()
	for i := uint64(0); i < n && !t.bad; i++ {
		t.value(kinds>>4, depth+1)
		t.value(kinds&15, depth+1)
		if t.left -= 2; t.left < 0 {
			t.bad = true
		}
	}
}

// widthOf is how many bits hold numbers up to n.
func widthOf(n int) int { return bits.Len(uint(n)) }
