package compare

import (
	"bytes"

	"repro/compare/kinds"
	"repro/format/manifest"
)

// tabular reports whether text that has no extension of its own is a table
// with a delimiter by its first bytes (SPEC.md CMP-3a): at least two lines with
// equally many delimiters, and a column that holds numbers from the second
// line on. The rule must not speak of lines.
func tabular(kind string, start []byte, r manifest.Rule) bool {
	if kind != kinds.Text || len(r.Ignore)+len(r.Masks)+len(r.Only)+len(r.From)+len(r.To)+len(r.Blanks) > 0 {
		return false
	}
	start = bytes.TrimPrefix(start, []byte("\ufeff"))
	if len(start) >= kinds.Sniffed-3 { // the last line may be cut
		start = start[:bytes.LastIndexByte(start, '\n')+1]
	}
	comma := delimiter(start)
	rows := newRowReader(bytes.NewReader(start), comma, published)
	var numbers []bool
	for it, n := new(item), 0; ; n++ {
		if err := rows.read(it); err != nil {
			_, malformed := asContent(err)
			return !malformed && n > 1 && anyOf(numbers)
		}
		if n == 0 {
			numbers = make([]bool, len(it.cells))
			for i := range numbers {
				numbers[i] = true
			}
		}
		if len(it.cells) < 2 || len(it.cells) != len(numbers) {
			return false
		}
		for i := range numbers {
			numbers[i] = numbers[i] && (n == 0 || isNumber(it.value(i)))
		}
	}
}

func anyOf(all []bool) bool {
	for _, is := range all {
		if is {
			return true
		}
	}
	return false
}
