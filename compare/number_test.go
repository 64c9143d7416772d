package compare

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestIsNumber(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-0": true, "1": true, "+1": true, "10": true, "1.5": true, ".5": true, "5.": true, "-.5": true,
		"1e5": true, "1E+05": true, "1.5D+03": true, "1d-3": true, "5.E+03": true, "0.0e0": true, "1e999": true,
		"nan": true, "NaN": true, "-nan": true, "inf": true, "-Infinity": true, "+Inf": true,
		"": false, "+": false, ".": false, "-.": false, "e5": false, "1e": false, "1e+": false, "1.2.3": false,
		"007": false, "01.5": false, "00": false, "0x1F": false, "1_000": false, "1,000": false, "12ab": false, "1e1000": false,
		"nano": false, "info": false, "0.123-105": false, "1e5.5": false, "--1": false, "１": false,
		strings.Repeat("1", maxDigits): true, strings.Repeat("1", maxDigits+1): false,
	} {
		if got := isNumber([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestSignificant(t *testing.T) {
	for text, want := range map[string]int{
		"0": 1, "0.0": 1, "0.000": 3, "0.00000000000000E+00": 14, "1": 1, "100": 3, "1.50": 3, "0.00150": 3,
		"2.10000000000000E+01": 15, "-0.262323073774029": 15, "nan": 0, ".5": 1, "5.": 1, "10.5": 3,
	} {
		var n number
		if !n.parse([]byte(text)) || n.significant() != want {
			t.Errorf("%q: %d digits, want %d", text, n.significant(), want)
		}
		var s shape
		if !s.scan([]byte(text)) || s.significant() != want {
			t.Errorf("%q: %d digits while scanning, want %d", text, s.significant(), want)
		}
	}
}

func TestAsPrinted(t *testing.T) {
	const R, C, K = "rounds", "cut", "coarse"
	for _, c := range []struct{ pub, new, want string }{
		{"1.23", "1.23", R + C},
		{"1.23", "1.2349", R + C},
		{"1.23", "1.235", R + C}, // a tie may go either way
		{"1.24", "1.235", R},
		{"1.23", "1.2351", C},
		{"1.23", "1.225", R},
		{"1.23", "1.2249", ""},
		{"1.23", "1.24", ""},
		{"1.23", "1.230000000", R + C},
		{"1.23", "1.2", ""},
		{"1.20", "1.2", K},
		{"21.0000", "21", K},
		{"100", "1e2", K},
		{"1e2", "100", R + C},
		{"10.00", "9.996", R},
		{"9.99", "9.996", C},
		{"1000", "999.5", R},
		{"1000", "999.4", ""},
		{"0", "0.4", R + C},
		{"0", "0.6", C},
		{"0", "-0.5", R + C},
		{"1", "0.5", R},
		{"1", "-0.5", ""},
		{"1", "-1", ""},
		{"0.0", "-0.0", R + C},
		{"-0.0", "0.04", R + C},
		{"0.00", "0.005", R + C},
		{"0.01", "0.005", R},
		{"0.1", "0.09", R},
		{"0.1", "0.0950", R},
		{"0.1", "0.0500", R},
		{"0.1", "0.0499", ""},
		{"1.5D+03", "1500", R + C},
		{"0.429796848199937E-03", "4.297968481999370E-04", R + C},
		{"nan", "NaN", R + C},
		{"nan", "-nan", R + C},
		{"nan", "1", ""},
		{"inf", "Infinity", R + C},
		{"inf", "-inf", ""},
		{"99", "99.5", R + C},
	} {
		var p, n number
		p.parse([]byte(c.pub))
		n.parse([]byte(c.new))
		f := asPrinted(&p, &n)
		got := ""
		for _, x := range []struct {
			is   bool
			name string
		}{{f.rounds, R}, {f.truncates, C}, {f.coarse, K}} {
			if x.is {
				got += x.name
			}
		}
		if got != c.want {
			t.Errorf("published %s, new %s: %q, want %q", c.pub, c.new, got, c.want)
		}
	}
}

// TestAsPrintedExactly holds asPrinted and between against rational numbers.
func TestAsPrintedExactly(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		pub := randomNumber(r)
		fresh := nearNumber(r, pub)
		var p, n number
		if !p.parse([]byte(pub)) || !n.parse([]byte(fresh)) {
			t.Fatalf("%s or %s is no number", pub, fresh)
		}
		x, y := rational(pub), rational(fresh)
		unit := power(p.last)
		gap := new(big.Rat).Sub(y, x)
		half := new(big.Rat).Quo(unit, big.NewRat(2, 1))
		f := asPrinted(&p, &n)
		fine := n.last <= p.last
		if want := fine && new(big.Rat).Abs(gap).Cmp(half) <= 0; f.rounds != want {
			t.Fatalf("published %s, new %s: rounds %v", pub, fresh, f.rounds)
		}
		if want := !fine && gap.Sign() == 0; f.coarse != want {
			t.Fatalf("published %s, new %s: coarse %v", pub, fresh, f.coarse)
		}
		d := between(&p, &n)
		gap.Abs(gap)
		limit := randomNumber(r)
		limit = strings.TrimPrefix(limit, "-")
		var l number
		l.parse([]byte(limit))
		if got, want := d.atMost(&l, nil), gap.Cmp(rational(limit)) <= 0; got != want {
			t.Fatalf("|%s - %s| at most %s: %v", pub, fresh, limit, got)
		}
		if got, want := d.atMost(&l, &p), gap.Cmp(new(big.Rat).Mul(new(big.Rat).Abs(x), rational(limit))) <= 0; got != want && x.Sign() != 0 {
			t.Fatalf("|%s - %s| at most %s of it: %v", pub, fresh, limit, got)
		}
	}
}

func rational(text string) *big.Rat {
	x, _ := new(big.Rat).SetString(text)
	return x
}

func power(n int) *big.Rat { return rational(fmt.Sprintf("1e%d", n)) }

func randomNumber(r *rand.Rand) string {
	decimals := r.IntN(8)
	var whole string
	switch r.IntN(4) {
	case 0:
		whole = "0"
	case 1:
		whole = fmt.Sprint(r.IntN(12))
	default:
		whole = fmt.Sprint(r.Int64N(1_000_000))
	}
	text := whole
	if decimals > 0 {
		text += "."
		for range decimals {
			text += string(rune('0' + []int{0, 9, r.IntN(10), r.IntN(10)}[r.IntN(4)]))
		}
	}
	if r.IntN(3) == 0 {
		text = "-" + text
	}
	if r.IntN(4) == 0 {
		text += fmt.Sprintf("e%d", r.IntN(30)-15)
	}
	return text
}

// nearNumber is close to text, often at the edge of rounding to it.
func nearNumber(r *rand.Rand, text string) string {
	if r.IntN(8) == 0 {
		return randomNumber(r)
	}
	var n number
	n.parse([]byte(text))
	x := rational(text)
	step := new(big.Rat).Mul(power(n.last), big.NewRat(int64(r.IntN(31)-15), 10))
	x.Add(x, step)
	if r.IntN(3) == 0 {
		x.Add(x, new(big.Rat).Mul(power(n.last-3), big.NewRat(int64(r.IntN(5)-2), 1)))
	}
	decimals := max(0, -n.last) + r.IntN(6) - 1
	return x.FloatString(max(0, decimals))
}

func TestDigits(t *testing.T) {
	for _, c := range []struct {
		pub, new string
		digits   string
	}{
		{"2.10000000000000E+01", "2.100081188781877E+01", "4.4"},
		{"0.999993745883712", "0.999993745883711", "14.9"},
		{"1.5", "-1.5", "0.0"},
		{"0.000", "0.0001", "3.0"},
		{"0.000", "0.02", "1.6"},
		{"21.0000", "21", "2.0"},
		{"21.0000", "21.0", "3.0"},
	} {
		f := finding(t, "a.txt", c.pub+"\n", c.new+"\n", ruleOf(0))
		if f.Digits == nil || f.Differing > 0 && f.Digits.Obtained != c.digits {
			t.Errorf("published %s, new %s: %+v, want %s", c.pub, c.new, f.Digits, c.digits)
		}
	}
}

func TestULPs(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want uint64
	}{{"1", "1", 0}, {"1", "1.0000000000000002", 1}, {"0", "-0.0", 0}, {"0", "5e-324", 1}, {"-5e-324", "5e-324", 2}, {"0.1", "0.10000000000000002", 1}} {
		var a, b number
		a.parse([]byte(c.a))
		b.parse([]byte(c.b))
		if got := ulps(&a, &b); got != c.want {
			t.Errorf("%s to %s: %d steps, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestTokenize(t *testing.T) {
	for line, want := range map[string]string{
		"x = 1.5":                   "x|=|<1.5>",
		"x=1.5,y=2.5;":              "x=|<1.5>|,y=|<2.5>|;",
		"(1.5,2.5)":                 "(|<1.5>|,|<2.5>|)",
		"1,234":                     "1,234",
		"1,234.5":                   "1,234.5",
		"1.5,234":                   "1.5,234",
		"1.5e3,2.0":                 "<1.5e3>|,|<2.0>",
		"SmLs07,F,2.1E+01":          "SmLs07,F,|<2.1E+01>",
		"SmLs07 v1.2 3D 1st":        "SmLs07|v1.2|3D|1st",
		"2024-01-05 10:30:25":       "2024-01-05|10:30:25",
		"192.168.0.1 1.2.3":         "192.168.0.1|1.2.3",
		"p<0.05.":                   "p<|<0.05>|.",
		"0.05±0.01 12% $3.50":       "<0.05>|±|<0.01>|<12>|%|$|<3.50>",
		"loss:0.5 at 10:30":         "loss:|<0.5>|at|10:30",
		"5-10 x-1 -1 +1":            "<5>|-|<10>|x-1|<-1>|<+1>",
		"[1] 'a' '2.5'":             "[|<1>|]|'a'|'|<2.5>|'",
		"1 234 1\u00a0234":          "<1>|<234>|1\u00a0234",
		"1'234 −1":                  "1'234|−1",
		"10ms 5kg 3/10":             "10ms|5kg|3/10",
		"1.2×10^3":                  "<1.2>|×|10|^|3",
		"nan inf -Inf NA":           "<nan>|<inf>|<-Inf>|NA",
		"a\t1.5\t-2":                "a|<1.5>|<-2>",
		"007 0.5 .5 5.":             "007|<0.5>|<.5>|<5>|.",
		"{1,-2}":                    "{|<1>|,|<-2>|}",
		"\xff1.5":                   "\xff1.5",
		"0x1F 1e5 1e1000 1.5D+03":   "0x1F|<1e5>|1e1000|<1.5D+03>",
		"":                          "",
		"mean=1.5(0.2) & 3.1 \\\\":  "mean=|<1.5>|(|<0.2>|)|&|<3.1>|\\\\",
		"/usr/lib/1.2 10.5/20.5 a:": "/usr/lib/1.2|10.5/20.5|a:",
	} {
		var parts []string
		for _, tok := range tokenize([]byte(line), nil) {
			part := string(tok.of([]byte(line)))
			if tok.number {
				part = "<" + part + ">"
			}
			parts = append(parts, part)
		}
		if got := strings.Join(parts, "|"); got != want {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}
