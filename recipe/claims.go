package recipe

import (
	"regexp"
	"strings"

	"repro/format/manifest"
	"repro/internal/form"
	"repro/internal/pattern"
)

// claims reads the numbers that the paper's text gives.
func (p *parser) claims(n *form.Node) []Claim {
	var claims []Claim
	for _, e := range p.List("claims", n, 0, MaxEntries) {
		c := Claim{Pos: form.At(e)}
		places := 0
		place := func(key string, read func(*form.Node)) form.Field {
			return form.May(key, func(v *form.Node) { places++; read(v) })
		}
		if p.Mapping("claim", e, []form.Field{
			form.Must("name", p.StoreLine("name", &c.Name, checkName)),
			form.Must("value", func(v *form.Node) { c.Value = p.number("value", v) }),
			form.May("text", func(v *form.Node) { c.Text, _ = p.Text("text", v) }),
			form.Must("output", func(v *form.Node) { c.Output = p.path("output", v, checkExact) }),
			place("cell", func(v *form.Node) { c.Cell = p.cell(v) }),
			place("pointer", p.StoreLine("pointer", &c.Pointer, checkPointer)),
			place("pattern", p.StoreLine("pattern", &c.Pattern, checkGroup)),
			form.May("compare", func(v *form.Node) { p.Mapping("compare", v, p.tolerance(&c.Compare)[:4]) }),
		}) && places != 1 {
			p.Errorf(e, "claim: want one of cell, pointer and pattern, to say where the new number stands")
		}
		claims = append(claims, c)
	}
	return claims
}

// numberForm is a number as SPEC.md CMP-20 has it, without NaN and infinities.
var numberForm = pattern.New(`^[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$`)

func (p *parser) number(what string, n *form.Node) string {
	s, ok := p.Value(what, n)
	if ok && (!numberForm.MatchString(s) || len(s) > 400) {
		p.Errorf(n, "%s: %q: want one number as it is printed, such as 0.0134, without units or thousands separators", what, form.Shorten(s))
	}
	return s
}

func (p *parser) cell(n *form.Node) *manifest.Cell {
	var c manifest.Cell
	p.Mapping("cell", n, []form.Field{
		form.Must("row", func(v *form.Node) { c.Row, _ = p.Value("row", v) }),
		form.Must("column", func(v *form.Node) { c.Column, _ = p.Value("column", v) }),
	})
	return &c
}

func checkPointer(s string) string {
	if !strings.HasPrefix(s, "/") {
		return "want a JSON pointer such as /fit/slope"
	}
	return ""
}

// checkGroup checks a regular expression that finds a number.
func checkGroup(s string) string {
	re, err := regexp.Compile(s)
	switch {
	case err != nil:
		return "not a regular expression: " + err.Error()
	case re.NumSubexp() != 1:
		return "want one group in parentheses, around the number"
	}
	return ""
}
