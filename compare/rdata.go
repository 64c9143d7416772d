package compare

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"repro/internal/codec"
)

// Limits on files of R's objects.
const (
	maxRDepth = 512 // objects within each other
	maxRItems = 4 << 20
)

// The types of R's objects, from R's serialize.c (version 2 and 3 of the
// format, described in "R Internals", section 1.8).
const (
	rNil      = 0
	rSymbol   = 1
	rPairs    = 2
	rClosure  = 3
	rCall     = 6
	rSpecial  = 7
	rBuiltin  = 8
	rChars    = 9
	rLogical  = 10
	rInteger  = 13
	rReal     = 14
	rComplex  = 15
	rStrings  = 16
	rList     = 19
	rExprs    = 20
	rRaw      = 24
	rS4       = 25
	rAltRep   = 238
	rAttrPair = 239
	rAttrCall = 240
	rBaseEnv  = 241
	rEmptyEnv = 242
	rPackage  = 248
	rSpace    = 249
	rBaseNS   = 250
	rMissing  = 251
	rUnbound  = 252
	rGlobal   = 253
	rNilValue = 254
	rRef      = 255
)

// compareRData compares the objects of two files that R's saveRDS or save
// wrote (CMP-119).
func compareRData(ctx context.Context, j *job) error {
	var lists [2][]array
	for i, r := range []io.Reader{j.pub, j.new} {
		of := []side{published, produced}[i]
		b, err := unpackedR(r, of)
		if err != nil {
			return err
		}
		if lists[i], err = readRData(b, of); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	j.sameContent = "the same objects; only their packing, the order of attributes or R's version differs"
	return j.compareArrays(ctx, lists[0], lists[1])
}

// unpackedR reads a file that R packed in one of its ways, or not.
func unpackedR(r io.Reader, of side) ([]byte, error) {
	z, _, err := codec.NewReader(r)
	if err != nil {
		return nil, malformed(of, KindRData, "%s", clip(reason(err)))
	}
	defer z.Close()
	b, err := all(z, of, maxArrays)
	if _, known := asContent(err); err != nil && !known {
		return nil, malformed(of, KindRData, "%s", clip(reason(err)))
	}
	return b, err
}

// rObject is an object as far as it must be known to what holds it.
type rObject struct {
	symbol string   // its name, or that of an environment
	texts  []string // of a vector of text
	ints   []int32
	nil    bool
}

// rReader reads one serialized object. Numbers are big-endian.
type rReader struct {
	b     []byte
	of    side
	refs  []string // symbols and environments, as they come
	depth int
	items int
	out   []array
}

var errREnd = errors.New("it ends too early")

func readRData(b []byte, of side) ([]array, error) {
	rda := bytes.HasPrefix(b, []byte("RDX2\n")) || bytes.HasPrefix(b, []byte("RDX3\n"))
	if rda {
		b = b[5:]
	}
	if bytes.HasPrefix(b, []byte("A\n")) || bytes.HasPrefix(b, []byte("B\n")) || bytes.HasPrefix(b, []byte("RDA")) {
		return nil, &undecided{"the " + string(of) + " file is not in R's usual binary form"}
	}
	if !bytes.HasPrefix(b, []byte("X\n")) || len(b) < 14 {
		return nil, malformed(of, KindRData, "it does not begin as one")
	}
	r := &rReader{b: b[2:], of: of}
	err := r.catch(func() {
		r.head()
		if rda {
			r.saved()
		} else {
			r.object("value")
		}
		if len(r.b) > 0 {
			panic(fmt.Errorf("%d bytes stand after its end", len(r.b)))
		}
	})
	return r.out, err
}

func (r *rReader) head() {
	version := r.int()
	if version != 2 && version != 3 {
		r.unread("version %d of R's format, which is not read", version)
	}
	r.int() // R's version that wrote it
	r.int() // R's version that can read it
	if version == 3 {
		r.take(int(r.int())) // the encoding of the machine that wrote it
	}
}

// catch turns what stops the reader into an error.
func (r *rReader) catch(read func()) (err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *undecided:
			err = e
		case *contentError:
			err = e
		case error:
			var bug interface{ RuntimeError() }
			if errors.As(e, &bug) {
				panic(e)
			}
			err = malformed(r.of, KindRData, "%s", clip(e.Error()))
		default:
			panic(e)
		}
	}()
	read()
	return nil
}

func (r *rReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		panic(errREnd)
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *rReader) int() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) }

// length of a vector whose elements take at least size bytes.
func (r *rReader) length(size int) int {
	n := int64(r.int())
	if n == -1 {
		n = int64(r.int())<<32 | int64(uint32(r.int()))
	}
	if n < 0 || n > int64(len(r.b)/max(1, size)) {
		panic(errREnd)
	}
	return int(n)
}

