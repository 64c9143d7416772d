// Package vcf reads variants of VCF files (The Variant Call Format, version 4.x,
// hts-specs), as programs of genetics write them.
package vcf

import (
	"slices"
	"strings"

	"repro/internal/badfile"
)

const (
	maxRecords = 1 << 18
	fixed      = 8 // columns before FORMAT and the samples
)

// File is what a file holds.
type File struct {
	Meta    []string // lines of the header, without those that say when and by what it was made
	Samples []string
	Records []Record
}

// Record is one variant.
type Record struct {
	Fixed   [fixed - 1]string // CHROM POS ID REF ALT QUAL FILTER
	Info    []Pair
	Format  []string
	Samples [][]string // by sample, in the order of Format
}

// Pair is an entry of INFO; a flag has no values.
type Pair struct {
	Key    string
	Values []string
}

// Columns are the names of Record.Fixed.
var Columns = [fixed - 1]string{"CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER"}

// made are keys of the header that say when and by what a file was made.
var made = []string{"fileDate", "source", "commandline", "reference", "cmdline"}

// carriesNothing reports lines of the header that say when a file was made, by
// what and with which options: bcftools, GATK and others add their own.
func carriesNothing(line string) bool {
	key, _, _ := strings.Cut(strings.TrimPrefix(line, "##"), "=")
	key = strings.ToLower(key)
	if slices.ContainsFunc(made, func(m string) bool { return strings.ToLower(m) == key }) {
		return true
	}
	return strings.HasSuffix(key, "command") || strings.HasSuffix(key, "version") && key != "fileformat" || strings.HasPrefix(key, "gatkcommandline") || strings.HasSuffix(key, "cmd")
}

// Read reads a file.
func Read(text string) (*File, error) {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	if !strings.HasPrefix(lines[0], "##fileformat=VCF") {
		return nil, badfile.Damaged("it does not begin as one")
	}
	f := &File{}
	columns := 0
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "##"):
			if columns > 0 {
				return nil, badfile.Damaged("a line of the header stands after it")
			}
			if !carriesNothing(line) {
				f.Meta = append(f.Meta, line)
			}
		case strings.HasPrefix(line, "#CHROM\t"):
			names := strings.Split(line, "\t")
			if columns = len(names); columns < fixed {
				return nil, badfile.Damaged("the header has %d columns", columns)
			}
			f.Samples = names[min(len(names), fixed+1):]
		case columns == 0:
			return nil, badfile.Damaged("a variant stands before the names of the columns")
		default:
			r, err := record(line, columns)
			if err != nil {
				return nil, err
			}
			if len(f.Records) == maxRecords {
				return nil, badfile.TooLarge("more than %d variants", maxRecords)
			}
			f.Records = append(f.Records, r)
		}
	}
	if columns == 0 {
		return nil, badfile.Damaged("the names of its columns are not there")
	}
	return f, nil
}

func record(line string, columns int) (Record, error) {
	var r Record
	cells := strings.Split(line, "\t")
	if len(cells) != columns {
		return r, badfile.Damaged("a variant has %d columns of %d", len(cells), columns)
	}
	copy(r.Fixed[:], cells)
	if info := cells[fixed-1]; info != "." {
		for entry := range strings.SplitSeq(info, ";") {
			key, value, has := strings.Cut(entry, "=")
			p := Pair{Key: key}
			if has {
				p.Values = strings.Split(value, ",")
			}
			r.Info = append(r.Info, p)
		}
		slices.SortStableFunc(r.Info, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	}
	if columns > fixed {
		r.Format = strings.Split(cells[fixed], ":")
	}
	for _, cell := range cells[min(len(cells), fixed+1):] {
		values := strings.Split(cell, ":")
		if len(values) > len(r.Format) {
			return r, badfile.Damaged("a sample has %d values of %d", len(values), len(r.Format))
		}
		r.Samples = append(r.Samples, values)
	}
	return r, nil
}
