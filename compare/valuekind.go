package compare

import (
	"context"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"repro/internal/badfile"
)

// valueKind is a kind of text whose files are trees of values: labels, which
// are text, and numbers as they are printed, judged in the groups of their
// places as JSON's are (CMP-60 to CMP-63).
type valueKind struct {
	kind string
	read func(text string) (value, error)
	same string // what is said where only that differs which carries nothing
}

func (k *valueKind) compare(ctx context.Context, j *job) error {
	var trees [2]value
	for i, r := range []io.Reader{j.pub, j.new} {
		of := []side{published, produced}[i]
		b, err := all(r, of, maxMarkup)
		if err != nil {
			return err
		}
		if !utf8.Valid(b) {
			return malformed(of, k.kind, "text that is not UTF-8")
		}
		if trees[i], err = k.read(string(b)); err != nil {
			return outside(err, of, k.kind)
		}
		if n := trees[i].size(maxValues); n > maxValues {
			return outside(badfile.TooLarge("more than %d values", maxValues), of, k.kind)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	j.sameContent = k.same
	return j.compareValues(&trees[0], &trees[1])
}

// size counts values, up to a bit more than most.
func (v *value) size(most int) int {
	n := 1
	for i := range v.elem {
		if n += v.elem[i].size(most - n); n > most {
			return n
		}
	}
	return n
}

// textValue is a text that no tolerance applies to, whatever it looks like.
func textValue(s string) value { return value{kind: jsonString, text: []byte(s)} }

// numberOr is a number, or text where s is none.
func numberOr(s string) value {
	if isNumber([]byte(s)) {
		return value{kind: jsonNumber, text: []byte(s)}
	}
	return textValue(s)
}

// listValue is a list.
func listValue(elem []value) value { return value{kind: jsonArray, elem: elem} }

// object builds values with names. Of several with one name, later ones get the
// number of their place.
type object struct{ v value }

func (o *object) add(name string, v value) {
	o.v.kind = jsonObject
	for n, first := 2, name; slices.Contains(o.v.keys, name); n++ {
		name = fmt.Sprintf("%s (%d)", first, n)
	}
	o.v.keys, o.v.elem = append(o.v.keys, name), append(o.v.elem, v)
}
