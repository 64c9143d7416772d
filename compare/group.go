package compare

import (
	"fmt"
	"math"

	"repro/report"
)

// maxChance bounds how likely it may be that a reading of a group excuses
// numbers that are others (SPEC.md CMP-29).
const maxChance = 1e-4

// Evidence that a group needs before it says how its numbers were written.
const (
	minDistinct  = 2    // different numbers
	cutPairs     = 10   // different pairs that are all cut off: 2^-10 by chance
	cutSuspected = 3    // pairs from which a person is asked
	cutLowShare  = 8    // of so many pairs at least one is cut off by less than a half
	plainChance  = 0.9  // that a number does not end in a zero
	paddedChance = 0.05 // for a zero that stands in another group of the file
	largeChange  = 0.1  // relative; never excused without evidence

	numbersLonger      = "longer" // what a person is asked of those below; no rule says so
	maxVersionDecimals = 2        // of a number that could be a version or a section: 4.1, 1.10
	maxAddedZeros      = 2        // behind it, for another: 1.100
)

// reading is what a published number stands for.
type reading uint8

const (
	untold   reading = iota // cannot be told
	exact                   // itself
	rounded                 // all that is rounded to it
	likely                  // all that is rounded to it, if the group's pairs are evidence enough
	cutShort                // all that is cut off to it
)

// group is numbers that were written alike: a column, the values of an array,
// a place in a line that repeats.
type group struct {
	name   string
	pub    writing // surveyed before anything is compared
	new    writing // of the new numbers that changed
	up     *group  // a wider one, asked where this one cannot tell
	onePen bool    // in the wider one all numbers come from one writer
	label  bool    // versions: not numbers at all
	strict bool    // a column: a tolerance never covers its counts unnamed
	names  bool    // a column of identifiers: 1.1 and 1.10 are two
	typed  bool    // of JSON and its like: zeros at the end carry nothing

	chance  float64 // log10: that so many changed pairs would round by chance
	changed hashes

	met     bool
	pending int64  // pairs that round, if that is how to read them
	lonely  int64  // of these, of numbers that no wider group speaks of
	large   int64  // of these, changed by more than largeChange
	cut     int64  // pairs that are cut off and do not round
	cutMet  int64  // the same, of this group and of those within it
	cuts    hashes // pairs that are cut off, whether they round or not
	cutLow  int    // of these, pairs that round as well: what was cut off is below a half
	uncut   int64  // pairs that are changed and not cut off
	padded  int64  // of the published numbers that changed
	coarse  int64  // pairs equal in value of which the new shows fewer digits
	longer  int64  // pairs equal in value of which the new shows more digits, all zeros
	worst   worst  // of those

	lengthened int64 // pairs, of this group and of those within it, of which the new shows more digits
	became     [differs + 1]outcome
}

// any reports whether holds is true of the group or one of the wider ones.
func (g *group) any(holds func(*group) bool) bool {
	for ; g != nil; g = g.up {
		if holds(g) {
			return true
		}
	}
	return false
}

// read says what a published number of the group stands for.
func (g *group) read(p *number) reading {
	switch {
	case g.label:
		return exact
	case p.whole() || g.pub.counts():
		return exact
	case p.significant() >= fullDigits:
		return rounded
	}
	out := g.own(p)
	for at := g; out == untold && at.up != nil; at = at.up {
		out = at.wider(p)
	}
	return out
}

// counting reports whether a pair of the group counts or names something: whole
// numbers among such, or among whole values of a column or path that show decimals, as
// programs write floating-point numbers that count, if the new one is whole too.
func (g *group) counting(p, n *number) bool {
	if p.whole() && g.pub.counts() {
		return !g.allCounts()
	}
	return g.onePen && g.pub.countsWithDecimals(g.onePen) && n.integral()
}

// allCounts reports whether whole numbers are all that the file holds: then a
// tolerance can be meant for nothing else.
func (g *group) allCounts() bool {
	for ; g != nil; g = g.up {
		if g.strict || g.up == nil && g.pub.integral < g.pub.n {
			return false
		}
	}
	return true
}

// own is what the group itself says.
func (g *group) own(p *number) reading {
	w := &g.pub
	switch {
	case w.index(), w.shortest():
		return exact
	case p.bare() && w.bare < w.n:
		return untold
	case p.padded(), p.bare():
		return rounded
	case w.fixed() && w.padded > 0:
		return rounded
	case w.enough():
		return likely
	}
	return untold
}

// wider is what the next wider group says where this one cannot tell.
func (g *group) wider(p *number) reading {
	w := &g.up.pub
	switch {
	case g.onePen && w.shortest() && (len(g.pub.distinct) == 1 || !g.pub.fixed()):
		return exact
	case w.enough() && p.significant() > 1: // one digit could excuse half of a number
		return likely
	}
	return untold
}

// note counts a changed pair that rounds as evidence: had other numbers come
// out, as far apart as those of the group are, or of the narrower one in which
// this one stands, how likely would it have rounded to the published one?
func (g *group) note(p, n *number, within *writing) {
	if !g.changed.add(p.text, n.text) {
		return
	}
	scale := math.Min(g.pub.high-g.pub.low, math.Abs(p.float()))
	if len(within.distinct) >= minDistinct {
		scale = math.Min(scale, within.high-within.low)
	}
	unit := math.Pow(10, float64(p.last))
	if scale > unit {
		g.chance += math.Log10(unit / scale)
	}
}

