package compare

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// pairs reads a list of pairs, or a call.
func (r *rReader) pairs(name string, kind int, hasAttr, hasTag bool) {
	words := map[int]string{rPairs: "pairlist", rAttrPair: "pairlist", rCall: "call", rAttrCall: "call"}
	r.named(name, words[kind])
	for i := 1; ; i++ {
		if hasAttr {
			r.attributes(r.part(name, fmt.Sprintf("[[%d]]", i)), &rObject{})
		}
		tag := ""
		if hasTag {
			tag = r.object("").symbol
		}
		place := fmt.Sprintf("[[%d]]", i)
		if tag != "" {
			place = "$" + tag
		}
		r.object(r.part(name, place))
		flags := r.int()
		switch next := int(flags & 0xff); next {
		case rPairs, rCall, rAttrPair, rAttrCall:
			hasAttr, hasTag = flags&0x200 != 0 || next >= rAttrPair, flags&0x400 != 0
		case rNil, rNilValue:
			r.named(r.part(name, "@length"), strconv.Itoa(i))
			return
		default:
			r.unread("a list that ends in an object of type %d", next)
		}
	}
}

func (r *rReader) part(name, place string) string {
	if name == "" {
		return ""
	}
	return name + place
}

// attributes reads the attributes of the object that has just been read.
func (r *rReader) attributes(name string, of *rObject) (dim []int32) {
	for {
		flags := r.int()
		switch flags & 0xff {
		case rNil, rNilValue:
			return dim
		case rPairs:
		default:
			panic(fmt.Errorf("an object of type %d where attributes should be", flags&0xff))
		}
		if flags&0x400 == 0 || flags&0x200 != 0 {
			panic(errors.New("an attribute without a name"))
		}
		tag := r.object("").symbol
		value := r.object(r.part(name, "@"+tag))
		switch tag {
		case "dim":
			dim = value.ints
		case "names":
			of.texts = value.texts
		}
	}
}

// vector reads a vector of values. Its attributes stand behind it.
func (r *rReader) vector(name string, kind int, hasAttr bool) rObject {
	a := array{name: name}
	o := rObject{}
	from := len(r.out)
	switch kind {
	case rLogical:
		a.sort, a.size, a.typed = opaque, 4, "logical"
		a.data = r.take(4 * r.length(4))
	case rInteger:
		a.sort, a.size = signed, 4
		a.data = r.take(4 * r.length(4))
		for b := a.data; len(b) >= 4 && len(o.ints) < 1<<10; b = b[4:] {
			o.ints = append(o.ints, int32(binary.BigEndian.Uint32(b)))
		}
	case rReal:
		a.sort, a.size = floats, 8
		a.data = r.take(8 * r.length(8))
	case rComplex:
		a.sort, a.size = complexs, 16
		a.data = r.take(16 * r.length(16))
	case rRaw:
		a.sort, a.size, a.typed = opaque, 1, "raw"
		a.data = r.take(r.length(1))
	case rStrings:
		a.sort = words
		for range r.length(8) {
			a.texts = append(a.texts, r.chars())
		}
		a.shape, o.texts = []int{len(a.texts)}, a.texts
	case rList, rExprs:
		return r.list(name, kind, hasAttr)
	default:
		r.unread("an object of type %d, such as a function or an environment", kind)
	}
	var dim []int32
	if hasAttr {
		dim = r.attributes(name, &rObject{})
	}
	if name == "" {
		return o
	}
	if n := len(a.data) / max(1, a.size); a.sort != words {
		a.shape, a.columnMajor = shapeOf(dim, n), true
	}
	later := slices.Clone(r.out[from:])
	r.out = r.out[:from]
	r.missing(&a)
	r.add(a)
	r.out = append(r.out, later...)
	return o
}

// shapeOf is a vector's shape by its attribute dim, if that fits.
func shapeOf(dim []int32, n int) []int {
	product, shape := 1, []int{}
	for _, d := range dim {
		if d < 0 || d > 0 && product > maxArrays/int(d) {
			return []int{n}
		}
		product *= int(d)
		shape = append(shape, int(d))
	}
	if len(dim) == 0 || product != n || len(dim) > maxAxes {
		return []int{n}
	}
	return shape
}

// missing tells R's NA from NaN, and from every number: where there is one, a
// second array says where, so that no tolerance takes one for the other.
func (r *rReader) missing(a *array) {
	if a.sort != signed && a.sort != floats && a.sort != complexs {
		return
	}
	const lowWord = 1954 // of R's NA_real_
	where := array{name: a.name + " missing", sort: opaque, size: 1, shape: a.shape, columnMajor: a.columnMajor}
	any := false
	for at := 0; at+a.size <= len(a.data); at += a.size {
		b, is := a.data[at:at+a.size], byte('-')
		if a.sort == signed && int32(binary.BigEndian.Uint32(b)) == math.MinInt32 {
			is = 'N'
		}
		for part := 0; a.sort != signed && part < len(b); part += 8 {
			bits := binary.BigEndian.Uint64(b[part:])
			if math.IsNaN(math.Float64frombits(bits)) && uint32(bits) == lowWord {
				is = map[byte]byte{'-': 'N', 'N': 'B'}[is] + byte(part/8)
			}
		}
		any = any || is != '-'
		where.data = append(where.data, is)
	}
	if any {
		r.add(where)
	}
}

// list reads a list of objects. Its names stand behind it, so that what it
// holds is named once they are known.
func (r *rReader) list(name string, kind int, hasAttr bool) rObject {
	n := r.length(4)
	starts := make([]int, 0, min(n, 1<<16)+1)
	place := func(i int) string { return fmt.Sprintf("%s[[%d]]", name, i+1) }
	for i := range n {
		starts = append(starts, len(r.out))
		inner := ""
		if name != "" {
			inner = place(i)
		}
		r.object(inner)
	}
	starts = append(starts, len(r.out))
	o := rObject{}
	if hasAttr {
		r.attributes(name, &o)
	}
	if name == "" {
		return o
	}
	r.note(name, fmt.Sprintf("%s of %d", map[int]string{rList: "list", rExprs: "expressions"}[kind], n))
	for i := range n {
		if i >= len(o.texts) || o.texts[i] == "" || o.texts[i] == noText {
			continue // it keeps its number
		}
		for k := starts[i]; k < starts[i+1]; k++ {
			a := &r.out[k]
			a.name = name + "$" + o.texts[i] + strings.TrimPrefix(a.name, place(i))
		}
	}
	return o
}
