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
	for _, e := range p.Entries("claims", n) {
		c := Claim{Pos: form.At(e)}
		places := 0
		place := func(key string, read func(*form.Node)) form.Field {
			return form.May(key, func(v *form.Node) { places++; read(v) })
		}
		if p.Fields("claim", e, []form.Field{
			p.setText("name", true, &c.Name, checkName),
			form.Must("value", func(v *form.Node) { c.Value = p.number("value", v) }),
			form.May("text", func(v *form.Node) { c.Text, _ = p.Text("text", v) }),
			form.Must("output", func(v *form.Node) { c.Output = p.path("output", v, checkExact) }),
			place("cell", func(v *form.Node) { c.Cell = p.cell(v) }),
			place("pointer", func(v *form.Node) { c.Pointer = p.pointer(v) }),
			place("pattern", func(v *form.Node) { c.Pattern = p.pattern(v) }),
			form.May("compare", func(v *form.Node) { p.Fields("compare", v, p.tolerance(&c.Compare)[:4]) }),
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
	p.Fields("cell", n, []form.Field{
		form.Must("row", func(v *form.Node) { c.Row, _ = p.Value("row", v) }),
		form.Must("column", func(v *form.Node) { c.Column, _ = p.Value("column", v) }),
	})
	return &c
}

func (p *parser) pointer(n *form.Node) string {
	s, ok := p.OneLine("pointer", n)
	if ok && !strings.HasPrefix(s, "/") {
		p.Errorf(n, "pointer: %q: want a JSON pointer such as /fit/slope", form.Shorten(s))
	}
	return s
}

func (p *parser) pattern(n *form.Node) string {
	s, ok := p.OneLine("pattern", n)
	if !ok {
		return ""
	}
	re, err := regexp.Compile(s)
	switch {
	case err != nil:
		p.Errorf(n, "pattern: %q: not a regular expression: %v", form.Shorten(s), err)
	case re.NumSubexp() != 1:
		p.Errorf(n, "pattern: %q: want one group in parentheses, around the number", form.Shorten(s))
	}
	return s
}
