package rdata

import (
	"encoding/binary"
	"errors"
	"math"
	"repro/internal/badfile"
	"repro/internal/ndarray"
	"slices"
	"strconv"
	"strings"
)

// altRep reads an object that R keeps in a form of its own.
func (r *reader) altRep(name string) object {
	class := ""
	if flags := r.int(); flags&0xff != rPairs {
		panic(errors.New("a compact object is damaged"))
	}
	class = r.object("").symbol
	for range 2 {
		if flags := r.int(); flags&0xff != rPairs {
			panic(errors.New("a compact object is damaged"))
		}
		r.object("")
	}
	if flags := r.int(); flags&0xff != rNilValue && flags&0xff != rNil {
		panic(errors.New("a compact object is damaged"))
	}
	from := len(r.out)
	var o object
	switch {
	case class == "compact_intseq" || class == "compact_realseq":
		o = r.sequence(name, class == "compact_intseq")
	case class == "deferred_string":
		o = r.deferred(name)
	case strings.HasPrefix(class, "wrap_"):
		o = r.wrapped(name)
	default:
		r.unread("an object in R's form %q", class)
	}
	later := len(r.out)
	dim := r.attributes(name, &object{})
	for i := from; i < later && len(dim) > 0; i++ {
		if a := &r.out[i]; a.Name == name || a.Name == name+" missing" {
			a.Shape = shapeOf(dim, len(a.Data)/max(1, a.Size))
		}
	}
	return o
}

// deferred reads whole numbers that R has yet to turn into text.
func (r *reader) deferred(name string) object {
	if flags := r.int(); flags&0xff != rPairs || flags&0x600 != 0 {
		panic(errors.New("a compact object is damaged"))
	}
	const numbers = "numbers"
	from := len(r.out)
	r.object(numbers)
	r.object("") // how many digits
	made := slices.Clone(r.out[from:])
	r.out = r.out[:from]
	at := slices.IndexFunc(made, func(a ndarray.Array) bool { return a.Name == numbers })
	if at < 0 || made[at].Class != ndarray.Int {
		r.unread("numbers that R has yet to turn into text")
	}
	a := ndarray.Array{Name: name, Class: ndarray.Text}
	for b := made[at].Data; len(b) >= 4; b = b[4:] {
		v := int32(binary.BigEndian.Uint32(b))
		text := strconv.Itoa(int(v))
		if v == math.MinInt32 {
			text = noText
		}
		a.Texts = append(a.Texts, text)
	}
	if a.Shape = []int{len(a.Texts)}; name != "" {
		r.add(a)
	}
	return object{texts: a.Texts}
}

// sequence reads the three numbers by which R keeps 1:n.
func (r *reader) sequence(name string, whole bool) object {
	if flags := r.int(); flags&0xff != rReal || r.length(8) != 3 {
		panic(errors.New("a sequence is damaged"))
	}
	var v [3]float64
	for i := range v {
		v[i] = math.Float64frombits(binary.BigEndian.Uint64(r.take(8)))
	}
	n := v[0]
	if !(n >= 0 && n <= ndarray.MaxData/8 && n == math.Trunc(n)) {
		panic(badfile.TooLarge("a sequence of %g numbers", n))
	}
	if r.items += int(n) / 8; r.items > maxItems {
		panic(badfile.TooLarge("it holds more than %d objects", maxItems))
	}
	a := ndarray.Array{Name: name, Class: ndarray.Float, Size: 8, ColumnMajor: true}
	if whole {
		a.Class, a.Size = ndarray.Int, 4
	}
	o := object{}
	for i := range int(n) {
		x := v[1] + float64(i)*v[2]
		if !whole {
			a.Data = binary.BigEndian.AppendUint64(a.Data, math.Float64bits(x))
			continue
		}
		a.Data = binary.BigEndian.AppendUint32(a.Data, uint32(int32(int64(x))))
		if i < 1<<10 {
			o.ints = append(o.ints, int32(int64(x)))
		}
	}
	if name != "" {
		r.add(a)
	}
	return o
}

// wrapped reads a vector around which R noted whether it is sorted.
func (r *reader) wrapped(name string) object {
	flags := r.int()
	if flags&0xff == rList && r.length(4) == 2 && flags&0x200 == 0 {
		o := r.object(name)
		r.object("")
		return o
	}
	if flags&0xff != rPairs || flags&0x600 != 0 {
		panic(errors.New("a wrapped object is damaged"))
	}
	o := r.object(name)
	r.object("")
	return o
}
