package compare

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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
