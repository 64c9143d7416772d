package compare

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// altRep reads an object that R keeps in a form of its own.
func (r *rReader) altRep(name string) rObject {
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
	var o rObject
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
	dim := r.attributes(name, &rObject{})
	for i := from; i < later && len(dim) > 0; i++ {
		if a := &r.out[i]; a.name == name || a.name == name+" missing" {
			a.shape = shapeOf(dim, len(a.data)/max(1, a.size))
		}
	}
	return o
}

// deferred reads whole numbers that R has yet to turn into text.
func (r *rReader) deferred(name string) rObject {
	if flags := r.int(); flags&0xff != rPairs || flags&0x600 != 0 {
		panic(errors.New("a compact object is damaged"))
	}
	const numbers = "numbers"
	from := len(r.out)
	r.object(numbers)
	r.object("") // how many digits
	made := slices.Clone(r.out[from:])
	r.out = r.out[:from]
	at := slices.IndexFunc(made, func(a array) bool { return a.name == numbers })
	if at < 0 || made[at].sort != signed {
		r.unread("numbers that R has yet to turn into text")
	}
	a := array{name: name, sort: words}
	for b := made[at].data; len(b) >= 4; b = b[4:] {
		v := int32(binary.BigEndian.Uint32(b))
		text := strconv.Itoa(int(v))
		if v == math.MinInt32 {
			text = noText
		}
		a.texts = append(a.texts, text)
	}
	if a.shape = []int{len(a.texts)}; name != "" {
		r.add(a)
	}
	return rObject{texts: a.texts}
}

// sequence reads the three numbers by which R keeps 1:n.
func (r *rReader) sequence(name string, whole bool) rObject {
	if flags := r.int(); flags&0xff != rReal || r.length(8) != 3 {
		panic(errors.New("a sequence is damaged"))
	}
	var v [3]float64
	for i := range v {
		v[i] = math.Float64frombits(binary.BigEndian.Uint64(r.take(8)))
	}
	n := v[0]
	if !(n >= 0 && n <= maxArrays/8 && n == math.Trunc(n)) {
		panic(tooLarge(r.of, "a sequence of %g numbers", n))
	}
	if r.items += int(n) / 8; r.items > maxRItems {
		panic(tooLarge(r.of, "it holds more than %d objects", maxRItems))
	}
	a := array{name: name, sort: floats, size: 8, columnMajor: true}
	if whole {
		a.sort, a.size = signed, 4
	}
	o := rObject{}
	for i := range int(n) {
		x := v[1] + float64(i)*v[2]
		if !whole {
			a.data = binary.BigEndian.AppendUint64(a.data, math.Float64bits(x))
			continue
		}
		a.data = binary.BigEndian.AppendUint32(a.data, uint32(int32(int64(x))))
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
func (r *rReader) wrapped(name string) rObject {
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
