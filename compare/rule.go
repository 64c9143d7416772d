package compare

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"repro/record"
)

// The kinds of comparison that a rule may name.
const (
	KindExact = "exact" // bytes
	KindText  = "text"  // lines, with numbers in place
	KindCSV   = "csv"   // tables with a delimiter: csv, tsv
	KindJSON  = "json"  // one value, or several one after another
	KindPNG   = "png"   // pixels
)

var kinds = []string{KindExact, KindText, KindCSV, KindJSON, KindPNG}

// Limits on rules.
const (
	maxPatterns   = 256
	maxPattern    = 4096 // bytes of one
	maxAskedULP   = 1 << 52
	maxAskedDigit = maxDigits
)

// A RuleError is returned for a rule that asks for something that there is
// not. It is the recipe's fault, not the results'.
type RuleError struct {
	Field string // as in the recipe: "absolute"
	Value string
	Why   string
}

func (e *RuleError) Error() string {
	return fmt.Sprintf("compare rule: %s: %q: %s", e.Field, e.Value, e.Why)
}

// rule is a record.Rule made ready.
type rule struct {
	record.Rule
	absolute, relative, digits *number // digits: 10^-Digits
	score                      *number
	ignore                     []*regexp.Regexp
}

// Check returns a [*RuleError] for a rule that [Files] would not accept.
func Check(r record.Rule) error {
	_, err := prepare(r)
	return err
}

func prepare(r record.Rule) (*rule, error) {
	out := &rule{Rule: r}
	if r.Kind != "" && !slices.Contains(kinds, r.Kind) {
		return nil, &RuleError{"kind", r.Kind, "want " + strings.Join(kinds, ", ")}
	}
	if r.ULP < 0 || r.ULP > maxAskedULP {
		return nil, &RuleError{"ulp", fmt.Sprint(r.ULP), "want 0 to 2^52"}
	}
	if r.Digits < 0 || r.Digits > maxAskedDigit {
		return nil, &RuleError{"digits", fmt.Sprint(r.Digits), fmt.Sprintf("want 0 to %d", maxAskedDigit)}
	}
	if r.Digits > 0 {
		out.digits = mustNumber(fmt.Sprintf("1e-%d", r.Digits))
	}
	var err error
	if out.absolute, err = limit("absolute", r.Absolute); err != nil {
		return nil, err
	}
	if out.relative, err = limit("relative", r.Relative); err != nil {
		return nil, err
	}
	if out.score, err = limit("score", r.Score); err != nil {
		return nil, err
	}
	if out.score != nil && out.score.float() > 1 {
		return nil, &RuleError{"score", r.Score, "want 0 to 1"}
	}
	out.ignore, err = patterns(r.Ignore)
	return out, err
}

func limit(field, text string) (*number, error) {
	if text == "" {
		return nil, nil
	}
	n := new(number)
	if !n.parse([]byte(text)) || n.class != finite || n.neg {
		return nil, &RuleError{field, text, "want a number such as 1e-9, not negative"}
	}
	return n, nil
}

func patterns(texts []string) ([]*regexp.Regexp, error) {
	if len(texts) > maxPatterns {
		return nil, &RuleError{"ignore", fmt.Sprint(len(texts)), fmt.Sprintf("at most %d patterns", maxPatterns)}
	}
	var out []*regexp.Regexp
	for _, text := range texts {
		if len(text) > maxPattern {
			return nil, &RuleError{"ignore", clip(text), fmt.Sprintf("at most %d bytes", maxPattern)}
		}
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, &RuleError{"ignore", text, err.Error()}
		}
		out = append(out, re)
	}
	return out, nil
}

func mustNumber(text string) *number {
	n := new(number)
	n.parse([]byte(text))
	return n
}

// tolerant reports whether the rule accepts numbers that differ.
func (r *rule) tolerant() bool {
	return r.absolute != nil || r.relative != nil || r.ULP > 0 || r.digits != nil
}

// accepts reports whether one of the rule's tolerances holds (CMP-30).
func (r *rule) accepts(pub, new *number, d *distance) bool {
	switch {
	case r.absolute != nil && d.atMost(r.absolute, nil):
	case r.relative != nil && len(pub.digits) > 0 && d.atMost(r.relative, pub):
	case r.ULP > 0 && ulps(pub, new) <= uint64(r.ULP):
	case r.digits != nil && r.enoughDigits(pub, new, d):
	default:
		return false
	}
	return true
}

// enoughDigits asks for r.Digits of the digits published, or for all of them
// where fewer were.
func (r *rule) enoughDigits(pub, new *number, d *distance) bool {
	asked, limit := r.Digits, r.digits
	if published := pub.significant(); published < asked {
		asked, limit = published, mustNumber(fmt.Sprintf("1e-%d", published))
	}
	if pub.shown(new.last) < asked {
		return false
	}
	if len(pub.digits) == 0 {
		return d.atMost(limit, nil)
	}
	return d.atMost(limit, pub)
}
