package hdf5

import (
	"fmt"
	"repro/internal/badfile"
	"strings"
)

// The classes of datatypes.
const (
	classInteger   = 0
	classFloat     = 1
	classString    = 3
	classBits      = 4
	classOpaque    = 5
	classCompound  = 6
	classReference = 7
	classEnum      = 8
	classVariable  = 9
	classArray     = 10
)

// datatype says what an element is.
type datatype struct {
	class   int
	size    int
	big     bool // big-endian
	signed  bool
	padding int  // of a string: 0 ends at a zero byte, 1 padded with zeros, 2 with blanks
	text    bool // of variable length: text
	tag     string

	base    *datatype // of an enumeration, an array, a sequence
	dims    []int     // of an array
	members []member  // of a compound
	values  string    // of an enumeration: names and values
}

type member struct {
	name   string
	offset int
	typed  *datatype
}

// String describes the type apart from its order of bytes.
func (t *datatype) String() string {
	bits := 8 * t.size
	switch t.class {
	case classInteger:
		if t.signed {
			return fmt.Sprintf("int%d", bits)
		}
		return fmt.Sprintf("uint%d", bits)
	case classFloat:
		return fmt.Sprintf("float%d", bits)
	case classString:
		return "text"
	case classBits:
		return fmt.Sprintf("bits%d", bits)
	case classOpaque:
		return fmt.Sprintf("opaque%d %s", bits, t.tag)
	case classReference:
		return "reference"
	case classEnum:
		return "enumeration " + t.base.String() + " " + t.values
	case classVariable:
		if t.text {
			return "text"
		}
		return "sequence of " + t.base.String()
	case classArray:
		return fmt.Sprintf("array %v of %s", t.dims, t.base)
	}
	var parts []string
	for _, m := range t.members {
		parts = append(parts, m.name+" "+m.typed.String())
	}
	return "compound {" + strings.Join(parts, "; ") + "}"
}

// isComplex reports the compound that h5py writes for complex numbers.
func (t *datatype) isComplex() bool {
	if t.class != classCompound || len(t.members) != 2 || t.size != 8 && t.size != 16 {
		return false
	}
	a, b := t.members[0], t.members[1]
	names := a.name + " " + b.name
	return (names == "r i" || names == "real imag") && a.typed.class == classFloat && b.typed.class == classFloat &&
		2*a.typed.size == t.size && b.typed.size == a.typed.size && a.typed.big == b.typed.big && a.offset == 0 && b.offset == a.typed.size
}

func (f *File) datatypeOf(m message) (*datatype, error) {
	b, err := f.shared(m)
	if err != nil {
		return nil, err
	}
	return readDatatype(&cursor{b: b}, 0)
}

func readDatatype(c *cursor, depth int) (*datatype, error) {
	if depth > 8 {
		return nil, badfile.TooLarge("types lie more than 8 deep in each other")
	}
	head := c.byte()
	version := int(head >> 4)
	flags := c.take(3)
	t := &datatype{class: int(head & 15), size: int(c.u32())}
	if c.bad || version < 1 || version > 5 || t.size <= 0 || t.size > maxMessage {
		return nil, badfile.Damaged("a type is damaged")
	}
	var err error
	switch t.class {
	case classInteger:
		t.big, t.signed = flags[0]&1 != 0, flags[0]&8 != 0
		offset, precision := c.u16(), c.u16()
		if offset != 0 || int(precision) != 8*t.size || t.size > 8 || t.size&(t.size-1) != 0 {
			return nil, badfile.Unread("whole numbers of %d of %d bits", precision, 8*t.size)
		}
	case classFloat:
		err = t.float(c, flags)
	case classString:
		if t.padding = int(flags[0] & 15); t.padding > 2 {
			return nil, badfile.Unread("text padded in way %d", t.padding)
		}
	case classBits:
		t.big = flags[0]&1 != 0
		c.take(4)
	case classOpaque:
		t.tag = strings.TrimRight(string(c.take(int(flags[0]))), "\x00")
	case classReference:
		if flags[0]&15 != 0 || version >= 4 {
			return nil, badfile.Unread("a reference that is not to a whole object")
		}
	case classEnum:
		err = t.enumeration(c, version, int(flags[0])|int(flags[1])<<8, depth)
	case classVariable:
		t.text = flags[0]&15 == 1
		if t.size < 12 {
			return nil, badfile.Damaged("a type is damaged")
		}
		t.base, err = readDatatype(c, depth+1)
	case classArray:
		err = t.array(c, version, depth)
	case classCompound:
		err = t.compound(c, version, int(flags[0])|int(flags[1])<<8, depth)
	default:
		return nil, badfile.Unread("a type of class %d", t.class)
	}
	if err == nil && c.bad {
		err = badfile.Damaged("a type ends too early")
	}
	return t, err
}

