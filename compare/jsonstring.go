package compare

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string.
func (p *jsonReader) text() ([]byte, error) {
	p.at++
	from, plain := p.at, true
	for p.at < len(p.b) {
		switch c := p.b[p.at]; {
		case c == '"':
			raw := p.b[from:p.at]
			p.at++
			if plain {
				return raw, nil
			}
			return p.unescape(raw)
		case c == '\\':
			plain = false
			p.at++
		case c < 0x20:
			return nil, p.wrong("a control character in a string")
		}
		p.at++
	}
	return nil, p.wrong("a string is not closed")
}

const escapes, escaped = `"\/bfnrt`, "\"\\/\b\f\n\r\t"

func (p *jsonReader) unescape(raw []byte) ([]byte, error) {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		if raw[i] == 'u' {
			r, used := hexRune(raw[i-1:])
			if used == 0 {
				return nil, p.wrong(`\u wants four hexadecimal digits`)
			}
			out = appendWTF8(out, r)
			i += used - 2
			continue
		}
		at := strings.IndexByte(escapes, raw[i])
		if at < 0 {
			return nil, p.wrong("unknown escape \\%s", string(raw[i]))
		}
		out = append(out, escaped[at])
	}
	return out, nil
}

// hexRune reads \uXXXX, or two of them that make one character.
func hexRune(b []byte) (rune, int) {
	r, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		if low, ok := hex4(b[6:]); ok {
			if whole := utf16.DecodeRune(r, low); whole != utf8.RuneError {
				return whole, 12
			}
		}
	}
	return r, 6
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(v), err == nil
}

// appendWTF8 encodes r, and half a surrogate pair as its three bytes
// (https://simonsapin.github.io/wtf-8/).
func appendWTF8(out []byte, r rune) []byte {
	if !utf16.IsSurrogate(r) {
		return utf8.AppendRune(out, r)
	}
	return append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0xBF, 0x80|byte(r)&0x3F)
}
