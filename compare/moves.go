package compare

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"

	"repro/compare/kinds"
	"repro/format/manifest"
	"repro/report"
)

// Moves gathers how far one result moves over several runs of the same
// experiment: each further file is compared to the first, with every
// difference between finite numbers allowed. The zero value is not ready; use
// [NewMoves]. Not for several goroutines at once.
type Moves struct {
	first  File
	rule   manifest.Rule
	spread *spread
	out    report.ResultSpread
	digits float64 // in which all agree
	runs   int     // that count, with the first
}

// NewMoves starts with the first run's file. The rule is the result's; its
// tolerances play no part.
func NewMoves(first File, r manifest.Rule) *Moves {
	r.Spread, r.Random, r.Norm = "", false, ""
	return &Moves{first: first, rule: r, spread: newSpread(""),
		out: report.ResultSpread{Identical: true}, digits: math.Inf(1), runs: 1}
}

// grouped reports whether a kind's numbers stand in columns or arrays.
func grouped(kind string) bool {
	k := kinds.Of(kind)
	return k.Takes("norm") && !k.Holds
}

// Add compares the file that a further run left. It reports whether that says
// the same as the first run's: it does if its finding is [report.Identical] or
// [report.SameContent]. What differs beside numbers is noted as Other, and the
// numbers of such a file count for nothing. An error is a failure to read, or
// a [*RuleError].
func (m *Moves) Add(ctx context.Context, run File) (same bool, err error) {
	f, found, err := m.compare(ctx, run)
	if err != nil {
		return false, err
	}
	m.out.Identical = m.out.Identical && f.Verdict == report.Identical
	m.runs++
	if says(f) {
		return true, nil
	}
	if f.Score != "" && (m.out.Score == "" || f.Score < m.out.Score) {
		m.out.Score = f.Score
	}
	if !f.Verdict.Reproduced() {
		if m.out.Other == "" {
			m.out.Other = clip(f.Reason)
		}
		return false, nil
	}
	if f.Digits != nil && f.Digits.Of > 0 {
		if n, err := strconv.ParseFloat(f.Digits.Obtained, 64); err == nil {
			m.digits = min(m.digits, n)
		}
	}
	m.join(found)
	return false, nil
}

// Look compares the file of a run that is not to count: it only reports whether
// that says the same.
func (m *Moves) Look(ctx context.Context, run File) (same bool, err error) {
	f, _, err := m.compare(ctx, run)
	m.out.Identical = m.out.Identical && f.Verdict == report.Identical
	return says(f), err
}

// says reports whether two files say the same.
func says(f report.Finding) bool {
	return f.Verdict == report.Identical || f.Verdict == report.SameContent
}

// compare finds how far a run's file is from the first.
func (m *Moves) compare(ctx context.Context, run File) (report.Finding, *spread, error) {
	rule := m.rule
	if rule.Kind == "" {
		var f report.Finding
		if _, _, err := look(&f, m.first, run); err == nil && grouped(f.Kind) {
			rule.Norm = "0" // accepts nothing, but has the groups measured
		}
	} else if grouped(rule.Kind) {
		rule.Norm = "0"
	}
	for {
		found := newSpread("")
		found.learning = true
		f, err := files(ctx, m.first, run, rule, sinks{spread: found, similar: true})
		if err != nil || f.Verdict.Reproduced() || rule.Norm == "" {
			return f, found, err
		}
		rule.Norm = "" // a table that proves to be text has no columns
	}
}

// join adds what one run's file showed.
func (m *Moves) join(found *spread) {
	m.spread.norm = max(m.spread.norm, found.norm)
	m.spread.full = m.spread.full || found.full
	for where, e := range found.places {
		known := m.spread.places[where]
		text := e.least // the run's number: that which is not the first's
		if text == e.first {
			text = e.most
		}
		switch {
		case known != nil:
			known.unsure = known.unsure || e.unsure || e.first != known.first
			known.widen(e.least)
			known.widen(e.most)
			m.spread.note(known, m.runs-1, text)
		case len(m.spread.places) == maxPlaces:
			m.spread.full = true
		default:
			m.spread.places[where] = e
			m.spread.note(e, m.runs-1, text)
		}
	}
}

// Spread is what was found, without the result's name and the causes. Places
// are in byte order. Where more numbers move than are kept, there are none.
func (m *Moves) Spread() report.ResultSpread {
	out := m.out
	out.Moved = int64(len(m.spread.places))
	if !math.IsInf(m.digits, 1) {
		out.Digits = tenths(m.digits)
	}
	if !math.IsInf(m.spread.norm, -1) {
		out.Norm = scientific(m.spread.norm)
	}
	if m.spread.full {
		return out
	}
	for _, where := range slices.Sorted(maps.Keys(m.spread.places)) {
		if e := m.spread.places[where]; !e.unsure {
			place := report.PlaceSpread{Where: where, Least: e.least, Most: e.most}
			for run := range m.runs {
				place.Runs = append(place.Runs, e.value(run))
			}
			out.Places = append(out.Places, place)
		}
	}
	return out
}
