package compare

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/big"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/report"
)

// maxPlaces bounds the places of one result whose spread is kept.
const maxPlaces = 1 << 18

// cutOff is how a place ends whose name was too long to be kept whole. Two
// such names may be alike, so none has a spread.
const cutOff = "…"

// spread is how far the numbers of one result moved over several runs: for
// each place the least and the most that was found there (CMP-35). Parts of
// archives share the one of the archive.
type spread struct {
	*recorded
	within string // names of the archive's files that lead here, each followed by ": "
}

type recorded struct {
	places   map[string]*extent
	learning bool
	full     bool
	doubled  bool            // the runs were a sample of what chance does (CMP-35)
	what     string          // in words: "3 published sets"
	random   bool            // the draws are judged as distributions (CMP-39)
	runs     bool            // the draws are runs of a calibration
	files    int             // earlier draws; while learning, that of the set under way
	columns  map[string]bool // that moved; see moving
	norm     float64         // while learning: log10 of the largest movement by the largest number of its group
}

func newSpread(what string) *spread {
	return &spread{recorded: &recorded{places: map[string]*extent{}, what: what, norm: math.Inf(-1)}}
}

// extent is what was found at one place. Numbers are kept as they were
// printed.
type extent struct {
	first       string // of the file to which all others are compared; empty: not known
	least, most string
	unsure      bool     // several numbers go by this name
	values      []string // of each draw; empty: the published number
}

// part is the spread of a file within an archive.
func (s *spread) part(name string) *spread {
	if s == nil {
		return nil
	}
	return &spread{recorded: s.recorded, within: s.within + name + ": "}
}

// meet notes the two numbers that t has just parsed, found at one place, while
// learning.
func (s *spread) meet(where string, t *tally) {
	if !s.learning || t.p.class != finite || t.n.class != finite {
		return
	}
	if t.largest != nil {
		d := between(&t.p, &t.n)
		s.norm = max(s.norm, d.log-log10(t.largest))
	}
	if strings.Contains(where, cutOff) {
		return
	}
	where = s.within + where
	first := string(t.p.text)
	e := s.places[where]
	if e == nil {
		if len(s.places) == maxPlaces {
			s.full = true
			return
		}
		e = &extent{first: first, least: first, most: first}
		s.places[where] = e
	}
	if e.first == "" {
		e.first = first
	}
	e.unsure = e.unsure || e.first != first
	e.widen(first)
	e.widen(string(t.n.text))
	if s.random {
		s.note(e, s.files, string(t.n.text))
	}
}

func (e *extent) widen(text string) {
	n := parsed(text)
	if less(n, parsed(e.least)) {
		e.least = text
	}
	if less(parsed(e.most), n) {
		e.most = text
	}
}

// parsed is a finite number, or nil.
func parsed(text string) *number {
	n := &number{}
	if !n.parse([]byte(text)) || n.class != finite {
		return nil
	}
	return n
}

// less compares two finite numbers exactly.
func less(a, b *number) bool {
	exp := min(a.last, b.last)
	return a.integer(exp).Cmp(b.integer(exp)) < 0
}

// holds reports whether a pair that does not round is within the recorded
// spread at its place (CMP-35). Binary numbers were not rounded for print.
func (s *spread) holds(where string, p, n *number, binary bool) bool {
	if s.learning {
		return true
	}
	e := s.places[s.within+where]
	if e == nil || e.unsure {
		return false
	}
	least, most := parsed(e.least), parsed(e.most)
	exp := min(least.last, most.last, p.last-1, n.last)
	low, high, fresh := least.integer(exp), most.integer(exp), n.integer(exp)
	width := new(big.Int).Sub(high, low)
	if width.Sign() == 0 {
		return false
	}
	if s.doubled {
		width.Lsh(width, 1)
	}
	if fresh.Cmp(low.Sub(low, width)) < 0 || fresh.Cmp(high.Add(high, width)) > 0 {
		return false
	}
	if !binary && n.last <= p.last { // what rounding may have taken from the published number
		half := pow10(p.last - 1 - exp)
		width.Add(width, half.Mul(half, big.NewInt(5)))
	}
	return fresh.Sub(fresh, p.integer(exp)).CmpAbs(width) <= 0
}

// learn notes how far a further file of the same experiment is from the
// published one.
func (s *spread) learn(ctx context.Context, pub, set File, r manifest.Rule) error {
	s.learning = true
	defer func() { s.learning = false }()
	f, err := files(ctx, pub, set, r, sinks{spread: s})
	switch {
	case err != nil:
		return err
	case f.Verdict == report.Missing:
		return fmt.Errorf("published set %q: there is no such file", set.Name)
	case !f.Verdict.Reproduced():
		return &undecided{fmt.Sprintf("the published sets differ in more than numbers: %q: %s", set.Name, f.Reason)}
	case s.full:
		return &undecided{fmt.Sprintf("more than %d numbers move between the published sets", maxPlaces)}
	}
	return nil
}

