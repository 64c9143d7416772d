package compare

import "testing"

// TestDecimalCommas: one cell may prove that commas are decimal points, and one
// that they are not.
func TestDecimalCommas(t *testing.T) {
	for _, c := range []struct {
		cells []string
		want  bool
	}{
		{[]string{"5,13"}, true},
		{[]string{"0,125"}, true},    // no thousands begin with 0
		{[]string{"1,234"}, false},   // may be either
		{[]string{"1234,567"}, true}, // thousands have three digits before
		{[]string{"1,5e-05"}, true},
		{[]string{"−5,13"}, true},
		{[]string{"5,13", "1.5"}, false},
		{[]string{"5,13", "7", "a,b", "x"}, true},
		{[]string{"5,13", "1.234,5"}, false},
		{[]string{"5,13", "1,2,3"}, false},
		{[]string{"5,13", "2,5 (0,1)"}, false},
		{nil, false},
	} {
		var d decimals
		for _, cell := range c.cells {
			d.add([]byte(cell))
		}
		if d.comma() != c.want {
			t.Errorf("%q: %v, want %v", c.cells, d.comma(), c.want)
		}
	}
}

// TestForeignPoint: where decimal points are commas, a point is none.
func TestForeignPoint(t *testing.T) {
	for _, commas := range []bool{false, true} {
		c := &table{commas: commas}
		if got := c.foreign([]byte("5.13")); got != commas {
			t.Errorf("commas %v: 5.13 is foreign: %v", commas, got)
		}
		want := map[bool]string{false: "5,13", true: "5.13"}[commas]
		if got := string(c.read([]byte("5,13"))); got != want {
			t.Errorf("commas %v: 5,13 is read as %s", commas, got)
		}
	}
	c := &table{commas: true}
	for _, text := range []string{"5", "v1.5", "x.y"} {
		if c.foreign([]byte(text)) || string(c.read([]byte(text))) != text {
			t.Errorf("%s is foreign, or read as another", text)
		}
	}
}

func TestMissingOneWay(t *testing.T) {
	for _, c := range []struct {
		cells []string
		want  bool
	}{
		{[]string{"1", "NA"}, true},
		{[]string{"1", ""}, true},
		{[]string{"1"}, false},
		{[]string{"NA"}, false},
		{[]string{"1", "NA", ""}, false},
		{[]string{"1", "NA", "x"}, false},
		{[]string{"1", "na"}, false},
	} {
		var m missing
		for _, cell := range c.cells {
			m.add([]byte(cell), isNumber([]byte(cell)))
		}
		if m.oneWay() != c.want {
			t.Errorf("%q: %v", c.cells, m.oneWay())
		}
	}
}

// TestRaised: two stars are a power only before what can be an exponent.
func TestRaised(t *testing.T) {
	for text, want := range map[string]bool{
		"10.5**3": true, "10.5**(n)": true, "10.5**-3": true, "10.5**x": true, "10.5^3": true, "10.5^{-3}": true,
		"10.5**": false, "10.5***": false, "10.5** 3": false, "10.5**,": false, "10.5*3": false,
	} {
		toks := tokenize([]byte(text), nil)
		if got := !toks[0].number; got != want {
			t.Errorf("%s: a power: %v", text, got)
		}
	}
}
