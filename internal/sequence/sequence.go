// Package sequence reads sequences of FASTA and FASTQ files, as programs of
// molecular biology write them.
package sequence

import (
	"strings"

	"repro/internal/badfile"
)

const maxRecords = 1 << 20

// Record is one sequence.
type Record struct {
	Name        string // the title up to its first blank
	Description string // what follows
	Letters     string // without line ends and blanks
	Quality     string // of FASTQ, a letter for each
}

func title(line string) Record {
	name, rest, _ := strings.Cut(strings.TrimRight(line, " \t"), " ")
	return Record{Name: name, Description: strings.TrimSpace(rest)}
}

// lines splits a text, whichever way its lines end.
func lines(text string) []string {
	text = strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	return strings.Split(text, "\n")
}

// ReadFASTA reads sequences that may stand on several lines. How long the lines
// are carries nothing.
func ReadFASTA(text string) ([]Record, error) {
	var out []Record
	var letters strings.Builder
	end := func() {
		if len(out) > 0 {
			out[len(out)-1].Letters = letters.String()
		}
		letters.Reset()
	}
	for _, line := range lines(text) {
		switch {
		case strings.HasPrefix(line, ">"):
			end()
			if len(out) == maxRecords {
				return nil, badfile.TooLarge("more than %d sequences", maxRecords)
			}
			out = append(out, title(line[1:]))
		case strings.HasPrefix(line, ";"): // a comment
		case len(out) == 0 && strings.TrimSpace(line) != "":
			return nil, badfile.Damaged("a sequence without a title")
		default:
			for word := range strings.FieldsSeq(line) {
				letters.WriteString(word)
			}
		}
	}
	if end(); len(out) == 0 {
		return nil, badfile.Damaged("it holds no sequence")
	}
	return out, nil
}

// ReadFASTQ reads sequences with a quality for each letter. Either may stand on
// several lines.
func ReadFASTQ(text string) ([]Record, error) {
	var out []Record
	all := lines(text)
	for at := 0; at < len(all); {
		if !strings.HasPrefix(all[at], "@") {
			return nil, badfile.Damaged("a sequence without a title")
		}
		if len(out) == maxRecords {
			return nil, badfile.TooLarge("more than %d sequences", maxRecords)
		}
		r := title(all[at][1:])
		var letters, quality strings.Builder
		for at++; at < len(all) && !strings.HasPrefix(all[at], "+"); at++ {
			letters.WriteString(strings.TrimSpace(all[at]))
		}
		if at == len(all) {
			return nil, badfile.Damaged("the sequence %q has no qualities", badfile.Shorten(r.Name))
		}
		for at++; at < len(all) && quality.Len() < letters.Len(); at++ {
			quality.WriteString(all[at])
		}
		if r.Letters, r.Quality = letters.String(), quality.String(); len(r.Letters) != len(r.Quality) {
			return nil, badfile.Damaged("the sequence %q has %d letters and %d qualities", badfile.Shorten(r.Name), len(r.Letters), len(r.Quality))
		}
		for at < len(all) && all[at] == "" && r.Letters == "" {
			at++
		}
		out = append(out, r)
	}
	return out, nil
}
