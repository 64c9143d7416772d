package compare

import (
	"fmt"
	"math"
	"strconv"

	"repro/report"
)

// outcome of comparing one number, best first.
type outcome uint8

const (
	same    outcome = iota // the same text
	agrees                 // as printed
	pending                // as printed, if the group shows that its numbers were rounded
	cut                    // as printed, if the group shows that its numbers were cut off
	coarse                 // equal, if the new group shows that zeros were left out
	longer                 // equal, if the new group shows that digits were added throughout
	moved                  // within the recorded spread
	within                 // within a tolerance of the rule
	unclear                // cannot be told
	differs
)

// hangs reports whether an outcome is decided when all of its group were met.
func (o outcome) hangs() bool { return o == pending || o == cut || o == coarse || o == longer }

// change is a number whose new text is not the published one, or text that
// differs.
type change struct {
	what     outcome
	text     bool // no number on at least one side
	item     int  // column, or number in its line; from 0
	sub      int  // number within a cell that holds more than one number alone, from 1; else 0
	pub, new []byte

	by      *limits // by which it is judged
	largest *number
	group   *group
}

// tally sums what was found about the numbers of one file, and about
// everything else.
type tally struct {
	rule     *rule
	compared int64
	outcomes [differs + 1]int64
	least    int // digits published
	most     int
	obtained digits // least over the numbers that do not agree as printed
	worst    worst
	bound    struct{ digits, ratio float64 } // that closer was last asked for, and 10^-digits
	broken   int64                           // differences that are not between two numbers
	first    string                          // the first of them, in words
	firstAt  *report.Worst
	masked   int64 // places hidden by the rule's patterns
	left     bool  // something else was compared
	spread   *spread
	reversed int64 // vectors whose signs were reversed as the rule allows
	p, n     number

	groups    []*group // of which a pair hangs on its group
	doubts    int64    // groups that a person has to read
	doubted   *group   // the first of them
	doubtedAs string   // what the rule could say of its numbers
	cutOff    bool     // a group showed that its numbers were cut off
	departed  string   // how a new draw is not like the earlier ones
	uncovered int64    // whole numbers that a tolerance would cover if the rule named them

	limits  *limits  // of the number to be judged next
	group   *group   // in which it stands; nil: it stands for itself
	written reading  // what its notation says of it; untold: nothing
	largest *number  // published in its column or array; nil: not known
	counts  counting // of its array or column
	binary  bool     // numbers are not printed: there is no last digit to round at
}

func newTally(r *rule) *tally { return &tally{rule: r, limits: r.limits} }

// counting says which numbers of an array or a column of a workbook count or
// name something, so that a tolerance must name them (CMP-32).
type counting uint8

const (
	notCounting   counting = iota
	countingAll            // all: they are whole by their type, or throughout the column
	countingWhole          // those that are still whole: floating-point numbers that were published whole
)

// covers reports whether it speaks of a pair of which this is the new number.
func (c counting) covers(n *number) bool {
	return c == countingAll || c == countingWhole && n.integral()
}

// digits obtained of digits published.
type digits struct {
	n  float64 // -Inf where no number of digits is
	of int
}

// worst is the number that the rule is furthest from accepting.
type worst struct {
	what     outcome // same: there is none
	digits   digits
	where    string
	pub, new string
	absolute string
	relative string
	ulp      string
}

// same counts a number whose text is the same on both sides.
func (t *tally) same(text []byte) {
	var s shape
	if s.scan(text) {
		t.compared++
		t.outcomes[same]++
		t.printed(s.significant())
	}
}

func (t *tally) printed(significant int) {
	if significant == 0 || t.binary {
		return
	}
	if t.least == 0 || significant < t.least {
		t.least = significant
	}
	t.most = max(t.most, significant)
}

// change is two numbers with different texts, judged.
func (t *tally) change(item int, pub, new []byte) change {
	return t.asChange(t.judge(pub, new), item, pub, new)
}

func (t *tally) asChange(what outcome, item int, pub, new []byte) change {
	return change{what: what, item: item, pub: pub, new: new, by: t.limits, largest: t.largest, group: t.group}
}

// settle decides what judge could not without the place.
func (t *tally) settle(what outcome, pub, new []byte, where string) outcome {
	if t.p.parse(pub) && t.n.parse(new) {
		t.spread.meet(where, t)
	}
	if t.spread.random && !t.spread.learning && (what == moved || what == agrees) && t.p.class == finite && t.n.class == finite {
		if t.spread.drawn(where, string(t.p.text), string(t.n.text)) {
			return moved
		}
		if what == moved {
			return t.beyond(t.fit())
		}
	}
	if what != moved {
		return what
	}
	if t.spread.holds(where, &t.p, &t.n, t.binary) {
		return moved
	}
	return t.beyond(t.fit())
}

