package view

import (
	"encoding/xml"
	"io"
	"strings"

	"repro/report"
)

type junitSuites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Suite    junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"` // always 0, but consumers ask for it
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes findings as a suite of tests, in the XML that continuous
// integration reads: a result that was not reproduced is a failure whose type
// is the verdict.
func JUnit(w io.Writer, findings []report.Finding) error {
	c := report.Count(findings)
	suite := junitSuite{Name: "repro", Tests: c.Results, Failures: c.Results - c.Reproduced}
	for _, f := range findings {
		test := junitCase{Name: Clean(f.Result), Class: strings.TrimSuffix("repro."+Clean(f.Kind), ".")}
		if f.Verdict.Reproduced() {
			test.Out = Clean(string(f.Verdict) + ": " + f.Reason)
		} else {
			test.Failure = &junitFailure{Type: string(f.Verdict), Message: Clean(f.Reason), Text: cleanLines(f.Diff)}
		}
		suite.Cases = append(suite.Cases, test)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(junitSuites{Tests: suite.Tests, Failures: suite.Failures, Suite: suite}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