// float takes IEEE 754's forms only.
func (t *datatype) float(c *cursor, flags []byte) error {
	t.big = flags[0]&1 != 0
	offset, precision := c.u16(), c.u16()
	form := [4]byte(c.take(4))
	bias := c.u32()
	known := map[int]struct {
		form [4]byte
		bias uint32
		sign byte
	}{2: {[4]byte{10, 5, 0, 10}, 15, 15}, 4: {[4]byte{23, 8, 0, 23}, 127, 31}, 8: {[4]byte{52, 11, 0, 52}, 1023, 63}}
	want, ok := known[t.size]
	if !ok || offset != 0 || int(precision) != 8*t.size || form != want.form || bias != want.bias || flags[1] != want.sign ||
		flags[0]&0x40 != 0 || flags[0]>>4&3 != 2 {
		return badfile.Unread("floating-point numbers of %d bits that are not IEEE 754's", precision)
	}
	return nil
}

// name reads a text that ends in a zero byte, padded to eight in old types.
func (c *cursor) name(padded bool) string {
	for i, b := range c.b {
		if b != 0 {
			continue
		}
		text := string(c.take(i))
		rest := 1
		if padded {
			rest = (i+8)&^7 - i
		}
		c.take(rest)
		return text
	}
	c.bad = true
	return ""
}

func (t *datatype) enumeration(c *cursor, version, count, depth int) (err error) {
	if t.base, err = readDatatype(c, depth+1); err != nil {
		return err
	}
	if t.base.class != classInteger || t.base.size != t.size {
		return badfile.Unread("an enumeration that is not of whole numbers")
	}
	names := make([]string, count)
	for i := range names {
		names[i] = c.name(version < 3)
	}
	var b strings.Builder
	for _, name := range names {
		value := c.take(t.size)
		if c.bad {
			return badfile.Damaged("an enumeration ends too early")
		}
		v := uint64(0)
		for i := range value {
			at := i
			if t.base.big {
				at = len(value) - 1 - i
			}
			v |= uint64(value[at]) << (8 * i)
		}
		fmt.Fprintf(&b, "%s=%d ", name, v)
	}
	t.values = b.String()
	return nil
}

func (t *datatype) array(c *cursor, version, depth int) (err error) {
	rank := int(c.byte())
	if version < 3 {
		c.take(3)
	}
	n := 1
	for range rank {
		d := int(c.u32())
		if d <= 0 || n > maxMessage/d {
			return badfile.Damaged("an array of no size")
		}
		n *= d
		t.dims = append(t.dims, d)
	}
	if version < 3 {
		c.take(4 * rank) // a permutation that is not used
	}
	if rank > maxRank {
		return badfile.TooLarge("an array of %d axes", rank)
	}
	if t.base, err = readDatatype(c, depth+1); err == nil && t.base.size*n != t.size {
		return badfile.Damaged("an array of %d bytes where %d should be", t.size, t.base.size*n)
	}
	return err
}

func (t *datatype) compound(c *cursor, version, count, depth int) error {
	for range count {
		m := member{name: c.name(version < 3)}
		if version < 3 {
			m.offset = int(c.u32())
		} else {
			m.offset = int(c.sized(width(uint64(t.size))))
		}
		var dims []int
		if version == 1 {
			rank := int(c.byte())
			c.take(11) // a permutation that is not used
			for i := range 4 {
				if d := int(c.u32()); i < rank {
					dims = append(dims, d)
				}
			}
		}
		var err error
		if m.typed, err = readDatatype(c, depth+1); err != nil {
			return err
		}
		if len(dims) > 0 {
			return badfile.Unread("an array in a compound of version 1")
		}
		if m.offset < 0 || m.offset > t.size-m.typed.size {
			return badfile.Damaged("a part of a compound lies beyond it")
		}
		t.members = append(t.members, m)
	}
	if len(t.members) == 0 {
		return badfile.Damaged("a compound without parts")
	}
	return nil
}
