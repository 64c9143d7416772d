package compare

import (
	"fmt"
	"slices"
	"strings"

	"repro/compare/kinds"
	"repro/format/manifest"
)

// What [manifest.Rule] may say of signs.
const (
	signColumns = "columns"
	signRows    = "rows"
)

// blanksFree is what [manifest.Rule] may say of blanks: how many there are
// carries nothing.
const blanksFree = "free"

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

// rule is a manifest.Rule made ready.
type rule struct {
	manifest.Rule
	*limits
	score   *number
	ignore  []hiding
	only    []counted
	section [2]*counted // its first line, and the line after its last; nil: none
	work    work        // of the patterns
	columns map[string]*limits
}

// scored reports whether a similarity says something of a kind: of pictures, of
// what may hold some, and of the kind that is yet to be chosen.
func scored(kind string) bool {
	k := kinds.Of(kind)
	return kind == "" || k.Takes("score")
}

// Check returns a [*RuleError] for a rule that [Files] would not accept.
func Check(r manifest.Rule) error {
	_, err := prepare(r)
	return err
}

func prepare(r manifest.Rule) (*rule, error) {
	out := &rule{Rule: r, columns: map[string]*limits{}}
	if r.Kind != "" && !slices.Contains(kinds.Names(), r.Kind) {
		return nil, &RuleError{"kind", r.Kind, "want " + strings.Join(kinds.Names(), ", ")}
	}
	if r.Signs != "" && r.Signs != signColumns && r.Signs != signRows {
		return nil, &RuleError{"signs", r.Signs, "want columns or rows"}
	}
	if r.Blanks != "" && r.Blanks != blanksFree {
		return nil, &RuleError{"blanks", r.Blanks, "want free"}
	}
	if r.Signs != "" && len(r.Keys) > 0 {
		return nil, &RuleError{"signs", r.Signs, "does not go with keys"}
	}
	var err error
	if out.limits, err = prepareLimits(r.Tolerance()); err != nil {
		return nil, err
	}
	if len(r.Columns) > maxCells {
		return nil, &RuleError{"columns", fmt.Sprint(len(r.Columns)), fmt.Sprintf("at most %d", maxCells)}
	}
	for name, t := range r.Columns {
		if out.columns[name], err = prepareLimits(t); err != nil {
			return nil, err
		}
		out.columns[name].named = true
	}
	if out.score, err = limit("score", r.Score); err != nil {
		return nil, err
	}
	if out.score != nil && out.score.float() > 1 {
		return nil, &RuleError{"score", r.Score, "want 0 to 1"}
	}
	if out.score != nil && !scored(r.Kind) {
		return nil, &RuleError{"score", r.Score, "does not go with kind " + r.Kind + ", which has no similarity"}
	}
	if err := out.prepareLines(); err != nil {
		return nil, err
	}
	return out, nil
}

// prepareLines reads what the rule says of lines of text.
func (r *rule) prepareLines() (err error) {
	if r.ignore, err = masked(r.Masks); err != nil {
		return err
	}
	own, err := patterns("ignore", r.Ignore)
	if err != nil {
		return err
	}
	for _, re := range own {
		re.work = &r.work
		r.ignore = append(r.ignore, hiding{counted: re})
	}
	if r.only, err = patterns("only", r.Only); err != nil {
		return err
	}
	for i := range r.only {
		r.only[i].work = &r.work
	}
	if r.To != "" && r.From == "" {
		return &RuleError{"to", clip(r.To), "a section has a first line, too: from"}
	}
	for i, text := range []string{r.From, r.To} {
		if text == "" {
			continue
		}
		one, err := patterns([]string{"from", "to"}[i], []string{text})
		if err != nil {
			return err
		}
		one[0].work = &r.work
		r.section[i] = &one[0]
	}
	return nil
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

func patterns(field string, texts []string) ([]counted, error) {
	if len(texts) > maxPatterns {
		return nil, &RuleError{field, fmt.Sprint(len(texts)), fmt.Sprintf("at most %d patterns", maxPatterns)}
	}
	var out []counted
	for _, text := range texts {
		if len(text) > maxPattern {
			return nil, &RuleError{field, clip(text), fmt.Sprintf("at most %d bytes", maxPattern)}
		}
		re, err := compilePattern(field, text)
		if err != nil {
			return nil, err
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
