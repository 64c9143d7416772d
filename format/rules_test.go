package format

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"repro/format/manifest"
)

// told checks that err is want, word by word; "" is no error.
func told(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}

// TestStepRules holds each rule about steps on both sides of its bound.
func TestStepRules(t *testing.T) {
	step := func(change func(*manifest.Step)) []manifest.Step {
		s := manifest.Step{Name: "b", Command: []string{"run"}, Dir: "/paper"}
		change(&s)
		return []manifest.Step{{Name: "a", Command: []string{"x", ""}, Dir: "/"}, s}
	}
	quick := func(q manifest.Quick) func(*manifest.Step) { return func(s *manifest.Step) { s.Quick = &q } }
	const name = `: want up to 64 letters, digits, dots, hyphens, underscores`
	const less = "limits: less than nothing"
	const either = "quick: want skip, or something else that is otherwise"
	long := strings.Repeat("n", 64)
	for i, c := range []struct {
		change func(*manifest.Step)
		want   string // after "step 2: "
	}{
		{func(*manifest.Step) {}, ""},
		{func(s *manifest.Step) { s.Needs = []string{"a"} }, ""},
		{func(s *manifest.Step) { s.Needs = []string{"a", "b"} }, `needs "b", which is not an earlier step`},
		{func(s *manifest.Step) { s.Name = "a" }, `name "a": used twice`},
		{func(s *manifest.Step) { s.Name = long }, ""},
		{func(s *manifest.Step) { s.Name = long + "n" }, `name "` + long + `n"` + name},
		{func(s *manifest.Step) { s.Name = "A9._-" }, ""},
		{func(s *manifest.Step) { s.Name = "" }, `name ""` + name},
		{func(s *manifest.Step) { s.Name = ".a" }, `name ".a"` + name},
		{func(s *manifest.Step) { s.Name = "a/b" }, `name "a/b"` + name},
		{func(s *manifest.Step) { s.Command = nil }, "command of 0 words, or an empty first one"},
		{func(s *manifest.Step) { s.Command = []string{""} }, "command of 1 words, or an empty first one"},
		{func(s *manifest.Step) { s.Command = make([]string, 1000); s.Command[0] = "x" }, ""},
		{func(s *manifest.Step) { s.Command = make([]string, 1001); s.Command[0] = "x" }, "command of 1001 words, or an empty first one"},
		{func(s *manifest.Step) { s.Command = []string{"x", "\x00"} }, `command: "\x00" has a NUL`},
		{func(s *manifest.Step) { s.Env = map[string]string{"A": "", "B": "=\n"} }, ""},
		{func(s *manifest.Step) { s.Env = map[string]string{"": "x"} }, `env: ""="x"`},
		{func(s *manifest.Step) { s.Env = map[string]string{"A=B": "x"} }, `env: "A=B"="x"`},
		{func(s *manifest.Step) { s.Env = map[string]string{"A\x00": "x"} }, `env: "A\x00"="x"`},
		{func(s *manifest.Step) { s.Env = map[string]string{"A": "\x00"} }, `env: "A"="\x00"`},
		{func(s *manifest.Step) { s.Dir = "paper" }, `path "paper": want an absolute one in its shortest form`},
		{func(s *manifest.Step) { s.Dir = "/paper/" }, `path "/paper/": want an absolute one in its shortest form`},
		{func(s *manifest.Step) { s.Inputs = []string{"/a", "/a/../b"} }, `path "/a/../b": want an absolute one in its shortest form`},
		{func(s *manifest.Step) { s.Outputs = []string{"/a\x00"} }, `path "/a\x00": want an absolute one in its shortest form`},
		{func(s *manifest.Step) { s.CPU = "native" }, ""},
		{func(s *manifest.Step) { s.CPU = "portable-v2" }, ""},
		{func(s *manifest.Step) { s.CPU = "portable-v3" }, ""},
		{func(s *manifest.Step) { s.CPU = "fast" }, `cpu "fast": not a profile that is known`},
		{func(s *manifest.Step) { s.CPUs = -1 }, less}, {func(s *manifest.Step) { s.Memory = -1 }, less},
		{func(s *manifest.Step) { s.Time = -1 }, less}, {func(s *manifest.Step) { s.Ranks = -1 }, less}, {func(s *manifest.Step) { s.Takes = -1 }, less},
		{func(s *manifest.Step) { s.CPUs, s.Memory, s.Time, s.Ranks, s.Takes = 1, 1, 1, 1, 1 }, ""},
		{func(s *manifest.Step) { s.Fixed = []string{manifest.FixedAddresses, manifest.FixedClock} }, ""},
		{func(s *manifest.Step) { s.Fixed = []string{manifest.FixedClock, manifest.FixedClock} }, fmt.Sprintf("fixed %q: twice, or not a word that is known", manifest.FixedClock)},
		{func(s *manifest.Step) { s.Fixed = []string{"luck"} }, `fixed "luck": twice, or not a word that is known`},
		{quick(manifest.Quick{}), either}, {quick(manifest.Quick{Skip: true}), ""},
		{quick(manifest.Quick{Skip: true, Command: []string{"x"}}), either}, {quick(manifest.Quick{Skip: true, Env: map[string]string{"A": ""}}), either},
		{quick(manifest.Quick{Skip: true, Time: 1}), either}, {quick(manifest.Quick{Skip: true, Takes: 1}), either},
		{quick(manifest.Quick{Time: 1}), ""}, {quick(manifest.Quick{Takes: 1}), ""},
		{quick(manifest.Quick{Time: -1}), either}, {quick(manifest.Quick{Takes: -1}), either},
		{quick(manifest.Quick{Command: []string{"x"}}), ""}, {quick(manifest.Quick{Command: []string{""}}), "quick: command of 1 words, or an empty first one"},
		{quick(manifest.Quick{Env: map[string]string{"A": "b"}}), ""}, {quick(manifest.Quick{Env: map[string]string{"": "b"}}), `env: ""="b"`},
	} {
		want := c.want
		if want != "" {
			want = "step 2: " + want
		}
		told(t, fmt.Sprint("case ", i), checkSteps(step(c.change)), want)
	}
}

