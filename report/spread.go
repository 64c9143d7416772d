package report

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"repro/format/manifest"
)

// Spread records how far the numbers of an experiment's results moved over
// several runs of it. A recipe names it as the evidence for what it accepts.
type Spread struct {
	Version    int             `json:"version"`
	Experiment manifest.Digest `json:"experiment,omitempty"` // what was run: Manifest.Experiment
	Machine    *Machine        `json:"machine,omitempty"`
	Runs       []SpreadRun     `json:"runs"`
	Results    []ResultSpread  `json:"results"`
	Notes      []string        `json:"notes,omitempty"` // what could not be varied here
}

// SpreadRun is one run, and what was set otherwise than in the first.
type SpreadRun struct {
	Cause   string            `json:"cause"`             // "nothing", "processor", "threads", "hash seed" and so on
	Env     map[string]string `json:"env,omitempty"`     // variables of every step
	Threads int               `json:"threads,omitempty"` // of every step
	Held    bool              `json:"held,omitempty"`    // every runner sets it as the first run did: it tells of the program, and is no part of the spread
	Core    string            `json:"core,omitempty"`    // for which OpenBLAS chose its code
}

// ResultSpread is how far one result moved.
type ResultSpread struct {
	Name      string        `json:"name"`
	Identical bool          `json:"identical"`          // every run left the same bytes
	Causes    []string      `json:"causes,omitempty"`   // what moved it
	Random    bool          `json:"random,omitempty"`   // two runs with the same settings differ
	Other     string        `json:"other,omitempty"`    // what moved beside numbers: no spread covers it
	Moved     int64         `json:"moved,omitempty"`    // numbers that moved
	Digits    string        `json:"digits,omitempty"`   // significant digits in which each run agrees with the first, at least
	Norm      string        `json:"norm,omitempty"`     // furthest from the first run, by the largest number of the column or array
	Score     string        `json:"score,omitempty"`    // of pictures: least structural similarity to the first run's
	Accepted  int           `json:"accepted,omitempty"` // runs, but for held ones, that the recipe's rule, with this spread, calls reproduced
	Refused   string        `json:"refused,omitempty"`  // why the first of the others is not
	Places    []PlaceSpread `json:"places,omitempty"`   // that moved
}

// Counted is how many of the runs make the spread.
func (s *Spread) Counted() (n int) {
	for _, r := range s.Runs {
		if !r.Held {
			n++
		}
	}
	return n
}

// maxAdvised is the power of ten of the largest movement that is taken for
// rounding.
const maxAdvised = -6

// Advice is the tolerance, as the recipe writes it, that accepts ten times what
// was seen or more: for processors that were not tried. It is relative to the
// largest number of the column or array, or, in text, to each number. It is
// empty where the result moves by chance, in more than numbers, or so far that
// rounding alone is no likely reason (SPEC.md CAL-8).
func (r ResultSpread) Advice() string {
	if r.Random || r.Other != "" || len(r.Causes) == 0 {
		return ""
	}
	if _, power, ok := strings.Cut(r.Norm, "e"); ok {
		exponent, err := strconv.Atoi(power)
		if err != nil || exponent > maxAdvised {
			return ""
		}
		return fmt.Sprintf("norm: 1e%d", exponent+2)
	}
	agreed, _, _ := strings.Cut(r.Digits, ".")
	digits, err := strconv.Atoi(agreed)
	if err != nil || -digits > maxAdvised {
		return ""
	}
	return fmt.Sprintf("relative: 1e%d", 1-digits)
}

// PlaceSpread is the range of the numbers found at one place.
type PlaceSpread struct {
	Where string `json:"where"` // as in Worst
	Least string `json:"least"`
	Most  string `json:"most"`

	Runs []string `json:"runs,omitempty"` // of a result that moves by chance: the number of each run that counts
}

// ParseSpread reads a spread document, which may end in a line end.
func ParseSpread(b []byte) (*Spread, error) {
	var s Spread
	if err := manifest.Unmarshal(bytes.TrimSuffix(b, []byte("\n")), &s); err != nil {
		return nil, err
	}
	if s.Version != Version {
		return nil, fmt.Errorf("version %d is not known", s.Version)
	}
	return &s, nil
}
