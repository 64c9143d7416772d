package kinds

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table into SPEC.md and recipe/schema.json")

// every is all options, in the order in which the schema names them.
var every = []string{"digits", "relative", "absolute", "ulp", "norm", "numbers", "whole",
	"keys", "columns", "omit", "signs", "random", "spread", "score", "ignore", "masks", "only", "from", "to", "blanks", "cells"}

// TestDocuments holds SPEC.md and the recipe's schema against the table.
func TestDocuments(t *testing.T) {
	for _, d := range []struct {
		file  string
		parts map[string]string // pattern with two groups, around what is written → that
	}{
		{"../../SPEC.md", map[string]string{`(?s)(\n  \| kind \| begins with [^\n]*\n  \|[-|]*\n).*?(\n\n)`: specRows()}},
		{"../../recipe/schema.json", map[string]string{
			`(?s)("dependentRequired": \{"to": \["from"\]\},\n +"anyOf": \[\n).*?(\n +\]\n)`: schemaRules(),
			`("kind": \{"enum": \[).*?(\]\}\n  \})`:                                          quoted(Names()),
		}},
	} {
		b, err := os.ReadFile(d.file)
		if err != nil {
			t.Fatal(err)
		}
		want := b
		for pattern, text := range d.parts {
			re := regexp.MustCompile(pattern)
			if n := len(re.FindAll(want, -1)); n != 1 {
				t.Fatalf("%s: %d places for the table of kinds: %s", d.file, n, pattern)
			}
			want = re.ReplaceAll(want, []byte("${1}"+strings.ReplaceAll(text, "$", "$$")+"${2}"))
		}
		switch {
		case bytes.Equal(b, want):
		case *update:
			if err := os.WriteFile(d.file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s does not say of kinds what their table says: go test ./compare/kinds -update", d.file)
		}
	}
}

// specRows is the table of CMP-7.
func specRows() string {
	var rows []string
	for _, k := range table {
		begins, next := k.Begins, k.Next
		if begins == "" {
			var starts []string
			for _, s := range k.Starts {
				starts = append(starts, beginning(s))
			}
			begins = strings.Join(starts, ", ")
		}
		if next != "" && next != Unread {
			next = "`" + next + "`"
		}
		if next == Unread {
			next = "CMP-130"
		}
		var extensions []string
		for ext := range strings.FieldsSeq(k.Extensions) {
			extensions = append(extensions, "`"+ext+"`")
		}
		rows = append(rows, fmt.Sprintf("  | `%s` | %s | %s | %s | %s |", k.Name, begins, strings.Join(extensions, " "), next, optionsInWords(k.Options)))
	}
	return strings.Join(rows, "\n")
}

// beginning shows bytes: runs of letters as they are, others in hexadecimal.
func beginning(s string) string {
	var parts []string
	text := ""
	end := func() {
		if text != "" {
			parts, text = append(parts, "`"+text+"`"), ""
		}
	}
	for _, c := range []byte(s) {
		if c > ' ' && c < 0x7f && c != '`' && c != '|' || c == ' ' && text != "" {
			text += string(rune(c))
			continue
		}
		end()
		parts = append(parts, fmt.Sprintf("%02x", c))
	}
	end()
	return strings.Join(parts, " ")
}

// optionsInWords names options, those for numbers as *n*.
func optionsInWords(options []string) string {
	var out []string
	for _, o := range options {
		if !slices.Contains(forNumbers, o) {
			out = append(out, o)
		} else if !slices.Contains(out, "*n*") {
			out = append(out, "*n*")
		}
	}
	if out == nil {
		return "none"
	}
	return strings.Join(out, ", ")
}

// schemaRules is one rule for each set of options, naming those that do not go
// with its kinds.
func schemaRules() string {
	var order []string
	names := map[string][]string{}
	for _, k := range table {
		key := ""
		for _, o := range every {
			if !k.Takes(o) {
				key += fmt.Sprintf(", %q: false", o)
			}
		}
		if k.Holds {
			key = "!" + key
		}
		if names[key] == nil {
			order = append(order, key)
		}
		names[key] = append(names[key], k.Name)
	}
	var out []string
	for _, key := range order {
		required := ""
		unfit, holds := strings.CutPrefix(key, "!")
		if holds {
			required = `"required": ["kind"], `
		}
		out = append(out, fmt.Sprintf(`                  {%s"properties": {"kind": {"enum": [%s]}%s}}`, required, quoted(names[key]), unfit))
	}
	return strings.Join(out, ",\n")
}

func quoted(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }

// TestTable holds what each row must have.
func TestTable(t *testing.T) {
	seen := map[string]bool{Unread: true}
	for _, k := range table {
		if seen[k.Name] || k.Name == "" || k.Words == "" {
			t.Errorf("%q stands twice, or has no name in words", k.Name)
		}
		seen[k.Name] = true
		if k.Next != Unread && Of(k.Next).Name == "" && k.Name != Exact {
			t.Errorf("%s: what is tried next, %q, is no kind", k.Name, k.Next)
		}
		for _, o := range k.Options {
			if !slices.Contains(every, o) {
				t.Errorf("%s: there is no option %q", k.Name, o)
			}
		}
		for ext := range strings.FieldsSeq(k.Extensions) {
			if ext[0] != '.' || ext != strings.ToLower(ext) {
				t.Errorf("%s: extension %q", k.Name, ext)
			}
		}
	}
	for _, k := range table { // a chain of what is tried next ends
		for n := 0; k.Next != "" && k.Next != Unread; n++ {
			if k = Of(k.Next); n > len(table) {
				t.Fatalf("%s leads to itself", k.Name)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	tar := string(make([]byte, 257)) + "ustar"
	for _, c := range []struct{ name, start, want string }{
		{"a.PNG", "\x89PNG\r\n\x1a\n\x00", "png"},
		{"a.png", "\x89PNX\r\n\x1a\n\x00", "exact"},
		{"a.txt", "\x89PNG\r\n\x1a\n", Unread},
		{"a.csv", "a,b\n", "csv"},
		{"a.csv", "a,\x00", Unread},
		{"a.csv", "a,\x01", "csv"},
		{"a.out", "a\x01", Unread},
		{"a.out", "a\tb\r\n\f\v\b\x1b[1m", "text"},
		{"a", "x", "text"},
		{"a.csv.x", "", "text"},
		{"a.mat", "MATLAB 5.0 MAT-file", "mat"},
		{"a.mat", "MATLAB 7.3 MAT-file", "hdf5"},
		{"a.mat", "\x89HDF\r\n\x1a\n", "hdf5"},
		{"a.mat", "\x00\x00\x00\x00", "mat"},
		{"a.mat", "\x34\x00\x00\x00", "mat"},
		{"a.mat", "\x35\x00\x00\x00", Unread},
		{"a.mat", "\x00\x00\x03\xe8", "mat"},
		{"a.mat", "x", Unread},
		{"a.nc", "CDF\x01", "netcdf"},
		{"a.nc", "\x89HDF\r\n\x1a\n", "hdf5"},
		{"a.bin", "\x89HDF\r\n\x1a\n", Unread},
		{"a.bin", "II*\x00", Unread},
		{"a.xlsx", "PK\x03\x04", "xlsx"},
		{"a.npz", "PK\x03\x04", "zip"},
		{"a.xlsx", "x", "zip"},
		{"a.rds", "\x1f\x8b\x08", "rdata"},
		{"a.rds", "x", Unread},
		{"a.pkl", "x", Unread},
		{"a.tar", tar, "tar"},
		{"a.tar", tar[:260], "exact"},
	} {
		if got := Choose(c.name, []byte(c.start)); got != c.want {
			t.Errorf("%s that begins %q: %s, want %s", c.name, c.start, got, c.want)
		}
	}
}

func TestHolds(t *testing.T) {
	for _, name := range Names() {
		k := Of(name)
		if holds := name == "zip" || name == "tar" || name == "ipynb"; k.Holds != holds {
			t.Errorf("%s holds files of other kinds: %v", name, k.Holds)
		}
	}
	if k := Of("csv"); !k.Takes("keys") || k.Takes("score") {
		t.Error("the options of csv")
	}
	if k := Of("no such"); k.Name != "" || k.Takes("keys") {
		t.Error("a row for no kind")
	}
}