func (r *rReader) unread(format string, args ...any) {
	panic(&undecided{fmt.Sprintf("the %s file holds %s", r.of, fmt.Sprintf(format, args...))})
}

func (r *rReader) add(a array) {
	if len(r.out) >= maxArrayCount {
		panic(tooLarge(r.of, "it holds more than %d vectors", maxArrayCount))
	}
	a.order = binary.BigEndian
	if a.shape == nil {
		a.shape = []int{len(a.data) / max(1, a.size)}
	}
	r.out = append(r.out, a)
}

// note adds a fact in words.
func (r *rReader) note(name, text string) {
	r.add(array{name: name, sort: words, shape: []int{1}, texts: []string{text}})
}

// saved reads what save wrote: a list of variables.
func (r *rReader) saved() {
	for {
		flags := r.int()
		switch flags & 0xff {
		case rNilValue, rNil:
			return
		case rPairs:
		default:
			panic(fmt.Errorf("an object of type %d where a variable should be", flags&0xff))
		}
		if flags&0x400 == 0 || flags&0x200 != 0 {
			panic(errors.New("a variable without a name"))
		}
		tag := r.object("")
		r.object(tag.symbol)
	}
}

// object reads one object and adds what it holds under a name; under no name,
// nothing is added.
func (r *rReader) object(name string) rObject {
	if r.depth++; r.depth > maxRDepth {
		panic(tooLarge(r.of, "objects lie more than %d deep in each other", maxRDepth))
	}
	if r.items++; r.items > maxRItems {
		panic(tooLarge(r.of, "it holds more than %d objects", maxRItems))
	}
	defer func() { r.depth-- }()
	flags := r.int()
	kind := int(flags & 0xff)
	hasAttr, hasTag := flags&0x200 != 0, flags&0x400 != 0
	switch kind {
	case rNil, rNilValue:
		r.named(name, "NULL")
		return rObject{nil: true}
	case rGlobal, rBaseEnv, rEmptyEnv, rBaseNS, rMissing, rUnbound:
		word := map[int]string{rGlobal: "global environment", rBaseEnv: "base environment", rEmptyEnv: "empty environment",
			rBaseNS: "base namespace", rMissing: "missing argument", rUnbound: "unbound"}[kind]
		r.named(name, word)
		return rObject{symbol: word}
	case rSymbol:
		symbol := r.chars()
		r.refs = append(r.refs, symbol)
		r.named(name, "symbol "+symbol)
		return rObject{symbol: symbol}
	case rPackage, rSpace:
		return r.space(name)
	case rRef:
		at := int(flags >> 8)
		if at == 0 {
			at = int(r.int())
		}
		if at < 1 || at > len(r.refs) {
			panic(errors.New("a reference to what is not there"))
		}
		r.named(name, "symbol "+r.refs[at-1])
		return rObject{symbol: r.refs[at-1]}
	case rPairs, rCall, rAttrPair, rAttrCall:
		r.pairs(name, kind, hasAttr || kind >= rAttrPair, hasTag)
		return rObject{}
	case rSpecial, rBuiltin:
		r.named(name, "builtin "+string(r.take(r.length(1))))
		return rObject{}
	case rAltRep:
		return r.altRep(name)
	case rS4:
		r.named(name, "S4 object")
		if hasAttr {
			r.attributes(name, &rObject{})
		}
		return rObject{}
	}
	return r.vector(name, kind, hasAttr)
}

func (r *rReader) named(name, text string) {
	if name != "" {
		r.note(name, text)
	}
}

// space is a package or namespace: its name, without its version.
func (r *rReader) space(name string) rObject {
	if r.int() != 0 {
		panic(errors.New("a namespace is damaged"))
	}
	n := r.length(8)
	var first string
	for i := range n {
		if text := r.chars(); i == 0 {
			first = text
		}
	}
	word := "namespace " + first
	r.refs = append(r.refs, word)
	r.named(name, word)
	return rObject{symbol: word}
}

// noText stands for R's missing text, which is no text.
const noText = "\xffNA"

// chars reads one text, in UTF-8.
func (r *rReader) chars() string {
	flags := r.int()
	if flags&0xff != rChars {
		panic(fmt.Errorf("an object of type %d where a text should be", flags&0xff))
	}
	n := r.int()
	if n == -1 {
		return noText
	}
	text := string(r.take(int(n)))
	if flags>>12&4 != 0 { // Latin 1
		var b strings.Builder
		for _, c := range []byte(text) {
			b.WriteRune(rune(c))
		}
		return b.String()
	}
	if !utf8.ValidString(text) {
		text = "bytes " + strconv.Quote(text)
	}
	return text
}

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
