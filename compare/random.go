package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"repro/compare/draws"
)

// randomAlpha bounds the probability with which a good new draw is refused,
// over all columns of a result (SPEC.md CMP-39).
const randomAlpha = 0.05

// fixedChance is how likely the earlier draws may agree at a place of a column
// by chance: with less, its number is no random one.
const fixedChance = 0.01

// column of a place: all that its name says but the row, line or index. The
// numbers of one column are judged together.
func columnOf(where string) string {
	if i := strings.LastIndex(where, ", column "); i >= 0 {
		return where[i:]
	}
	if end := strings.TrimRight(where, ", abcdefghijklmnopqrstuvwxyz"); strings.HasSuffix(end, "]") {
		if i := strings.LastIndexByte(end, '['); i >= 0 {
			return where[:i] + where[len(end):]
		}
	}
	words := strings.FieldsFunc(where, func(r rune) bool { return r == '/' })
	if strings.Contains(where, "/") {
		for i, w := range words {
			if strings.Trim(w, "0123456789") == "" {
				words[i] = "*"
			}
		}
		return strings.Join(words, "/")
	}
	out := []byte{}
	for i := range len(where) {
		if digit(where[i]) && !strings.HasSuffix(where[:i], "number ") && !(len(out) > 0 && digit(out[len(out)-1])) {
			continue
		}
		out = append(out, where[i])
	}
	return string(out)
}

// note records the number of a draw at a place, which the published file has
// as first.
func (s *spread) note(e *extent, file int, text string) {
	for len(e.values) <= file {
		e.values = append(e.values, "")
	}
	e.values[file] = text
}

// value is the number of a draw at a place. Where a draw was not met, it has
// the published number.
func (e *extent) value(file int) string {
	if file < len(e.values) && e.values[file] != "" {
		return e.values[file]
	}
	return e.first
}

// moving lists the columns that moved among the earlier draws.
func (s *spread) moving() map[string]bool {
	if s.columns == nil {
		s.columns = map[string]bool{}
		for where, e := range s.places {
			if less(parsed(e.least), parsed(e.most)) {
				s.columns[columnOf(where)] = true
			}
		}
	}
	return s.columns
}

// drawn records the new number at a place whose column moves from draw to draw,
// and reports whether it is one.
func (s *spread) drawn(where, pub, new string) bool {
	where = s.within + where
	if !s.moving()[columnOf(where)] || strings.Contains(where, cutOff) {
		return false
	}
	e := s.places[where]
	if e == nil {
		if len(s.places) == maxPlaces {
			s.full = true
			return true
		}
		e = &extent{first: pub, least: pub, most: pub}
		s.places[where] = e
	}
	if e.first == "" { // of a calibration, whose runs are all there is
		e.first = pub
	}
	s.note(e, s.files, new)
	return true
}

// departure is what of a new draw is not like the earlier ones.
type departure struct {
	where, pub, new, words string
	unsure                 bool
}

// departures judges the columns of one file.
func (s *spread) departures() (out []departure) {
	if s.full {
		return []departure{{words: fmt.Sprintf("more than %d numbers move", maxPlaces), unsure: true}}
	}
	columns := map[string][]string{}
	for where := range s.places {
		if strings.HasPrefix(where, s.within) {
			columns[columnOf(where)] = append(columns[columnOf(where)], where)
		}
	}
	names := []string{}
	for name := range columns {
		if s.moving()[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		slices.Sort(columns[name])
		out = append(out, s.departuresOf(name, columns[name], randomAlpha/float64(len(names)))...)
	}
	slices.SortStableFunc(out, func(a, b departure) int {
		switch {
		case a.unsure == b.unsure:
			return 0
		case a.unsure:
			return 1
		}
		return -1
	})
	return out
}

func (s *spread) departuresOf(name string, places []string, alpha float64) (out []departure) {
	c := draws.Column{}
	var used []string
	noise := s.noiseOf(places)
	for _, where := range places {
		e := s.places[where]
		d := departure{where: where[len(s.within):], pub: e.first, new: e.value(s.files)}
		switch {
		case e.unsure:
			d.words, d.unsure = "several numbers go by this name", true
			out = append(out, d)
		case s.fixed(e, noise, len(places)):
			if p, n := parsed(e.first), parsed(d.new); less(p, n) || less(n, p) {
				d.words = "it is the same in all earlier draws"
				out = append(out, d)
			}
		default:
			used = append(used, where)
		}
	}
	for file := range s.files + 1 {
		var draw []float64
		for _, where := range used {
			draw = append(draw, parsed(s.places[where].value(file)).float())
		}
		if c.New = draw; file < s.files {
			c.Earlier = append(c.Earlier, draw)
		}
	}
	for _, where := range used {
		c.Unit = append(c.Unit, unitOf(s.places[where].first))
	}
	if len(used) == 0 {
		return out
	}
	column := clip(strings.TrimPrefix(strings.TrimPrefix(name, s.within), ", "))
	if column = strings.ReplaceAll(column, " ,", ","); len(used) == 1 {
		column = clip(strings.TrimPrefix(used[0], s.within))
	}
	add := func(who string) {
		for _, d := range c.Departures(alpha) {
			e := s.places[used[d.Place]]
			out = append(out, departure{where: used[d.Place][len(s.within):], pub: e.first, new: e.value(s.files),
				words: column + who + " " + d.Words, unsure: d.Unsure})
		}
	}
	add("")
	if s.runs { // the published file is none of the draws, and has to be like them, too
		for i, where := range used {
			c.New[i] = parsed(s.places[where].first).float()
		}
		add(" of the published file")
	}
	return out
}

// unitOf is the last place of a number as it is printed.
func unitOf(text string) float64 { return math.Pow(10, float64(parsed(text).last)) }

// noiseOf is the mean range of places that moved.
func (s *spread) noiseOf(places []string) float64 {
	var sum, n float64
	for _, where := range places {
		if e := s.places[where]; e.least != e.most {
			sum, n = sum+parsed(e.most).float()-parsed(e.least).float(), n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

// fixed reports whether all earlier draws agree at a place whose neighbours
// move so far that chance cannot be why.
func (s *spread) fixed(e *extent, noise float64, places int) bool {
	first := parsed(e.first)
	for file := range s.files {
		v := parsed(e.value(file))
		if less(first, v) || less(v, first) {
			return false
		}
	}
	agree := math.Pow(unitOf(e.first)/math.Max(noise, unitOf(e.first)), float64(s.files-1))
	return agree*float64(places) < fixedChance
}

// judgeDraws decides the numbers that moved by chance (CMP-39).
func (t *tally) judgeDraws() {
	if t.spread == nil || !t.spread.random || t.spread.learning || t.outcomes[moved] == 0 {
		return
	}
	for i, d := range t.spread.departures() {
		what := differs
		if d.unsure {
			what = unclear
		}
		t.outcomes[what]++
		if t.outcomes[moved] > 0 {
			t.outcomes[moved]--
		}
		if i == 0 {
			t.departed = d.words
			if d.unsure {
				t.departed += ", but the earlier draws are too few to tell"
			}
			t.worst = worst{what: differs, where: d.where, pub: d.pub, new: d.new}
		}
	}
}