// number counts what judge said of two numbers; where is asked for only if
// they are the worst so far.
func (t *tally) number(what outcome, pub, new []byte, where func() string) {
	t.compared++
	if !what.hangs() {
		t.outcomes[what]++
	}
	t.p.parse(pub)
	t.n.parse(new)
	t.printed(t.p.significant())
	if what >= agrees {
		t.hang(what)
	}
	if what > agrees {
		t.consider(what, where)
	}
}

// consider keeps the two numbers just parsed if they are the worst: those that
// no tolerance accepts before others, then those with the fewest digits.
func (t *tally) consider(what outcome, where func() string) {
	w := worst{what: max(what, within), digits: digits{math.Inf(-1), t.p.significant()}}
	if what.hangs() {
		w.what = unclear
	}
	keep := &t.worst
	if what.hangs() {
		keep = &t.group.worst
	}
	var d distance
	measured := t.p.class == finite && t.n.class == finite
	if measured && !t.binary && keep.what >= w.what && t.closer(keep.digits.n) && (what.hangs() || t.closer(t.obtained.n)) {
		return // no need of logarithms
	}
	if measured {
		d = between(&t.p, &t.n)
		w.digits.n = min(d.lre(), float64(t.p.shown(t.n.last)))
	}
	if measured && t.binary { // nothing was printed: no digits are shown or not
		w.digits.n = -ratio(t.p.float(), t.n.float())
	}
	if !what.hangs() {
		t.obtain(w.digits)
	}
	if !w.worse(keep) {
		return
	}
	w.where, w.pub, w.new = where(), string(t.p.text), string(t.n.text)
	if measured {
		w.absolute, w.relative = d.absolute(), d.relative()
		w.ulp = strconv.FormatUint(ulps(&t.p, &t.n), 10)
	}
	*keep = w
}

// closer reports whether the two numbers just parsed surely agree in more than n
// digits.
func (t *tally) closer(n float64) bool {
	if t.bound.digits != n || t.bound.ratio == 0 {
		t.bound.digits, t.bound.ratio = n, math.Pow(10, -n)
	}
	return float64(t.p.shown(t.n.last)) > n && ratio(t.p.float(), t.n.float()) < t.bound.ratio*(1-near)
}

func (t *tally) obtain(d digits) {
	if t.obtained.of == 0 || d.n < t.obtained.n {
		t.obtained = d
	}
}

// worse reports whether w is further from being accepted.
func (w *worst) worse(than *worst) bool {
	return w.what > than.what || w.what == than.what && w.digits.n < than.digits.n
}

// keep takes the worst of a group's hanging pairs, now that they count.
func (t *tally) keep(w worst, what outcome) {
	if w.what == same {
		return
	}
	w.what = what
	t.obtain(w.digits)
	if w.worse(&t.worst) {
		t.worst = w
	}
}

// ratio is how far y is from x, relative to x, or to nothing where that is
// zero. All is done in float64 without a sum of products, so that every machine
// finds the same.
func ratio(x, y float64) float64 {
	d := math.Abs(y - x)
	if x == 0 {
		return d
	}
	return d / math.Abs(x)
}

// brokenAt counts a difference that is not between two numbers.
func (t *tally) brokenAt(where, pub, new, format string, args ...any) {
	if t.broken++; t.broken == 1 {
		t.first = fmt.Sprintf(format, args...)
		t.firstAt = &report.Worst{Where: where, Published: clip(pub), New: clip(new)}
	}
}

// add counts two items of the same parts.
func (t *tally) add(p *pair, where func(*change) string) {
	t.compared += p.sames
	t.outcomes[same] += p.sames
	t.masked += p.masked
	t.left = t.left || p.left
	t.printed(p.least)
	t.printed(p.most)
	for i := range p.changes {
		c := &p.changes[i]
		if c.text {
			at := where(c)
			t.brokenAt(at, string(c.pub), string(c.new), "%s: published %s, new %s", at, quote(c.pub), quote(c.new))
			continue
		}
		t.group = c.group
		if t.spread != nil {
			t.limits, t.largest = c.by, c.largest
			c.what = t.settle(c.what, c.pub, c.new, where(c))
		}
		t.number(c.what, c.pub, c.new, func() string { return where(c) })
	}
}
