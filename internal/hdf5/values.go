package hdf5

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"repro/internal/badfile"
	"repro/internal/ndarray"
	"strings"
)

// Read returns a node's values: none for a group or a link.
func (n *Node) Read(ctx context.Context) ([]ndarray.Array, error) {
	if n.data == nil {
		return nil, nil
	}
	b, err := n.file.bytesOf(ctx, n.data)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", n.Name, err)
	}
	v := &valueReader{f: n.file, ctx: ctx, left: MaxMixed}
	shape := n.data.space.dims
	if n.data.space.null {
		shape = []int{0}
	}
	if err := v.flatten(n.Name, n.data.typed, shape, b, 0); err != nil {
		return nil, fmt.Errorf("%q: %w", n.Name, err)
	}
	return v.out, nil
}

func order(big bool) binary.ByteOrder {
	if big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

type valueReader struct {
	f    *File
	ctx  context.Context
	out  []ndarray.Array
	left int // bytes that may yet be gathered
}

func (v *valueReader) spend(n int) error {
	if v.left -= n; v.left < 0 {
		return badfile.TooLarge("values of more than %d bytes", MaxMixed)
	}
	return nil
}

// flatten adds the arrays that values of a type make.
func (v *valueReader) flatten(name string, t *datatype, shape []int, b []byte, depth int) error {
	if len(v.out) > 4096 || depth > 16 {
		return badfile.TooLarge("compounds of more than 4096 parts")
	}
	a := ndarray.Array{Name: name, Type: t.String(), Size: t.size, Shape: shape, Order: order(t.big), Data: b}
	switch t.class {
	case classInteger, classEnum:
		number := t
		if t.class == classEnum {
			number = t.base
		}
		a.Class, a.Order = ndarray.Uint, order(number.big)
		if number.signed {
			a.Class = ndarray.Int
		}
	case classFloat:
		a.Class = ndarray.Float
	case classBits:
		a.Class, a.Type = ndarray.Bytes, fmt.Sprint(a.Type, t.big)
	case classOpaque:
		a.Class = ndarray.Bytes
	case classString:
		return v.strings(a, t)
	case classReference:
		return v.references(a)
	case classVariable:
		return v.variable(a, t, depth)
	case classArray:
		return v.flatten(name, t.base, append(append([]int{}, shape...), t.dims...), b, depth+1)
	case classCompound:
		if !t.isComplex() {
			return v.compound(a, t, depth)
		}
		a.Class, a.Order = ndarray.Complex, order(t.members[0].typed.big)
	}
	v.out = append(v.out, a)
	return nil
}

func (v *valueReader) compound(a ndarray.Array, t *datatype, depth int) error {
	for _, m := range t.members {
		size := m.typed.size
		count := len(a.Data) / t.size
		if err := v.spend(count * size); err != nil {
			return err
		}
		part := make([]byte, 0, count*size)
		for from := m.offset; from+size <= len(a.Data); from += t.size {
			part = append(part, a.Data[from:from+size]...)
		}
		if err := v.flatten(a.Name+"."+m.name, m.typed, a.Shape, part[:min(len(part), count*size)], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (v *valueReader) strings(a ndarray.Array, t *datatype) error {
	for b := a.Data; len(b) >= t.size; b = b[t.size:] {
		text := b[:t.size]
		if t.padding == 2 {
			text = bytes.TrimRight(text, " ")
		} else if t.padding == 1 {
			text = bytes.TrimRight(text, "\x00")
		} else if end := bytes.IndexByte(text, 0); end >= 0 {
			text = text[:end]
		}
		if err := v.spend(len(text) + 16); err != nil {
			return err
		}
		a.Texts = append(a.Texts, string(text))
	}
	a.Class, a.Size, a.Data = ndarray.Text, 0, nil
	v.out = append(v.out, a)
	return nil
}

// references name the objects that they lead to.
func (v *valueReader) references(a ndarray.Array) error {
	for b := a.Data; len(b) >= a.Size; b = b[a.Size:] {
		address := (&cursor{b: b}).sized(min(a.Size, v.f.offsets))
		name, known := v.f.names[address]
		switch {
		case address == 0 || address == undefined:
			name = "nothing"
		case !known:
			return badfile.Unread("a reference to what no group holds")
		}
		if err := v.spend(len(name) + 16); err != nil {
			return err
		}
		a.Texts = append(a.Texts, name)
	}
	a.Class, a.Size, a.Data = ndarray.Text, 0, nil
	v.out = append(v.out, a)
	return nil
}

// variable reads values of variable length: texts, or sequences, of which the
// lengths are an array and all values together another.
func (v *valueReader) variable(a ndarray.Array, t *datatype, depth int) error {
	lengths := ndarray.Array{Name: a.Name + " lengths", Class: ndarray.Uint, Order: binary.LittleEndian, Type: "uint64", Size: 8, Shape: a.Shape}
	var joined []byte
	for b := a.Data; len(b) >= t.size; b = b[t.size:] {
		c := &cursor{b: b[:t.size]}
		count := c.u32()
		address, index := v.f.address(c), c.u32()
		var value []byte
		if count > 0 {
			object, err := v.f.global(address, index)
			if err != nil {
				return err
			}
			size := uint64(count) * uint64(t.base.size)
			if size > uint64(len(object)) {
				return badfile.Damaged("a value of variable length ends too early")
			}
			value = object[:size]
		}
		if err := v.spend(len(value) + 16); err != nil {
			return err
		}
		if t.text {
			text, _, _ := strings.Cut(string(value), "\x00")
			a.Texts = append(a.Texts, text)
			continue
		}
		lengths.Data = binary.LittleEndian.AppendUint64(lengths.Data, uint64(count))
		joined = append(joined, value...)
	}
	if t.text {
		a.Class, a.Size, a.Data = ndarray.Text, 0, nil
		v.out = append(v.out, a)
		return nil
	}
	v.out = append(v.out, lengths)
	return v.flatten(a.Name+" values", t.base, []int{len(joined) / t.base.size}, joined, depth+1)
}