// evident reports whether the group's numbers were rounded beyond doubt.
func (g *group) evident() bool {
	if !g.pub.enough() {
		return false
	}
	written := math.Pow(plainChance, float64(len(g.pub.distinct)))
	if g.pub.padded > 0 {
		written = paddedChance
	}
	return math.Log10(written)+g.chance <= math.Log10(maxChance)
}

// settle decides the pairs that hang on the group, once all were met.
func (g *group) settle(t *tally) {
	if g.pending > 0 {
		told := g.any((*group).evident)
		switch {
		case told && (g.lonely == 0 || g.evident()):
			g.become(t, pending, agrees, g.pending)
		case told:
			t.outcomes[agrees] += g.pending - g.lonely
			t.doubt(g, numbersRounded)
			g.become(t, pending, unclear, g.lonely)
		case g.pending == g.large:
			g.become(t, pending, differs, g.pending)
		default:
			t.doubt(g, numbersRounded)
			g.become(t, pending, unclear, g.pending)
		}
	}
	if g.cut > 0 {
		switch {
		case g.any((*group).provenCut):
			g.become(t, cut, agrees, g.cut)
			t.cutOff = true
		case g.any((*group).suspectedCut):
			t.doubt(g, numbersCut)
			g.become(t, cut, unclear, g.cut)
		default:
			g.become(t, cut, differs, g.cut)
		}
	}
	if g.coarse > 0 {
		to := unclear
		if g.strips() || g.wholeThroughout() {
			to = agrees
		}
		g.become(t, coarse, to, g.coarse)
	}
	if g.longer > 0 {
		to := agrees
		if !g.any((*group).lengthenedThroughout) {
			t.doubt(g, numbersLonger)
			to = unclear
		}
		g.become(t, longer, to, g.longer)
	}
}

// provenCut reports whether so many pairs are cut off, and none is not, that
// chance cannot be why: half of the numbers that moved moved down. What is cut
// off is anything from nothing to a whole unit; where it is more than a half
// nearly everywhere, all numbers have moved by the same, and nothing was cut.
func (g *group) provenCut() bool {
	return g.suspectedCut() && len(g.cuts) >= cutPairs && g.cutLow*cutLowShare >= len(g.cuts)
}

func (g *group) suspectedCut() bool {
	return g.uncut == 0 && g.cutMet > 1 && len(g.cuts) >= cutSuspected
}

// lengthenedThroughout reports whether all numbers that were not published whole
// show more digits now: then the writer shows more, and no number was renamed.
func (g *group) lengthenedThroughout() bool {
	return len(g.pub.distinct) >= minDistinct && g.lengthened == g.pub.n-g.pub.whole
}

// wholeThroughout reports whether whole numbers were published with decimals,
// as programs write floating-point numbers that count, and are whole now.
func (g *group) wholeThroughout() bool {
	return g.pub.countsWithDecimals(g.onePen) && g.new.counts()
}

// strips reports whether zeros at the end were left out of the new numbers, so
// that one with few digits is one with zeros.
func (g *group) strips() bool {
	if !g.pub.fixed() || g.new.padded > 0 || g.padded < g.pub.padded {
		return false
	}
	return g.new.n < g.pub.n || g.new.leastDecimals < g.new.mostDecimals
}

// become counts what hung as what it is.
func (g *group) become(t *tally, from, to outcome, count int64) {
	g.became[from] = to
	t.outcomes[to] += count
	if to != agrees {
		t.keep(g.worst, to)
	}
}

// doubt notes a group that a person has to read.
func (t *tally) doubt(g *group, numbers string) {
	if t.doubted == nil {
		t.doubted, t.doubtedAs = g, numbers
	}
	t.doubts++
}

// unread says why a person has to look, and which line of the recipe says how
// to read the numbers.
func (t *tally) unread() string {
	g := t.doubted
	if t.doubtedAs == numbersLonger {
		return fmt.Sprintf("whether zeros behind the number of %s name another version or section cannot be told: if it is a number, say numbers: exact", g.name)
	}
	out := fmt.Sprintf("whether %s %s cannot be told from so few numbers: say numbers: %s, or exact",
		g.name, map[string]string{numbersRounded: "was rounded for print", numbersCut: "was cut off for print"}[t.doubtedAs], t.doubtedAs)
	if t.doubts > 1 {
		out += fmt.Sprintf("; %s like this", plural(t.doubts-1, "more group"))
	}
	return out
}

// maxJudged bounds the groups that a finding names.
const maxJudged = 32

// judged lists the groups of which numbers changed.
func (t *tally) judged() (out []report.Judged) {
	for _, g := range t.groups {
		if len(out) == maxJudged {
			break
		}
		out = append(out, report.Judged{Group: g.name, Numbers: g.pub.n, Written: g.pub.words(), Changed: g.new.n})
	}
	return out
}

// words says how the numbers of a group are written.
func (w *writing) words() string {
	switch {
	case w.counts():
		return "whole numbers"
	case w.index():
		return "an index in equal steps"
	case w.shortest():
		return "in full"
	case w.fixedDecimals():
		return plural(int64(w.mostDecimals), "decimal")
	case w.fixedSignificant():
		return plural(int64(w.mostSignificant), "significant digit")
	}
	return "digits that vary"
}
