package compare

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Limits on the work of a rule's patterns (SPEC.md CMP-31), in steps: instructions of a pattern's
// program times bytes of text. RE2 takes no more than that, but a pattern such
// as (((a?){100}){10})b takes all of it, at 40 ns each.
const (
	maxProgram    = 1000    // instructions of one pattern
	largeProgram  = 256     // instructions from which the lesser bound holds
	maxLargeSteps = 1 << 28 // of large patterns over one file
	maxSteps      = 1 << 32 // of all patterns over one file
)

// counted is a pattern whose work is counted.
type counted struct {
	*regexp.Regexp
	size int
	work *work
}

// work is what the patterns of one comparison did. When it is spent they match
// nothing, and the file is left to a person.
type work struct {
	steps, large int64
	spent        bool
}

func (c counted) may(text []byte) bool {
	if c.work == nil {
		return true
	}
	steps := int64(c.size) * int64(len(text))
	c.work.steps += steps
	if c.size > largeProgram {
		c.work.large += steps
	}
	c.work.spent = c.work.spent || c.work.steps > maxSteps || c.work.large > maxLargeSteps
	return !c.work.spent
}

// Match is that of the pattern, as long as there is work left.
func (c counted) Match(text []byte) bool { return c.may(text) && c.Regexp.Match(text) }

// undecided says that the patterns took too much work, if they did.
func (w *work) undecided() error {
	if !w.spent {
		return nil
	}
	return &undecided{"the patterns of the rule take too much work on this file"}
}

// program counts the instructions of a pattern.
func program(expr string) (int, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return 0, err
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0, err
	}
	return len(prog.Inst), nil
}

// compilePattern compiles one pattern of a rule.
func compilePattern(field, text string) (counted, error) {
	size, err := program(text)
	if err != nil {
		return counted{}, &RuleError{field, clip(text), err.Error()}
	}
	if size > maxProgram {
		return counted{}, &RuleError{field, clip(text), fmt.Sprintf("it has %d instructions, at most %d may be", size, maxProgram)}
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return counted{}, &RuleError{field, clip(text), err.Error()}
	}
	return counted{Regexp: re, size: size}, nil
}
