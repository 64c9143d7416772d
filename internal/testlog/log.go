package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output, instead of Package
	Test       string
	Elapsed    float64
	Output     string
}

// test names one test, or with an empty name the package itself.
type test struct{ pkg, name string }

// maxOutput bounds what is kept of one test's output: its end, where tests say
// why they failed, and its beginning.
const maxOutput = 64 << 10

// log collects events.
type log struct {
	out     io.Writer
	printed map[test]*strings.Builder // by tests that have not ended
	builds  map[string]*strings.Builder
	passed  int
	failed  []test
	skipped []skip
	broken  int // packages that failed though none of their tests did
}

type skip struct {
	test
	why string
}

func newLog(out io.Writer) *log {
	return &log{out: out, printed: map[test]*strings.Builder{}, builds: map[string]*strings.Builder{}}
}

func (l *log) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(l.out, "%s", line) // not of go test: shown as it is
			} else {
				l.take(e)
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (l *log) take(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		builder(l.builds, e.ImportPath).WriteString(e.Output)
	case "output":
		if b := builder(l.printed, t); b.Len() < maxOutput {
			b.WriteString(e.Output)
		}
	case "pass", "fail", "skip":
		l.end(t, e)
		delete(l.printed, t)
	}
}

func builder[K comparable](m map[K]*strings.Builder, k K) *strings.Builder {
	if m[k] == nil {
		m[k] = &strings.Builder{}
	}
	return m[k]
}

// end notes how a test or a package ended.
func (l *log) end(t test, e event) {
	own := builder(l.printed, t).String()
	switch {
	case t.name == "":
		l.endPackage(t, e, own)
	case e.Action == "pass":
		l.passed++
	case e.Action == "skip":
		l.skipped = append(l.skipped, skip{t, reason(own)})
	case e.Action == "fail":
		l.failed = append(l.failed, t)
		fmt.Fprintf(l.out, "--- FAIL: %s %s (%.1fs)\n%s", t.pkg, t.name, e.Elapsed, indented(own))
	}
}

func (l *log) endPackage(t test, e event, own string) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(l.out, "ok    %s  %.1fs\n", t.pkg, e.Elapsed)
	case "fail":
		fmt.Fprintf(l.out, "FAIL  %s  %.1fs\n", t.pkg, e.Elapsed)
		for path, b := range l.builds {
			if path == t.pkg || strings.HasPrefix(path, t.pkg+" ") || strings.HasPrefix(path, t.pkg+"_test") {
				fmt.Fprint(l.out, indented(b.String()))
			}
		}
		if !l.failedIn(t.pkg) { // did not build, panicked, or ran out of time
			l.broken++
			fmt.Fprint(l.out, indented(own))
			for unended, b := range l.printed {
				if unended.pkg == t.pkg && unended.name != "" {
					fmt.Fprintf(l.out, "--- did not end: %s\n%s", unended.name, indented(b.String()))
				}
			}
		}
	}
}

func (l *log) failedIn(pkg string) bool {
	for _, t := range l.failed {
		if t.pkg == pkg {
			return true
		}
	}
	return false
}

// reason is what a test said before it was skipped.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}

func indented(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, "=== ") {
			b.WriteString("    " + strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return b.String()
}

// finish prints the sums and reports whether all is well.
func (l *log) finish(strict bool, allowed map[string]bool) bool {
	refused := 0
	for i, s := range l.skipped {
		if i == 0 {
			fmt.Fprintln(l.out, "Skipped, and why:")
		}
		mark := ""
		if strict && !allowed[s.name] && !allowed[strings.SplitN(s.name, "/", 2)[0]] {
			refused++
			mark = "  <- must not be skipped here"
		}
		fmt.Fprintf(l.out, "  %s %s: %s%s\n", s.pkg, s.name, s.why, mark)
	}
	if len(l.failed) > 0 {
		fmt.Fprintln(l.out, "Failed:")
		for _, t := range l.failed {
			fmt.Fprintf(l.out, "  %s %s\n", t.pkg, t.name)
		}
	}
	fmt.Fprintf(l.out, "%d passed, %d failed, %d skipped\n", l.passed, len(l.failed)+l.broken, len(l.skipped))
	return len(l.failed)+l.broken+refused == 0
}