// TestResultRules: results and claims, whose names stand side by side.
func TestResultRules(t *testing.T) {
	r := manifest.Result{Name: "r", Output: "/out", Published: "p/q"}
	cell := &manifest.Cell{Row: "a", Column: "b"}
	claim := func(name string, cell *manifest.Cell, pointer, pattern string) []manifest.Claim {
		return []manifest.Claim{{Name: name, Output: "/out", Cell: cell, Pointer: pointer, Pattern: pattern}}
	}
	with := func(change func(*manifest.Result)) []manifest.Result {
		second := r
		second.Name = "s"
		change(&second)
		return []manifest.Result{r, second}
	}
	const one = "claim 1: want one of cell, pointer and pattern"
	published := func(name string) string {
		return fmt.Sprintf("result 2: published %q: want a path in the published layer", name)
	}
	for i, c := range []struct {
		results []manifest.Result
		claims  []manifest.Claim
		want    string
	}{
		{nil, nil, ""},
		{with(func(r *manifest.Result) {}), claim("c", cell, "", ""), ""},
		{with(func(r *manifest.Result) { r.Sets, r.Quick, r.Compare.Spread = []string{"x"}, "y", "z" }), nil, ""},
		{with(func(r *manifest.Result) { r.Name = "r" }), nil, `result 2: name "r": used twice`},
		{with(func(r *manifest.Result) { r.Output = "out" }), nil, `result 2: path "out": want an absolute one in its shortest form`},
		{with(func(r *manifest.Result) { r.Published = "" }), nil, published("")},
		{with(func(r *manifest.Result) { r.Published = "." }), nil, published(".")},
		{with(func(r *manifest.Result) { r.Published = "/p" }), nil, published("/p")},
		{with(func(r *manifest.Result) { r.Published = "p\x00" }), nil, published("p\x00")},
		{with(func(r *manifest.Result) { r.Sets = []string{"x", "../x"} }), nil, published("../x")},
		{with(func(r *manifest.Result) { r.Quick = "../y" }), nil, published("../y")},
		{with(func(r *manifest.Result) { r.Compare.Spread = "../z" }), nil, published("../z")},
		{nil, claim("c", nil, "/a", ""), ""}, {nil, claim("c", nil, "", "(x)"), ""},
		{nil, claim("c", nil, "", ""), one}, {nil, claim("c", cell, "/a", ""), one},
		{nil, claim("c", cell, "", "(x)"), one}, {nil, claim("c", nil, "/a", "(x)"), one}, {nil, claim("c", cell, "/a", "(x)"), one},
		{[]manifest.Result{r}, claim("r", cell, "", ""), `claim 1: name "r": used twice`},
		{nil, []manifest.Claim{{Name: "c", Output: "out", Pointer: "/a"}}, `claim 1: path "out": want an absolute one in its shortest form`},
	} {
		told(t, fmt.Sprint("case ", i), checkResults(c.results, c.claims), c.want)
	}
}

