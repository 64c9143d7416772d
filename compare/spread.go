package compare

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"repro/record"
)

// maxPlaces bounds the places of one result whose spread is kept.
const maxPlaces = 1 << 20

// spread is how far the numbers of one result moved over several runs: for
// each place the least and the most that was found there (CMP-35).
type spread struct {
	places   map[string]*extent
	learning bool
	full     bool
	what     string // in words: "3 published sets"
}

type extent struct {
	least, most *number
	width       *number // most - least
}

// meet notes two numbers found at one place while learning.
func (s *spread) meet(where string, pub, new []byte) {
	if s == nil || !s.learning {
		return
	}
	for _, text := range [][]byte{pub, new} {
		n := finiteNumber(text)
		if n == nil {
			continue
		}
		e := s.places[where]
		switch {
		case e == nil && len(s.places) == maxPlaces:
			s.full = true
			return
		case e == nil:
			s.places[where] = &extent{least: n, most: n}
		case less(n, e.least):
			e.least, e.width = n, nil
		case less(e.most, n):
			e.most, e.width = n, nil
		}
	}
}

// finiteNumber is a finite number with text of its own, or nil.
func finiteNumber(text []byte) *number {
	n := &number{}
	if !n.parse(bytes.Clone(text)) || n.class != finite {
		return nil
	}
	return n
}

// less compares two finite numbers exactly.
func less(a, b *number) bool {
	exp := min(a.last, b.last)
	return a.integer(exp).Cmp(b.integer(exp)) < 0
}

// holds reports whether a distance is no more than the recorded spread at one
// place.
func (s *spread) holds(where string, d *distance) bool {
	if s.learning {
		return true
	}
	e := s.places[where]
	if e == nil {
		return false
	}
	if e.width == nil {
		w := between(e.least, e.most)
		digits := strconv.FormatUint(w.small, 10)
		if w.coef != nil {
			digits = w.coef.String()
		}
		e.width = mustNumber(fmt.Sprintf("%se%d", digits, w.exp))
	}
	return len(e.width.digits) > 0 && d.atMost(e.width, nil)
}

// learn notes how far a further file of the same experiment is from the
// published one.
func (s *spread) learn(ctx context.Context, pub, set File, r record.Rule) error {
	s.learning = true
	defer func() { s.learning = false }()
	f, err := files(ctx, pub, set, r, sinks{spread: s})
	switch {
	case err != nil:
		return err
	case f.Verdict == record.Missing:
		return fmt.Errorf("published set %q: there is no such file", set.Name)
	case !f.Verdict.Reproduced():
		return &undecided{fmt.Sprintf("the published sets differ in more than numbers: %q: %s", set.Name, f.Reason)}
	case s.full:
		return &undecided{fmt.Sprintf("more than %d numbers move between the published sets", maxPlaces)}
	}
	return nil
}

// spreadOf gathers what is recorded of a result: further published sets, and a
// calibration. It is nil where nothing is.
func spreadOf(ctx context.Context, pub fs.FS, r record.Result) (*spread, error) {
	if len(r.Sets) == 0 && r.Compare.Spread == "" {
		if r.Compare.Random {
			return nil, &RuleError{"random", r.Name, "name a second published set or a spread to judge it by"}
		}
		return nil, nil
	}
	s := &spread{places: map[string]*extent{}}
	for _, name := range r.Sets {
		if err := s.learn(ctx, File{FS: pub, Name: r.Published}, File{FS: pub, Name: name}, r.Compare); err != nil {
			return nil, err
		}
	}
	if s.what = plural(int64(len(r.Sets)+1), "published set"); r.Compare.Spread == "" {
		return s, nil
	}
	s.what = "a calibration"
	return s, s.load(pub, r.Compare.Spread, r.Name)
}

// load adds what a calibration recorded of one result.
func (s *spread) load(fsys fs.FS, name, result string) error {
	f, err := fsys.Open(name)
	if err != nil {
		return fmt.Errorf("spread %q: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, record.MaxDocument+1))
	if err != nil {
		return fmt.Errorf("spread %q: %w", name, err)
	}
	var doc record.Spread
	if err := record.Unmarshal(bytes.TrimSuffix(b, []byte("\n")), &doc); err != nil {
		return fmt.Errorf("spread %q: %w", name, err)
	}
	if doc.Version != record.ReportVersion {
		return fmt.Errorf("spread %q: version %d is not known", name, doc.Version)
	}
	for _, r := range doc.Results {
		if r.Name != result {
			continue
		}
		s.learning = true
		for _, p := range r.Places {
			s.meet(p.Where, []byte(p.Least), []byte(p.Most))
		}
		s.learning = false
		s.what = "a calibration of " + plural(int64(len(doc.Runs)), "run")
	}
	return nil
}
