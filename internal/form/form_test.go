package form

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// problems reads the form text and returns the messages of its problems.
func problems(t *testing.T, f Form, text string, read func(*Reader, *Node)) []string {
	t.Helper()
	err := f.Read("f.yaml", []byte(text), read)
	if err == nil {
		return nil
	}
	var all *Error
	if !errors.As(err, &all) {
		t.Fatalf("%T: %v", err, err)
	}
	return strings.Split(all.Error(), "\n")
}

func expect(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

// TestPlain: what is not plain YAML is refused before anything is read.
func TestPlain(t *testing.T) {
	f := Form{Name: "form", Empty: "write something"}
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	for text, want := range map[string]string{
		"":                  "f.yaml:1:1: empty: write something",
		"# nothing":         "f.yaml:1:1: empty: write something",
		"a: 1\n---\nb: 2":   "f.yaml:2:1: a second YAML document: a form is one document",
		"a: &x 1":           `f.yaml:1:4: anchor "&x": a form has no anchors`,
		"a: !!str 1":        `f.yaml:1:4: tag "!!str": a form has no tags; put text in quotes instead`,
		"a: \xff":           "f.yaml:1:1: not valid UTF-8: save the file as UTF-8",
		"[" + deep + "]":    fmt.Sprintf("f.yaml:1:%d: nested more than %d deep", MaxDepth+1, MaxDepth),
		"a: [":              `f.yaml:1:1: not YAML: "did not find expected node content"`,
		deep:                "",
		"a: \"" + "x\"\n":   "",
		"a: 2026-11-29 # c": "",
	} {
		read := false
		got := strings.Join(problems(t, f, text, func(*Reader, *Node) { read = true }), "\n")
		if got != want || read != (want == "") {
			t.Errorf("%q: %q, read %v, want %q", text, got, read, want)
		}
	}
	exact := Form{Name: "form", Exact: true}
	if got := problems(t, exact, "a: ä\nbc\xff", nil); !slices.Equal(got, []string{"f.yaml:2:3: not valid UTF-8: save the file as UTF-8"}) {
		t.Errorf("the place of a byte that is not UTF-8: %q", got)
	}
	for size, want := range map[int]bool{MaxText: true, MaxText + 1: false} {
		text := "a: " + strings.Repeat("x", size)
		if got := problems(t, f, text, func(*Reader, *Node) {}); (got == nil) != want {
			t.Errorf("a text of %d bytes: %.80q", size, got)
		}
	}
	for size, want := range map[int]bool{MaxSize: true, MaxSize + 1: false} {
		text := "a: 1 #" + strings.Repeat("x", size-6)
		if got := problems(t, f, text, func(*Reader, *Node) {}); (got == nil) != want {
			t.Errorf("a form of %d bytes: %.80q", size, got)
		}
	}
	for entries, want := range map[int]bool{3: true, 4: false} {
		text := "[" + strings.Repeat("[],", 2*entries)[:6*entries-1] + "]"
		if got := problems(t, Form{Name: "form", Entries: 3}, text, func(*Reader, *Node) {}); (got == nil) != want {
			t.Errorf("%d entries: %q", 2*entries, got)
		}
	}
}

// TestTooMany: an error lists so many problems and no more.
func TestTooMany(t *testing.T) {
	for n, want := range map[int]int{maxProblems: maxProblems, maxProblems + 1: maxProblems + 1, maxProblems + 50: maxProblems + 1} {
		got := problems(t, Form{Name: "form"}, "a", func(r *Reader, root *Node) {
			for range n {
				r.Errorf(root, "wrong")
			}
		})
		if len(got) != want || n > maxProblems && got[len(got)-1] != "f.yaml:1:1: too many errors: the rest is not shown" {
			t.Errorf("%d problems: %d lines, the last %q", n, len(got), got[len(got)-1])
		}
	}
}

// TestMapping: fields are read in the order of the form; every key that is
// missing, unknown or there twice is a problem of its own.
func TestMapping(t *testing.T) {
	read := func(f Form, text string) (got []string, order string) {
		got = problems(t, f, text, func(r *Reader, root *Node) {
			r.Mapping("box", root, []Field{
				Must("width", func(*Node) { order += "w" }),
				May("height", func(*Node) { order += "h" }),
			})
		})
		return got, order
	}
	plain := Form{Name: "form"}
	for _, c := range []struct {
		form  Form
		text  string
		order string
		want  []string
	}{
		{plain, "{width: 1, height: 2}", "wh", nil},
		{plain, "{height: 2, width: 1}", "hw", nil},
		{plain, "{width: 1}", "w", nil},
		{plain, "{height: 1}", "h", []string{`f.yaml:1:1: box: key "width" is missing`}},
		{plain, "[1]", "", []string{"f.yaml:1:1: box: want `key: value` lines, found a list"}},
		{plain, "width: 1\nwidth: 2", "w", []string{`f.yaml:2:1: box: key "width" stands here a second time, first in line 1`}},
		{plain, "{width: 1, wdth: 2}", "w", []string{`f.yaml:1:12: box: unknown key "wdth": known are width, height`}},
		{plain, "{width: 1, [x]: 2}", "w", []string{"f.yaml:1:12: box: want a word as key, found a list"}},
		{plain, "{width: 1, null: 2}", "w", []string{"f.yaml:1:12: box: want a word as key, found nothing"}},
		{Form{Name: "form", Spellings: map[string]string{"breadth": "width"}}, "{breadth: 1}", "",
			[]string{`f.yaml:1:1: box: key "width" is missing`, `f.yaml:1:2: box: unknown key "breadth": did you mean "width"?`}},
		{Form{Name: "form", Spellings: map[string]string{}}, "{width: 1, hieght: 1}", "w",
			[]string{`f.yaml:1:12: box: unknown key "hieght": did you mean "height"?`}},
		{Form{Name: "form", Exact: true}, "{width: 1, z: 1, z: 2}", "w",
			[]string{`f.yaml:1:12: box: unknown key "z": known are width, height`, `f.yaml:1:18: box: key "z" stands here a second time, first in line 1`}},
		{plain, "{width: 1, z: 1, z: 2}", "w",
			[]string{`f.yaml:1:12: box: unknown key "z": known are width, height`, `f.yaml:1:18: box: unknown key "z": known are width, height`}},
	} {
		got, order := read(c.form, c.text)
		expect(t, c.text, got, c.want)
		if order != c.order {
			t.Errorf("%s: read %q, want %q", c.text, order, c.order)
		}
	}
}

func TestList(t *testing.T) {
	for _, c := range []struct {
		text        string
		least, most int
		n           int
		want        []string
	}{
		{"[a, b]", 0, 2, 2, nil},
		{"[a, b]", 2, 2, 2, nil},
		{"[]", 0, 2, 0, nil},
		{"[]", 1, 2, 0, []string{"f.yaml:1:1: names: want at least one"}},
		{"[a]", 2, 2, 0, []string{"f.yaml:1:1: names: want at least 2"}},
		{"[a, b, c]", 0, 2, 0, []string{"f.yaml:1:1: names: more than 2 entries"}},
		{"a", 0, 2, 0, []string{`f.yaml:1:1: names: want a list, found the text "a": write [a]`}},
		{"3", 0, 2, 0, []string{`f.yaml:1:1: names: want a list, found the number "3": write [3]`}},
		{"null", 0, 2, 0, []string{"f.yaml:1:1: names: want a list, found nothing"}},
		{"{a: b}", 0, 2, 0, []string{"f.yaml:1:1: names: want a list, found a mapping"}},
	} {
		n := 0
		got := problems(t, Form{Name: "form"}, c.text, func(r *Reader, root *Node) { n = len(r.List("names", root, c.least, c.most)) })
		expect(t, c.text, got, c.want)
		if n != c.n {
			t.Errorf("%s: %d entries, want %d", c.text, n, c.n)
		}
	}
	var lines []string
	got := problems(t, Form{Name: "form"}, `[a, "b\tc", 1, no-x, d]`, func(r *Reader, root *Node) {
		lines = r.Lines("names", root, 1, 9, func(s string) string {
			if strings.HasPrefix(s, "no") {
				return "not that"
			}
			return ""
		})
	})
	expect(t, "lines", lines, []string{"a", "d"})
	expect(t, "lines", got, []string{
		`f.yaml:1:5: names: want one line without tabs, found the text "b\tc"`,
		`f.yaml:1:13: names: want text, found the number "1": put it in quotes to make it text`,
		`f.yaml:1:16: names: "no-x": not that`,
	})
}

func TestValues(t *testing.T) {
	digest := strings.Repeat("0", 63) + "1"
	for _, c := range []struct {
		form Form
		text string
		read func(*Reader, *Node) string
		got  string
		want string // problem
	}{
		{Form{}, "word", text, "word", ""},
		{Form{}, `"12"`, text, "12", ""},
		{Form{}, "12", text, "", `x: want text, found the number "12": put it in quotes to make it text`},
		{Form{}, "true", text, "", `x: want text, found the truth value "true": put it in quotes to make it text`},
		{Form{}, "null", text, "", "x: want text, found nothing"},
		{Form{}, "2026-11-29", text, "2026-11-29", ""},
		{Form{}, `" "`, text, "", "x: empty text"},
		{Form{}, `"a\tb\nc"`, text, "a\tb\nc", ""},
		{Form{}, `"a\eb"`, text, "", `x: control character in "a\x1bb"`},
		{Form{}, `"a\u0085b"`, text, "", `x: control character in "a\u0085b"`},
		{Form{}, `"a\u00a0b"`, text, "a\u00a0b", ""},
		{Form{Trim: true}, "|\n  a\n", text, "a", ""},
		{Form{}, "|\n  a\n", text, "a\n", ""},
		{Form{Digests: true}, digest, text, digest, ""},
		{Form{}, digest, text, "", `x: want text, found the number "000000000000000000000000000000000000000000000000000000000000…": put it in quotes to make it text`},
		{Form{}, "1.50", value, "1.50", ""},
		{Form{}, `""`, value, "", ""},
		{Form{}, "true", value, "", `x: want text, found the truth value "true": put it in quotes to make it text`},
		{Form{}, "1", number, "1", ""},
		{Form{}, "7", number, "7", ""},
		{Form{}, "0", number, "", "x: 0 is not between 1 and 7"},
		{Form{}, "8", number, "", "x: 8 is not between 1 and 7"},
		{Form{}, "+1", number, "", `x: want a whole number, found the number "+1"`},
		{Form{}, "0x1", number, "", `x: want a whole number, found the number "0x1"`},
		{Form{}, "01", number, "", `x: want a whole number, found the number "01"`},
		{Form{}, "1.0", number, "", `x: want a whole number, found the number "1.0"`},
		{Form{}, `"1"`, number, "", `x: want a whole number, found the text "1"`},
		{Form{}, "true", truth, "true", ""},
		{Form{}, "false", truth, "false", ""},
		{Form{}, "True", truth, "false", `x: want true or false, found the truth value "True"`},
		{Form{}, "yes", truth, "false", `x: want true or false, found the text "yes"`},
	} {
		var got string
		wrong := problems(t, c.form, c.text, func(r *Reader, root *Node) { got = c.read(r, root) })
		problem := strings.TrimPrefix(strings.Join(wrong, "\n"), "f.yaml:1:1: ")
		if got != c.got || problem != c.want {
			t.Errorf("%s: %q, %q; want %q, %q", c.text, got, problem, c.got, c.want)
		}
	}
}

func text(r *Reader, n *Node) string  { s, _ := r.Text("x", n); return s }
func value(r *Reader, n *Node) string { s, _ := r.Value("x", n); return s }
func truth(r *Reader, n *Node) string { return fmt.Sprint(r.Bool("x", n)) }
func number(r *Reader, n *Node) string {
	stored := -1
	if r.StoreInt("x", &stored, 1, 7)(n); stored == -1 {
		return ""
	}
	return fmt.Sprint(stored)
}

// TestStore: a value with a problem leaves what was there.
func TestStore(t *testing.T) {
	s := "before"
	problems(t, Form{}, "7", func(r *Reader, n *Node) { r.StoreLine("x", &s, nil)(n) })
	if s != "before" {
		t.Errorf("stored %q", s)
	}
	problems(t, Form{}, "after", func(r *Reader, n *Node) { r.StoreLine("x", &s, nil)(n) })
	if s != "after" {
		t.Errorf("stored %q", s)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"command", "memory", "dir"}
	spellings := map[string]string{"cwd": "dir", "run": "command", "gone": "away"}
	for word, want := range map[string]string{
		"comand": "command", "commnad": "command", "COMMAND": "command", "cwd": "dir", "run": "command",
		"memroy": "memory", "gone": "", "entirely": "", "d": "", "dri": "dir", "": "",
		strings.Repeat("m", maxSuggested+1): "",
	} {
		if got := Suggest(word, names, spellings); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"abc", "ca", 3}, {"kitten", "sitting", 3}, {"abcd", "abcd", 0}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestShorten(t *testing.T) {
	for in, want := range map[string]string{
		strings.Repeat("x", 60):       strings.Repeat("x", 60),
		strings.Repeat("x", 61):       strings.Repeat("x", 60) + "…",
		strings.Repeat("x", 59) + "ä": strings.Repeat("x", 59) + "…",
	} {
		if got := Shorten(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestWrite: what is written has no comments and reads as the same.
func TestWrite(t *testing.T) {
	var out []byte
	problems(t, Form{}, "# head\na: [x] # why\nb: 1\n", func(_ *Reader, n *Node) {
		n.Content[1] = &[]Node{TextList("1", "y z")}[0]
		var err error
		if out, err = Write(n); err != nil {
			t.Fatal(err)
		}
	})
	if got, want := string(out), "a:\n  - \"1\"\n  - y z\nb: 1\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
