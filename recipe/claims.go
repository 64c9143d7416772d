package recipe

import (
	"regexp"
	"strings"

	"repro/record"

	"go.yaml.in/yaml/v3"
)

// claims reads the numbers that the paper's text gives.
func (p *parser) claims(n *yaml.Node) []Claim {
	var claims []Claim
	for _, e := range p.list("claims", n) {
		c := Claim{Pos: at(e)}
		places := 0
		place := func(key string, read func(*yaml.Node)) field {
			return field{key, false, func(v *yaml.Node) { places++; read(v) }}
		}
		if p.mapping("claim", e, []field{
			p.setText("name", true, &c.Name, checkName),
			{"value", true, func(v *yaml.Node) { c.Value = p.number("value", v) }},
			{"text", false, func(v *yaml.Node) { c.Text, _ = p.text("text", v) }},
			{"output", true, func(v *yaml.Node) { c.Output = p.path("output", v, checkExact) }},
			place("cell", func(v *yaml.Node) { c.Cell = p.cell(v) }),
			place("pointer", func(v *yaml.Node) { c.Pointer = p.pointer(v) }),
			place("pattern", func(v *yaml.Node) { c.Pattern = p.pattern(v) }),
			{"compare", false, func(v *yaml.Node) { p.mapping("compare", v, p.tolerance(&c.Compare)[:4]) }},
		}) && places != 1 {
			p.errorf(at(e), "claim: want one of cell, pointer and pattern, to say where the new number stands")
		}
		claims = append(claims, c)
	}
	return claims
}

// numberForm is a number as SPEC.md CMP-20 has it, without NaN and infinities.
var numberForm = regexp.MustCompile(`^[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$`)

func (p *parser) number(what string, n *yaml.Node) string {
	s, ok := p.value(what, n)
	if ok && (!numberForm.MatchString(s) || len(s) > 400) {
		p.errorf(at(n), "%s: %q: want one number as it is printed, such as 0.0134, without units or thousands separators", what, shorten(s))
	}
	return s
}

func (p *parser) cell(n *yaml.Node) *record.Cell {
	var c record.Cell
	p.mapping("cell", n, []field{
		{"row", true, func(v *yaml.Node) { c.Row, _ = p.value("row", v) }},
		{"column", true, func(v *yaml.Node) { c.Column, _ = p.value("column", v) }},
	})
	return &c
}

func (p *parser) pointer(n *yaml.Node) string {
	s, ok := p.line("pointer", n)
	if ok && !strings.HasPrefix(s, "/") {
		p.errorf(at(n), "pointer: %q: want a JSON pointer such as /fit/slope", shorten(s))
	}
	return s
}

func (p *parser) pattern(n *yaml.Node) string {
	s, ok := p.line("pattern", n)
	if !ok {
		return ""
	}
	re, err := regexp.Compile(s)
	switch {
	case err != nil:
		p.errorf(at(n), "pattern: %q: not a regular expression: %v", shorten(s), err)
	case re.NumSubexp() != 1:
		p.errorf(at(n), "pattern: %q: want one group in parentheses, around the number", shorten(s))
	}
	return s
}
