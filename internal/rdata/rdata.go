// Package rdata reads R's objects as saveRDS and save write them: R's
// serialization, versions 2 and 3, in XDR ("R Internals", section 1.8).
package rdata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"repro/internal/badfile"
	"repro/internal/codec"
	"repro/internal/ndarray"
)

// Limits on files of R's objects.
const (
	maxDepth = 512 // objects within each other
	maxItems = 4 << 20
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

// Read reads the objects that saveRDS or save wrote, however they are packed:
// each vector is an array, named "value" or by its variable, then $NAME or [[k]]
// for what a list holds, and @NAME for attributes.
func Read(r io.Reader) ([]ndarray.Array, error) {
	z, _, err := codec.NewReader(r)
	if err != nil {
		return nil, badfile.Damaged("%s", badfile.Cause(err))
	}
	defer z.Close()
	b, err := io.ReadAll(io.LimitReader(z, ndarray.MaxData+1))
	if err != nil {
		return nil, badfile.Damaged("%s", badfile.Cause(err))
	}
	if len(b) > ndarray.MaxData {
		return nil, badfile.TooLarge("more than %d bytes", ndarray.MaxData)
	}
	return objects(b)
}

// object is an object as far as it must be known to what holds it.
type object struct {
	symbol string   // its name, or that of an environment
	texts  []string // of a vector of text
	ints   []int32
	nil    bool
}

// reader reads one serialized object. Numbers are big-endian.
type reader struct {
	b     []byte
	refs  []string // symbols and environments, as they come
	depth int
	items int
	out   []ndarray.Array
}

var errREnd = errors.New("it ends too early")

func objects(b []byte) ([]ndarray.Array, error) {
	rda := bytes.HasPrefix(b, []byte("RDX2\n")) || bytes.HasPrefix(b, []byte("RDX3\n"))
	if rda {
		b = b[5:]
	}
	if bytes.HasPrefix(b, []byte("A\n")) || bytes.HasPrefix(b, []byte("B\n")) || bytes.HasPrefix(b, []byte("RDA")) {
		return nil, badfile.Unread("it is not in R's usual binary form")
	}
	if !bytes.HasPrefix(b, []byte("X\n")) || len(b) < 14 {
		return nil, badfile.Damaged("it does not begin as one")
	}
	r := &reader{b: b[2:]}
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

func (r *reader) head() {
	version := r.int()
	if version != 2 && version != 3 {
		r.unread("version %d of R's format", version)
	}
	r.int() // R's version that wrote it
	r.int() // R's version that can read it
	if version == 3 {
		r.take(int(r.int())) // the encoding of the machine that wrote it
	}
}

// catch turns what stops the reader into an error.
func (r *reader) catch(read func()) (err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case error:
			var bug interface{ RuntimeError() }
			if errors.As(e, &bug) {
				panic(e)
			}
			if err = e; !badfile.Is(e) {
				err = badfile.Damaged("%s", badfile.Shorten(e.Error()))
			}
		default:
			panic(e)
		}
	}()
	read()
	return nil
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		panic(errREnd)
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) int() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) }

// length of a vector whose elements take at least size bytes.
func (r *reader) length(size int) int {
	n := int64(r.int())
	if n == -1 {
		n = int64(r.int())<<32 | int64(uint32(r.int()))
	}
	if n < 0 || n > int64(len(r.b)/max(1, size)) {
		panic(errREnd)
	}
	return int(n)
}

func (r *reader) unread(format string, args ...any) {
	panic(badfile.Unread("it holds "+format, args...))
}

func (r *reader) add(a ndarray.Array) {
	if len(r.out) >= ndarray.MaxList {
		panic(badfile.TooLarge("it holds more than %d vectors", ndarray.MaxList))
	}
	a.Order = binary.BigEndian
	if a.Shape == nil {
		a.Shape = []int{len(a.Data) / max(1, a.Size)}
	}
	r.out = append(r.out, a)
}

// note adds a fact in words.
func (r *reader) note(name, text string) {
	r.add(ndarray.Array{Name: name, Class: ndarray.Text, Shape: []int{1}, Texts: []string{text}})
}

// saved reads what save wrote: a list of variables.
func (r *reader) saved() {
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
func (r *reader) object(name string) object {
	if r.depth++; r.depth > maxDepth {
		panic(badfile.TooLarge("objects lie more than %d deep in each other", maxDepth))
	}
	if r.items++; r.items > maxItems {
		panic(badfile.TooLarge("it holds more than %d objects", maxItems))
	}
	defer func() { r.depth-- }()
	flags := r.int()
	kind := int(flags & 0xff)
	hasAttr, hasTag := flags&0x200 != 0, flags&0x400 != 0
	switch kind {
	case rNil, rNilValue:
		r.named(name, "NULL")
		return object{nil: true}
	case rGlobal, rBaseEnv, rEmptyEnv, rBaseNS, rMissing, rUnbound:
		word := map[int]string{rGlobal: "global environment", rBaseEnv: "base environment", rEmptyEnv: "empty environment",
			rBaseNS: "base namespace", rMissing: "missing argument", rUnbound: "unbound"}[kind]
		r.named(name, word)
		return object{symbol: word}
	case rSymbol:
		symbol := r.chars()
		r.refs = append(r.refs, symbol)
		r.named(name, "symbol "+symbol)
		return object{symbol: symbol}
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
		return object{symbol: r.refs[at-1]}
	case rPairs, rCall, rAttrPair, rAttrCall:
		r.pairs(name, kind, hasAttr || kind >= rAttrPair, hasTag)
		return object{}
	case rSpecial, rBuiltin:
		r.named(name, "builtin "+string(r.take(r.length(1))))
		return object{}
	case rAltRep:
		return r.altRep(name)
	case rS4:
		r.named(name, "S4 object")
		if hasAttr {
			r.attributes(name, &object{})
		}
		return object{}
	}
	return r.vector(name, kind, hasAttr)
}

func (r *reader) named(name, text string) {
	if name != "" {
		r.note(name, text)
	}
}

// space is a package or namespace: its name, without its version.
func (r *reader) space(name string) object {
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
	return object{symbol: word}
}

// noText stands for R's missing text, which is no text.
const noText = "\xffNA"

// chars reads one text, in UTF-8.
func (r *reader) chars() string {
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
