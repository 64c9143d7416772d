package compare

import (
	"bytes"
	"strconv"
	"strings"

	"repro/internal/pattern"
)

// minusSign is U+2212, which matplotlib and word processors write for "-".
var minusSign = []byte("\u2212")

// objectAddress is where an object lies in memory, as Python and R print
// objects that have no other name. Programs that people disassemble lie lower:
// addresses of fewer than nine digits may be results.
var objectAddress = pattern.New(`<[A-Za-z_][^<>]* at (0x[0-9a-fA-F]{9,16})>|<(?:environment|bytecode|pointer): (0x[0-9a-fA-F]{9,16})>`)

// plain is a line as it is compared (SPEC.md CMP-40a): the signs of its numbers
// are "-", its quotation marks those of ASCII, and addresses of objects are
// numbered in their order in the line, so that two that were one object remain one.
func plain(line []byte) []byte { return withoutAddresses(straight(withoutMinus(line))) }

// quotes are the marks that R and others write where the locale has them, and
// what they write where it has not.
var quotes = strings.NewReplacer("‘", "'", "’", "'", "“", `"`, "”", `"`)

// quoteStart is what all of them begin with in UTF-8.
var quoteStart = []byte("\xe2\x80")

func straight(line []byte) []byte {
	if !bytes.Contains(line, quoteStart) {
		return line
	}
	return []byte(quotes.Replace(string(line)))
}

func withoutMinus(line []byte) []byte {
	at := bytes.Index(line, minusSign)
	if at < 0 {
		return line
	}
	out := bytes.Clone(line[:at])
	for rest := line[at:]; len(rest) > 0; {
		after, found := bytes.CutPrefix(rest, minusSign)
		switch {
		case found && startsNumber(after):
			out, rest = append(out, '-'), after
		case found:
			out, rest = append(out, minusSign...), after
		default:
			out, rest = append(out, rest[0]), rest[1:]
		}
	}
	return out
}

func startsNumber(b []byte) bool {
	return len(b) > 0 && digit(b[0]) || len(b) > 1 && b[0] == '.' && digit(b[1])
}

func withoutAddresses(line []byte) []byte {
	if !bytes.Contains(line, []byte("0x")) || bytes.IndexByte(line, '<') < 0 {
		return line
	}
	all := objectAddress.Regexp().FindAllSubmatchIndex(line, -1)
	if len(all) == 0 {
		return line
	}
	numbers := map[string]int{}
	var out []byte
	at := 0
	for _, m := range all {
		from, to := m[2], m[3]
		if from < 0 {
			from, to = m[4], m[5]
		}
		address := string(line[from:to])
		if numbers[address] == 0 {
			numbers[address] = len(numbers) + 1
		}
		out = append(out, line[at:from]...)
		out = append(strconv.AppendInt(append(out, "\x00object"...), int64(numbers[address]), 10), 0)
		at = m[1] // with the bracket: what stands after it is no bound
	}
	return append(out, line[at:]...)
}

// thousands is a number with separators of thousands (SPEC.md CMP-40b) that cannot be anything
// else: two of them, or one and a decimal point.
var thousands = pattern.New(`[1-9][0-9]{0,2}(?:(?:,[0-9]{3}){2,}(?:\.[0-9]+)?|,[0-9]{3}\.[0-9]+)`)

// withoutThousands returns line without the separators of thousands of those
// numbers that the other line has without them, digit by digit. Nothing else
// is changed, so no tolerance ever applies to a number that is told so.
func withoutThousands(line, other []byte) []byte {
	if bytes.IndexByte(line, ',') < 0 {
		return line
	}
	all := thousands.Regexp().FindAllIndex(line, -1)
	var out []byte
	at := 0
	for _, m := range all {
		if !alone(line, m[0], m[1]) {
			continue
		}
		bare := bytes.ReplaceAll(line[m[0]:m[1]], []byte(","), nil)
		if !holdsNumber(other, bare) {
			continue
		}
		out = append(append(out, line[at:m[0]]...), bare...)
		at = m[1]
	}
	if out == nil {
		return line
	}
	return append(out, line[at:]...)
}

// alone reports whether nothing beside a number makes it part of a list or a
// longer word.
func alone(line []byte, from, to int) bool {
	for from > 0 && (line[from-1] == '-' || line[from-1] == '+') {
		from--
	}
	before, after := byte(' '), byte(' ')
	if from > 0 {
		before = line[from-1]
	}
	if to < len(line) {
		after = line[to]
	}
	if (after == '.' || after == ',') && (to+1 == len(line) || line[to+1] == ' ') { // of a sentence
		after = ' '
	}
	return !partOfNumber(before) && !partOfNumber(after) && bytes.IndexByte([]byte("([{"), before) < 0 && bytes.IndexByte([]byte(")]}"), after) < 0
}

func partOfNumber(c byte) bool {
	return parts[c] == word || parts[c] == wide || c == '.' || c == ',' || c == '\'' || c == ':' || c == '/'
}

// holdsNumber reports whether a number stands in line, as it is.
func holdsNumber(line, number []byte) bool {
	for at := 0; ; {
		i := bytes.Index(line[at:], number)
		if i < 0 {
			return false
		}
		from := at + i
		if alone(line, from, from+len(number)) {
			return true
		}
		at = from + 1
	}
}
