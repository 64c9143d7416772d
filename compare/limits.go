package compare

import (
	"fmt"
	"math"

	"repro/format/manifest"
)

// limits is a manifest.Tolerance made ready.
type limits struct {
	tolerance                manifest.Tolerance
	absolute, relative, norm *number
	quickly                  [3]float64 // the same in float64; less than 0: there is none
	power                    *number    // 10^-Digits
	named                    bool       // the rule names the column that they hold for
}

// What a rule may say of how published numbers were written (SPEC.md CMP-38).
const (
	numbersExact   = "exact"   // in full: only the same number will do
	numbersRounded = "rounded" // rounded to the digits that are shown
	numbersCut     = "cut"     // cut off after them
)

func prepareLimits(t manifest.Tolerance) (*limits, error) {
	if t.ULP < 0 || t.ULP > maxAskedULP {
		return nil, &RuleError{"ulp", fmt.Sprint(t.ULP), "want 0 to 2^52"}
	}
	if t.Digits < 0 || t.Digits > maxAskedDigit {
		return nil, &RuleError{"digits", fmt.Sprint(t.Digits), fmt.Sprintf("want 0 to %d", maxAskedDigit)}
	}
	switch t.Numbers {
	case "", numbersExact, numbersRounded, numbersCut:
	default:
		return nil, &RuleError{"numbers", clip(t.Numbers), "want exact, rounded or cut"}
	}
	out := &limits{tolerance: t}
	if t.Digits > 0 {
		out.power = mustNumber(fmt.Sprintf("1e-%d", t.Digits))
	}
	for _, l := range []struct {
		name, text string
		to         **number
	}{{"absolute", t.Absolute, &out.absolute}, {"relative", t.Relative, &out.relative}, {"norm", t.Norm, &out.norm}} {
		var err error
		if *l.to, err = limit(l.name, l.text); err != nil {
			return nil, err
		}
	}
	for i, l := range []*number{out.absolute, out.relative, out.norm} {
		if out.quickly[i] = -1; l != nil {
			out.quickly[i] = l.float()
		}
	}
	return out, nil
}

// tolerant reports whether numbers that differ may be accepted.
func (l *limits) tolerant() bool {
	return l.absolute != nil || l.relative != nil || l.tolerance.ULP > 0 || l.power != nil || l.norm != nil
}

// accepts reports whether one of the tolerances holds (CMP-30). The largest
// published number of the column or array is nil where there is none.
func (l *limits) accepts(pub, new *number, d *distance, largest *number) bool {
	switch {
	case l.absolute != nil && d.atMost(l.absolute, nil):
	case l.relative != nil && len(pub.digits) > 0 && d.atMost(l.relative, pub):
	case l.tolerance.ULP > 0 && ulps(pub, new) <= uint64(l.tolerance.ULP):
	case l.power != nil && l.enoughDigits(pub, new, d):
	case l.norm != nil && largest != nil && d.of(largest).atMost(l.norm, largest):
	default:
		return false
	}
	return true
}

// surely reports whether the absolute or the relative tolerance holds by more
// than what float64 rounds away. Where it does not, nothing is said.
func (l *limits) surely(pub, new *number) bool {
	p, n := pub.float(), new.float()
	off := math.Abs(n-p) + lost*(math.Abs(p)+math.Abs(n)) // NaN or infinite beyond float64: not surely
	return off < l.quickly[0]*(1-lost) || off < l.quickly[1]*math.Abs(p)*(1-lost)
}

// lost is more than two roundings to float64 take away, relative.
const lost = 1e-15

// enoughDigits asks for as many of the digits published, or for all of them
// where fewer were.
func (l *limits) enoughDigits(pub, new *number, d *distance) bool {
	asked, power := l.tolerance.Digits, l.power
	if published := pub.significant(); published < asked {
		asked, power = published, mustNumber(fmt.Sprintf("1e-%d", published))
	}
	if pub.shown(new.last) < asked {
		return false
	}
	if len(pub.digits) == 0 {
		return d.atMost(power, nil)
	}
	return d.atMost(power, pub)
}
