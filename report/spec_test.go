package report_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"repro/report"
)

// documented are the documents and parts of them that have a table in SPEC.md.
var documented = map[string]any{
	"RPT-10": report.Finding{},
	"RPT-11": report.Counts{},
	"RPT-12": report.Compare{},
	"RPT-13": report.Worst{},
	"RPT-14": report.Cells{},
	"RPT-20": report.Run{},
	"RPT-21": report.Isolation{},
	"RPT-22": report.Doctor{},
	"RPT-23": report.StepStatus{},
	"RPT-24": report.Machine{},
	"RPT-25": report.Place{},
	"RPT-40": report.Verify{},
	"RPT-41": report.SignatureStatus{},
	"RPT-42": report.PolicyStatus{},
	"RPT-43": report.Attestation{},
	"RPT-50": report.Inspect{},
	"RPT-51": report.List{},
	"RPT-52": report.Diff{},
	"RPT-53": report.DiffEntry{},
	"RUN-29": report.Repeat{},
}

// TestFieldsAreThoseOfTheSpecification compares each table of SPEC.md with the
// fields that documents have.
func TestFieldsAreThoseOfTheSpecification(t *testing.T) {
	spec, err := os.ReadFile("../SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	for clause, document := range documented {
		want := fieldsOf(reflect.TypeOf(document), "")
		got := tableOf(string(spec), clause)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("SPEC.md, %s, has the fields\n%q\n%T has\n%q", clause, got, document, want)
		}
	}
}

// fieldsOf lists the fields of a type as the tables name them. It does not
// enter what has a table of its own, or is part of the manifest.
func fieldsOf(t reflect.Type, prefix string) (out []string) {
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		name = prefix + name
		inner, suffix := t.Field(i).Type, "."
		switch inner.Kind() {
		case reflect.Slice:
			inner, suffix = inner.Elem(), "[]."
		case reflect.Pointer:
			inner = inner.Elem()
		}
		if inner.Kind() != reflect.Struct || ownTable(inner) {
			out = append(out, name)
		} else {
			out = append(out, fieldsOf(inner, name+suffix)...)
		}
	}
	return out
}

func ownTable(t reflect.Type) bool {
	for _, document := range documented {
		if reflect.TypeOf(document) == t {
			return true
		}
	}
	return strings.HasSuffix(t.PkgPath(), "/manifest")
}

// tableOf returns the names in the first column of a clause's table.
func tableOf(spec, clause string) (fields []string) {
	_, text, _ := strings.Cut(spec, "\n- **"+clause+"** ")
	text, _, _ = strings.Cut(text, "\n- **")
	for _, row := range regexp.MustCompile("(?m)^  \\| (`.*?`) \\| ").FindAllStringSubmatch(text, -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			fields = append(fields, strings.Trim(name, "`"))
		}
	}
	return fields
}
