package compare

import "bytes"

// fit says how a new number stands to the digits of the published one.
type fit struct {
	rounds    bool // rounded to the published digits, it is the published number
	truncates bool // cut off at the published digits, it is the published number
	coarse    bool // equal, but printed with fewer digits than were published
	tie       bool // half way between two numbers of the published digits
}

// asPrinted compares by SPEC.md CMP-22 and CMP-23, exactly.
func asPrinted(pub, new *number) fit {
	if pub.class != finite || new.class != finite {
		same := pub.class == new.class && (pub.class == notANumber || pub.neg == new.neg)
		return fit{rounds: same, truncates: same}
	}
	drop := pub.last - new.last
	if drop < 0 {
		return fit{coarse: equal(pub, new)}
	}
	keep := max(0, len(new.digits)-drop)
	whole, rest := new.digits[:keep], new.digits[keep:]
	half := -1 // of a unit of the last published digit: below
	if drop <= len(new.digits) {
		half = againstHalf(rest)
	}
	tie := half == 0
	if len(pub.digits) == 0 {
		return fit{rounds: keep == 0 && half <= 0, truncates: keep == 0, tie: tie}
	}
	if pub.neg != new.neg {
		return fit{}
	}
	same := bytes.Equal(whole, pub.digits)
	return fit{
		rounds:    same && half <= 0 || half >= 0 && isNext(whole, pub.digits),
		truncates: same,
		tie:       tie,
	}
}

// againstHalf compares 0.rest to one half.
func againstHalf(rest []byte) int {
	if len(rest) == 0 || rest[0] < '5' {
		return -1
	}
	if rest[0] > '5' || !zeros(rest[1:]) {
		return 1
	}
	return 0
}

func zeros(digits []byte) bool {
	return len(bytes.TrimLeft(digits, "0")) == 0
}

// isNext reports whether b = a + 1, both whole numbers without leading zeros.
func isNext(a, b []byte) bool {
	head := bytes.TrimRight(a, "9")
	if len(head) == 0 {
		return len(b) == len(a)+1 && b[0] == '1' && zeros(b[1:])
	}
	i := len(head) - 1
	return len(a) == len(b) && bytes.Equal(a[:i], b[:i]) && b[i] == a[i]+1 && zeros(b[i+1:])
}

// equal reports whether two finite numbers have one value.
func equal(a, b *number) bool {
	x, y := bytes.TrimRight(a.digits, "0"), bytes.TrimRight(b.digits, "0")
	if len(x) == 0 || len(y) == 0 {
		return len(x) == len(y)
	}
	return a.neg == b.neg && a.last+len(a.digits) == b.last+len(b.digits) && bytes.Equal(x, y)
}
