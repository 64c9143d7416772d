package diff

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"repro/report"
)

func parse(t *testing.T, s string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

// TestValues: values are found by key, elements by the name that each has.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want []report.DiffValue
	}{
		{`{"x": 1}`, `{"x": 1}`, nil},
		{`{"x": 1}`, `{"x": 2}`, []report.DiffValue{{Where: "x", A: "1", B: "2"}}},
		{`{"x": 1}`, `{"x": 1.0}`, []report.DiffValue{{Where: "x", A: "1", B: "1.0"}}},
		{`{"x": 1}`, `{}`, []report.DiffValue{{Where: "x", A: "1"}}},
		{`{}`, `{"x": true}`, []report.DiffValue{{Where: "x", B: "true"}}},
		{`{"x": {"y": [1, 2]}}`, `{"x": {"y": [1, 3, 4]}}`, []report.DiffValue{{Where: "x/y/1", A: "2", B: "3"}, {Where: "x/y/2", B: "4"}}},
		{`{"x": {"y": 1}}`, `{}`, []report.DiffValue{{Where: "x/y", A: "1"}}},
		{`{"x": {"y": 1}}`, `{"x": "y"}`, []report.DiffValue{{Where: "x", A: "map[y:1]", B: "y"}}},
		{`{"s": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]}`, `{"s": [{"name": "b", "v": 2}, {"name": "a", "v": 1}]}`, nil},
		{`{"s": [{"name": "a", "v": 1}]}`, `{"s": [{"name": "b", "v": 1}]}`, []report.DiffValue{
			{Where: "s/a/name", A: "a"}, {Where: "s/a/v", A: "1"}, {Where: "s/b/name", B: "b"}, {Where: "s/b/v", B: "1"}}},
		{`{"s": [{"name": "a", "v": 1}, {"name": "a", "v": 2}]}`, `{"s": [{"name": "a", "v": 1}, {"name": "a", "v": 3}]}`,
			[]report.DiffValue{{Where: "s/a'/v", A: "2", B: "3"}}},
	} {
		d := differTo(100)
		d.value(nil, parse(t, c.a), parse(t, c.b))
		if !slices.Equal(d.report.Values, c.want) || d.report.Omitted != 0 {
			t.Errorf("%s and %s:\n%+v\nwant %+v", c.a, c.b, d.report.Values, c.want)
		}
	}
}

// TestNatural: element 10 comes after element 9.
func TestNatural(t *testing.T) {
	keys := []string{"10", "9", "b", "2", "a", "100", ""}
	slices.SortFunc(keys, natural)
	if want := []string{"", "2", "9", "10", "100", "a", "b"}; !slices.Equal(keys, want) {
		t.Errorf("%q, want %q", keys, want)
	}
}

// TestLongValues: a difference far into a long value is found, and shown.
func TestLongValues(t *testing.T) {
	long := repeat("x", maxValue)
	for _, c := range []struct {
		name, a, b, showA, showB string
	}{
		{"short", "a", "b", "a", "b"},
		{"at the bound", long, long[1:] + "y", long, long[1:] + "y"},
		{"at the end", long + "1", long + "2", "…" + long[:100] + "1", "…" + long[:100] + "2"},
		{"cut short", long + "1", long, "…" + long[:100] + "1", "…" + long[:100]},
		{"at the start", "1" + long + long, "2" + long + long, "1" + long[1:] + "…", "2" + long[1:] + "…"},
		{"in a letter", "é" + long, "è" + long, "é" + long[2:] + "…", "è" + long[2:] + "…"},
	} {
		d := differTo(9)
		d.value([]string{"v"}, c.a, c.b)
		if want := []report.DiffValue{{Where: "v", A: c.showA, B: c.showB}}; !slices.Equal(d.report.Values, want) {
			t.Errorf("%s: %+v, want %+v", c.name, d.report.Values, want)
		}
	}
	b := plainSpec()
	a := plainSpec()
	a.manifest.Paper.Abstract, b.manifest.Paper.Abstract = long+"one", long+"two"
	if r := images(t, a, b, Options{}); r.Verdict != report.Differs || len(r.Values) != 1 {
		t.Errorf("two abstracts that differ after %d bytes: %s", maxValue, r.Verdict)
	}
}
