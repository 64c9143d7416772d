package main

import (
	"strings"
	"testing"
)

const events = `{"Action":"start","Package":"m/a"}
{"Action":"output","Package":"m/a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"pass","Package":"m/a","Test":"TestGood","Elapsed":0.1}
{"Action":"output","Package":"m/a","Test":"TestBad","Output":"    a_test.go:3: seven, want eight\n"}
{"Action":"fail","Package":"m/a","Test":"TestBad","Elapsed":0.2}
{"Action":"output","Package":"m/a","Test":"TestRoot/x","Output":"    a_test.go:9: needs root\n"}
{"Action":"skip","Package":"m/a","Test":"TestRoot/x","Elapsed":0}
{"Action":"fail","Package":"m/a","Elapsed":0.5}
not of go test
{"ImportPath":"m/b","Action":"build-output","Output":"b.go:1: syntax error\n"}
{"Action":"fail","Package":"m/b","Elapsed":0}
{"Action":"output","Package":"m/c","Test":"TestHang","Output":"still here\n"}
{"Action":"output","Package":"m/c","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"m/c","Elapsed":9}
{"Action":"pass","Package":"m/d","Elapsed":1.25}
`

func TestLog(t *testing.T) {
	var out strings.Builder
	l := newLog(&out)
	if err := l.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	if l.finish(false, nil) {
		t.Error("all is well although tests failed")
	}
	for _, want := range []string{
		"--- FAIL: m/a TestBad (0.2s)\n        a_test.go:3: seven, want eight\n", "FAIL  m/a  0.5s\n", "not of go test\n",
		"FAIL  m/b  0.0s\n    b.go:1: syntax error\n", "    panic: test timed out\n", "--- did not end: TestHang\n    still here\n",
		"ok    m/d  1.2s\n", "  m/a TestRoot/x: a_test.go:9: needs root\n", "Failed:\n  m/a TestBad\n", "1 passed, 3 failed, 1 skipped\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("not printed: %q in\n%s", want, out.String())
		}
	}
}

func TestStrict(t *testing.T) {
	const skipped = `{"Action":"skip","Package":"m/a","Test":"TestRoot/x"}` + "\n"
	for _, c := range []struct {
		strict  bool
		allowed string
		want    bool
	}{{false, "", true}, {true, "", false}, {true, "TestOther", false}, {true, "TestRoot", true}, {true, "TestRoot/x", true}} {
		var out strings.Builder
		l := newLog(&out)
		if err := l.read(strings.NewReader(skipped)); err != nil {
			t.Fatal(err)
		}
		if got := l.finish(c.strict, map[string]bool{c.allowed: true}); got != c.want {
			t.Errorf("strict %v, %q allowed: %v", c.strict, c.allowed, got)
		}
	}
}

func TestSkips(t *testing.T) {
	allowed, err := readSkips("../../script/skips")
	if err != nil || !allowed["TestGroup"] || allowed[""] || allowed["#"] {
		t.Errorf("%v, %v", allowed, err)
	}
	if _, err := readSkips("no such file"); err == nil {
		t.Error("a missing list is no error")
	}
}
