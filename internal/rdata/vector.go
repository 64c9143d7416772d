package rdata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"repro/internal/ndarray"
	"slices"
	"strconv"
	"strings"
)

// pairs reads a list of pairs, or a call.
func (r *reader) pairs(name string, kind int, hasAttr, hasTag bool) {
	words := map[int]string{rPairs: "pairlist", rAttrPair: "pairlist", rCall: "call", rAttrCall: "call"}
	r.named(name, words[kind])
	for i := 1; ; i++ {
		if hasAttr {
			r.attributes(r.part(name, fmt.Sprintf("[[%d]]", i)), &object{})
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

func (r *reader) part(name, place string) string {
	if name == "" {
		return ""
	}
	return name + place
}

// attributes reads the attributes of the object that has just been read.
func (r *reader) attributes(name string, of *object) (dim []int32) {
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
func (r *reader) vector(name string, kind int, hasAttr bool) object {
	a := ndarray.Array{Name: name}
	o := object{}
	from := len(r.out)
	switch kind {
	case rLogical:
		a.Class, a.Size, a.Type = ndarray.Bytes, 4, "logical"
		a.Data = r.take(4 * r.length(4))
	case rInteger:
		a.Class, a.Size = ndarray.Int, 4
		a.Data = r.take(4 * r.length(4))
		for b := a.Data; len(b) >= 4 && len(o.ints) < 1<<10; b = b[4:] {
			o.ints = append(o.ints, int32(binary.BigEndian.Uint32(b)))
		}
	case rReal:
		a.Class, a.Size = ndarray.Float, 8
		a.Data = r.take(8 * r.length(8))
	case rComplex:
		a.Class, a.Size = ndarray.Complex, 16
		a.Data = r.take(16 * r.length(16))
	case rRaw:
		a.Class, a.Size, a.Type = ndarray.Bytes, 1, "raw"
		a.Data = r.take(r.length(1))
	case rStrings:
		a.Class = ndarray.Text
		for range r.length(8) {
			a.Texts = append(a.Texts, r.chars())
		}
		a.Shape, o.texts = []int{len(a.Texts)}, a.Texts
	case rList, rExprs:
		return r.list(name, kind, hasAttr)
	default:
		r.unread("an object of type %d, such as a function or an environment", kind)
	}
	var dim []int32
	if hasAttr {
		dim = r.attributes(name, &object{})
	}
	if name == "" {
		return o
	}
	if n := len(a.Data) / max(1, a.Size); a.Class != ndarray.Text {
		a.Shape, a.ColumnMajor = shapeOf(dim, n), true
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
		if d < 0 || d > 0 && product > ndarray.MaxData/int(d) {
			return []int{n}
		}
		product *= int(d)
		shape = append(shape, int(d))
	}
	if len(dim) == 0 || product != n || len(dim) > ndarray.MaxAxes {
		return []int{n}
	}
	return shape
}

// missing tells R's NA from NaN, and from every number: where there is one, a
// second array says where, so that no tolerance takes one for the other.
func (r *reader) missing(a *ndarray.Array) {
	if a.Class != ndarray.Int && a.Class != ndarray.Float && a.Class != ndarray.Complex {
		return
	}
	const lowWord = 1954 // of R's NA_real_
	where := ndarray.Array{Name: a.Name + " missing", Class: ndarray.Bytes, Size: 1, Shape: a.Shape, ColumnMajor: a.ColumnMajor}
	any := false
	for at := 0; at+a.Size <= len(a.Data); at += a.Size {
		b, is := a.Data[at:at+a.Size], byte('-')
		if a.Class == ndarray.Int && int32(binary.BigEndian.Uint32(b)) == math.MinInt32 {
			is = 'N'
		}
		for part := 0; a.Class != ndarray.Int && part < len(b); part += 8 {
			bits := binary.BigEndian.Uint64(b[part:])
			if math.IsNaN(math.Float64frombits(bits)) && uint32(bits) == lowWord {
				is = map[byte]byte{'-': 'N', 'N': 'B'}[is] + byte(part/8)
			}
		}
		any = any || is != '-'
		where.Data = append(where.Data, is)
	}
	if any {
		r.add(where)
	}
}

// list reads a list of objects. Its names stand behind it, so that what it
// holds is named once they are known.
func (r *reader) list(name string, kind int, hasAttr bool) object {
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
	o := object{}
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
			a.Name = name + "$" + o.texts[i] + strings.TrimPrefix(a.Name, place(i))
		}
	}
	return o
}
