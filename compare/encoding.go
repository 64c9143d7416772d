package compare

import "unicode/utf8"

// windows1252 is what the bytes 0x80 to 0x9f stand for in Windows-1252, as the
// WHATWG Encoding Standard has it; what it has none for keeps its number.
var windows1252 = [...]rune{
	'€', 0x81, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0x8d, 'Ž', 0x8f,
	0x90, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0x9d, 'ž', 'Ÿ',
}

// inUnicode is a line in UTF-8: one that is none is read as Windows-1252, which
// holds ISO 8859-1 (SPEC.md CMP-40c). Different lines that are no UTF-8 remain
// different, and one in another encoding becomes words that nobody wrote.
func inUnicode(line []byte) []byte {
	if utf8.Valid(line) {
		return line
	}
	out := make([]byte, 0, len(line)+len(line)/4)
	for _, c := range line {
		switch {
		case c >= 0x80 && c < 0xa0:
			out = utf8.AppendRune(out, windows1252[c-0x80])
		default:
			out = utf8.AppendRune(out, rune(c))
		}
	}
	return out
}
