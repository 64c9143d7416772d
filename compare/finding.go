package compare

import (
	"fmt"
	"math"
	"strings"

	"repro/report"
)

// conclude turns the sums into a finding (the ladder, SPEC.md CMP-10).
func (j *job) conclude(f *report.Finding) {
	t := j.tally
	t.settleGroups()
	t.judgeDraws()
	f.Judged = t.judged()
	f.Compared = t.compared
	f.Differing = t.compared - t.outcomes[same] - t.outcomes[agrees]
	switch {
	case t.broken > 0 || t.outcomes[differs] > 0:
		f.Verdict = report.Differs
	case f.Differing == 0 && t.outcomes[agrees] == 0:
		f.Verdict, f.Reason = report.SameContent, j.sameContent
	case f.Differing == 0:
		f.Verdict, f.Reason = report.SameAsPrinted, t.allAgree()
	case t.outcomes[unclear] == 0 && t.outcomes[within] == 0:
		f.Verdict = report.WithinSpread
	case t.outcomes[unclear] == 0:
		f.Verdict = report.WithinTolerance
	case t.departed != "":
		f.Verdict = report.NeedsEyes
	case t.doubts > 0:
		f.Verdict = report.NeedsEyes
		f.Reason = t.numbers(f.Differing) + "; " + t.unread()
	default:
		f.Verdict = report.NeedsEyes
		f.Reason = t.fewer()
	}
	if t.masked > 0 && !t.left && f.Verdict.Reproduced() {
		f.Verdict, f.Reason = report.NeedsEyes, "the rule leaves nothing to compare"
	}
	if f.Reason == "" {
		f.Reason = t.explain(f)
	}
	if t.departed != "" {
		f.Reason += "; " + t.departed
	}
	if t.uncovered > 0 {
		f.Reason += fmt.Sprintf("; the tolerance does not cover %s that count or name something: name the column in columns, or say whole: true", plural(t.uncovered, "whole number"))
	}
	if t.reversed > 0 {
		f.Reason += fmt.Sprintf("; the signs of %s reversed as the rule allows", plural(t.reversed, "vector"))
		if f.Verdict.Reproduced() {
			f.Verdict = report.WithinTolerance
		}
	}
	if t.outcomes[moved] > 0 {
		f.Reason += fmt.Sprintf("; %s within the spread of %s", plural(t.outcomes[moved], "number"), t.spread.what)
	}
	if t.masked > 0 {
		f.Reason += fmt.Sprintf("; %s ignored as the rule asks", plural(t.masked, "place"))
	}
	t.describe(f)
}

func (t *tally) allAgree() string {
	out := "the one number agrees in every printed digit"
	if t.compared != 1 {
		out = fmt.Sprintf("all %d numbers agree in every printed digit", t.compared)
	}
	if t.cutOff {
		out += "; the published digits are cut off, not rounded"
	}
	return out
}

// explain says what differs.
func (t *tally) explain(f *report.Finding) string {
	var parts []string
	if t.broken > 0 {
		parts = append(parts, t.first)
		if t.broken > 1 {
			parts = append(parts, fmt.Sprintf("%s like this", plural(t.broken-1, "more place")))
		}
	}
	if f.Differing > 0 {
		parts = append(parts, t.numbers(f.Differing))
	} else if t.compared > 0 {
		parts = append(parts, fmt.Sprintf("the %s compared agree in every printed digit", plural(t.compared, "number")))
	}
	return strings.Join(parts, "; ")
}

func (t *tally) numbers(differing int64) string {
	w := t.worst
	out := fmt.Sprintf("%d of %d numbers differ", differing, t.compared)
	if w.what == same {
		return out
	}
	out += fmt.Sprintf("; worst at %s: published %s, new %s", w.where, clip(w.pub), clip(w.new))
	if t.binary && w.relative != "" {
		return out + fmt.Sprintf(" (relative difference %s)", w.relative)
	}
	if t.binary || w.digits.of == 0 || math.IsInf(w.digits.n, -1) {
		return out
	}
	out += fmt.Sprintf(" (%s of %d digits", tenths(w.digits.n), w.digits.of)
	if t.rule.Digits > 0 {
		out += fmt.Sprintf(", %d asked", t.rule.Digits)
	}
	return out + ")"
}

// fewer says that new numbers show fewer digits than were published.
func (t *tally) fewer() string {
	return fmt.Sprintf("%d of %d numbers equal the published ones but show fewer digits; worst at %s: published %s, new %s",
		t.outcomes[unclear], t.compared, t.worst.where, clip(t.worst.pub), clip(t.worst.new))
}

// describe fills in the digits and the worst place.
func (t *tally) describe(f *report.Finding) {
	if t.most > 0 {
		f.Digits = &report.Digits{Published: digitRange(t.least, t.most), Asked: t.rule.Digits}
		f.Digits.Obtained = f.Digits.Published
		if f.Differing > 0 && t.obtained.of > 0 {
			f.Digits.Obtained, f.Digits.Of = tenths(t.obtained.n), t.obtained.of
		}
	}
	switch {
	case t.firstAt != nil:
		f.Worst = t.firstAt
	case f.Differing > 0 && t.worst.what != same:
		w := t.worst
		f.Worst = &report.Worst{Where: w.where, Published: clip(w.pub), New: clip(w.new),
			Absolute: w.absolute, Relative: w.relative, ULP: w.ulp}
	}
}

func digitRange(least, most int) string {
	if least == most {
		return fmt.Sprint(most)
	}
	return fmt.Sprintf("%d-%d", least, most)
}

// tenths prints digits with one decimal, never more than there are.
func tenths(digits float64) string {
	return fmt.Sprintf("%.1f", math.Floor(max(0, digits)*10)/10)
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
