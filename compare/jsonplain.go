package compare

import (
	"fmt"
	"strings"
)

// plain prints a value as JSON.
func (v *value) plain() string {
	var b strings.Builder
	v.print(&b)
	return b.String()
}

func (v *value) print(b *strings.Builder) {
	switch v.kind {
	case jsonArray:
		b.WriteByte('[')
		for i := range v.elem {
			if i > 0 {
				b.WriteByte(',')
			}
			v.elem[i].print(b)
		}
		b.WriteByte(']')
	case jsonObject:
		b.WriteByte('{')
		for i := range v.elem {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(jsonText(v.keys[i]) + ":")
			v.elem[i].print(b)
		}
		b.WriteByte('}')
	case jsonString:
		b.WriteString(jsonText(string(v.text)))
	case jsonNumber:
		b.Write(v.text)
	case jsonNull:
		b.WriteString("null")
	default:
		fmt.Fprint(b, v.kind == jsonTrue)
	}
}

// jsonText is a JSON string for a text that this package read from one.
func jsonText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c < 0x20 || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\u%04x`, c)
			continue
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String()
}
