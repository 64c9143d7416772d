package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// maxGroups bounds the groups of one file's text. Lines beyond share those of
// lines of the same pattern.
const maxGroups = 1 << 16

// surveyor finds the groups of the numbers of a text: the same place in lines
// of the same words; wider, in lines of the same pattern of words and numbers;
// widest, all that show decimals (SPEC.md CMP-28).
type surveyor struct {
	places map[placeKey]*group
	all    group
	toks   []token
	key    lineKey // of the line looked at last
}

type placeKey struct {
	line   hash
	number int
}

// lineKey is what lines have in common.
type lineKey struct{ words, pattern hash }

func newSurveyor() *surveyor {
	return &surveyor{places: map[placeKey]*group{}, all: group{name: "the file"}}
}

// keyOf is the key of a line with the name of the place where it stands, if it
// has one.
func keyOf(place, line []byte, toks []token) lineKey {
	k := lineKey{newHash().bytes(place).byte(0), newHash().bytes(place).byte(1)}
	for _, t := range toks {
		if t.number {
			k.words, k.pattern = k.words.byte(0), k.pattern.byte('n')
			continue
		}
		k.words, k.pattern = k.words.byte(1).bytes(t.of(line)), k.pattern.byte('w')
	}
	return k
}

// add counts the numbers of a published line.
func (s *surveyor) add(place, line []byte, n int64) {
	s.toks = tokenize(line, s.toks[:0])
	s.key = keyOf(place, line, s.toks)
	k := 0
	for _, t := range s.toks {
		if !t.number {
			continue
		}
		var v number
		if v.parse(t.of(line)) && t.last == 0 && t.as != exact {
			s.place(s.key, k, n).count(&v)
		}
		k++
	}
}

// count counts a published number in its group and the wider ones.
func (g *group) count(v *number) {
	for ; g != nil; g = g.up {
		if g.up != nil || !v.whole() { // the widest is of what shows decimals
			g.pub.add(v)
		}
	}
}

// place is the group of a number of a line; n is the line's, for its name.
func (s *surveyor) place(key lineKey, number int, n int64) *group {
	at := placeKey{key.words, number}
	if g := s.places[at]; g != nil {
		return g
	}
	up := s.places[placeKey{key.pattern, number}]
	if up == nil {
		up = &group{name: fmt.Sprintf("number %d of lines like line %d", number+1, n), up: &s.all}
		if len(s.places) < maxGroups {
			s.places[placeKey{key.pattern, number}] = up
		}
	}
	if len(s.places) >= maxGroups {
		return up
	}
	g := &group{name: up.name, up: up}
	s.places[at] = g
	return g
}

// surveyLines reads all published items once.
func (m *matcher) surveyLines(ctx context.Context, r reader) error {
	m.survey = newSurveyor()
	for it, n := new(item), 0; ; n++ {
		switch err := r.read(it); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case n%1024 == 0 && ctx.Err() != nil:
			return ctx.Err()
		}
		line, _ := m.hide(it.text)
		m.survey.add(placeName(it.where), plain(line), it.n)
	}
}

// placeName is the name of a fact's place without the numbers of lines, rows
// and pages. Cells of a table keep theirs: they are its columns.
func placeName(where string) []byte {
	out := make([]byte, 0, len(where))
	for i := 0; i < len(where); i++ {
		if digit(where[i]) && !bytes.HasSuffix(out, []byte("cell ")) && !bytes.HasSuffix(out, []byte("column ")) &&
			!(len(out) > 0 && digit(out[len(out)-1])) {
			continue
		}
		out = append(out, where[i])
	}
	return out
}