// spreadOf gathers what is recorded of a random result: further published sets,
// and a calibration. It is nil for others: a deterministic result equals one
// published set, see [oneSet], however far it was once seen to move.
func spreadOf(ctx context.Context, pub fs.FS, r manifest.Result, o Options) (*spread, error) {
	if !r.Compare.Random {
		return nil, nil
	}
	sets := r.Sets
	if len(sets) == 0 && r.Compare.Spread == "" && o.Spread == nil {
		return nil, &RuleError{"random", r.Name, "name a second published set or a spread to judge it by"}
	}
	s := newSpread(plural(int64(len(sets)+1), "published set"))
	s.random = len(sets) > 0
	for i, name := range sets {
		s.files = i + 1
		if err := s.learn(ctx, File{FS: pub, Name: r.Published}, File{FS: pub, Name: name}, r.Compare); err != nil {
			return nil, err
		}
	}
	s.files = len(sets) + 1
	doc := o.Spread
	if doc == nil && r.Compare.Spread != "" {
		var err error
		if doc, err = ReadSpread(pub, r.Compare.Spread); err != nil {
			return nil, err
		}
	}
	if doc != nil {
		s.load(doc, r.Name)
	}
	return s, nil
}

// ReadSpread reads a spread document (CMP-37).
func ReadSpread(fsys fs.FS, name string) (*report.Spread, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("spread %q: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, manifest.MaxDocument+2))
	if err != nil {
		return nil, fmt.Errorf("spread %q: %w", name, err)
	}
	doc, err := report.ParseSpread(b)
	if err != nil {
		return nil, fmt.Errorf("spread %q: %w", name, err)
	}
	for _, r := range doc.Results {
		for _, p := range r.Places {
			least, most := parsed(p.Least), parsed(p.Most)
			if least == nil || most == nil || less(most, least) {
				return nil, fmt.Errorf("spread %q: result %q: %s: want two numbers in order", name, clip(r.Name), clip(p.Where))
			}
		}
		if len(r.Places) > maxPlaces {
			return nil, fmt.Errorf("spread %q: result %q: more than %d places", name, clip(r.Name), maxPlaces)
		}
	}
	return doc, nil
}

// unspread says why a spread that is recorded of a result does not count, and
// what to write instead; empty where none is, or where it counts.
func unspread(pub fs.FS, r manifest.Result, o Options) string {
	if r.Compare.Random || r.Compare.Spread == "" && o.Spread == nil {
		return ""
	}
	const exactly = "; it is not declared random, so it is held to what was published, and not to the recorded spread"
	doc := o.Spread
	if doc == nil {
		var err error
		if doc, err = ReadSpread(pub, r.Compare.Spread); err != nil {
			return exactly
		}
	}
	for _, moved := range doc.Results {
		switch advice := moved.Advice(); {
		case moved.Name != r.Name:
		case moved.Random:
			return exactly + ": calibration saw it move by chance, which random: true would say"
		case advice != "":
			return exactly + ": " + advice + " would accept ten times what calibration saw"
		}
	}
	return exactly
}

// load adds what a calibration recorded of one result.
func (s *spread) load(doc *report.Spread, result string) {
	s.what = "a calibration of " + plural(int64(doc.Counted()), "run")
	for _, r := range doc.Results {
		if r.Name != result {
			continue
		}
		if r.Random && s.loadRuns(r.Places) {
			continue
		}
		s.doubled = r.Random
		for _, p := range r.Places {
			e := s.places[p.Where]
			if e == nil {
				e = &extent{least: p.Least, most: p.Most}
				s.places[p.Where] = e
			}
			e.widen(p.Least)
			e.widen(p.Most)
		}
	}
}

// loadRuns takes the numbers of each run of a calibration for draws, if it has
// recorded them, and no other sets are named.
func (s *spread) loadRuns(places []report.PlaceSpread) bool {
	if s.random || len(places) == 0 || len(places[0].Runs) < 2 {
		return false
	}
	runs := len(places[0].Runs)
	for _, p := range places {
		if len(p.Runs) != runs || slices.ContainsFunc(p.Runs, func(text string) bool { return parsed(text) == nil }) {
			return false
		}
	}
	s.random, s.runs, s.files = true, true, runs
	for _, p := range places {
		s.places[p.Where] = &extent{least: p.Least, most: p.Most, values: slices.Clone(p.Runs)}
	}
	return true
}