// TestExternalRules: files that the image only names.
func TestExternalRules(t *testing.T) {
	digest := manifest.DigestOf(nil)
	long := strings.Repeat("s", 4096)
	file := func(path, source string, size int64) manifest.External {
		return manifest.External{Path: path, Source: source, Size: size, Digest: digest}
	}
	a := file("/paper/a", "doi:10/x", 0)
	for i, c := range []struct {
		x    manifest.External
		want string
	}{
		{file("/paper/b", "x", 1), ""}, {file("/paper/b", long, 1<<53), ""},
		{file("/paper/b", long+"s", 1), fmt.Sprintf("source %q: want an address", long+"s")},
		{file("/paper/b", "", 1), `source "": want an address`}, {file("/paper/b", "a b", 1), `source "a b": want an address`},
		{file("/paper/b", "a\x7fb", 1), `source "a\x7fb": want an address`}, {file("/paper/b", "a~é", 1), ""},
		{file("/paper/b", "x", -1), "-1 bytes"}, {file("/paper/b", "x", 1<<53+1), "9007199254740993 bytes"},
		{file("/paper/a", "x", 1), `path "/paper/a": named twice`},
		{file("/papers/b", "x", 1), `path "/papers/b": want one below /paper/`}, {file("/paper", "x", 1), `path "/paper": want one below /paper/`},
		{file("paper/b", "x", 1), `path "paper/b": want an absolute one in its shortest form`},
	} {
		want := c.want
		if want != "" {
			want = "external file 2: " + want
		}
		told(t, fmt.Sprint("case ", i), checkExternal([]manifest.External{a, c.x}), want)
	}
	a.Digest = "md5:x"
	if err := checkExternal([]manifest.External{a}); err == nil || !strings.HasPrefix(err.Error(), "external file 1: ") {
		t.Error(err)
	}
}

func TestParseDate(t *testing.T) {
	const form = ": want RFC 3339 in UTC with whole seconds, like 2026-11-23T00:00:00Z"
	const reach = ": layers hold times from 1970 to 2106"
	for s, want := range map[string]string{
		"1970-01-01T00:00:00Z": "", "2106-02-07T06:28:15Z": "",
		"1969-12-31T23:59:59Z": reach, "2106-02-07T06:28:16Z": reach,
		"2026-01-01": form, "2026-01-01T00:00:00+00:00": form, "2026-01-01T00:00:00.5Z": form, "2026-01-01T01:00:00+01:00": form, "": form,
	} {
		if want != "" {
			want = fmt.Sprintf("date %q%s", s, want)
		}
		n, err := parseDate(s)
		told(t, s, err, want)
		if s == "2106-02-07T06:28:15Z" && n != 1<<32-1 {
			t.Errorf("%s: %d", s, n)
		}
	}
}

// TestShow holds how fields that differ are told.
func TestShow(t *testing.T) {
	for in, want := range map[string]string{
		"\x01\x02\x00\x00": "0x201", "\xff\xff\xff\xff\xff\xff\xff\xff": "-1", "ab\x00": `"ab"`, "\x00": `""`,
		strings.Repeat("x", 40): `"` + strings.Repeat("x", 40) + `"`,
		strings.Repeat("x", 41): `"` + strings.Repeat("x", 40) + `"...`,
	} {
		if got := show([]byte(in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	for pair, want := range map[[2]string]int{{"", ""}: 0, {"ab", "ab"}: 2, {"ab", "ac"}: 1, {"ab", "cb"}: 0} {
		if got := firstDifference([]byte(pair[0]), []byte(pair[1])); got != want {
			t.Errorf("%q: %d, want %d", pair, got, want)
		}
	}
	first := errors.New("first")
	for n, want := range map[int]string{1: "first", 2: "first; and 1 more", 3: "first; and 2 more"} {
		all := findings{first}
		for len(all) < n {
			all = append(all, errors.New("another"))
		}
		if all.Error() != want || !errors.Is(all, first) {
			t.Errorf("%d: %s", n, all.Error())
		}
	}
	l := &layoutCheck{}
	for i := range maxProblems + 1 {
		l.add(int64(i), "o", "%d", i)
	}
	if len(l.problems) != 1000 || l.problems[999] != (Problem{999, "o", "999"}) {
		t.Errorf("%d problems", len(l.problems))
	}
}
