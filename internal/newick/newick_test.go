package newick

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"repro/internal/badfile"
)

func TestRead(t *testing.T) {
	got, err := Read("[made by x] [&R] ((a:1.5,'b''s c':2e-3)95:0.1[&rate=2],_d[note])root;\n(a,b);")
	want := []Node{
		{Label: "root", Comment: "[&R]", Children: []Node{
			{Label: "95", Length: "0.1", Comment: "[&rate=2]", Children: []Node{{Label: "a", Length: "1.5"}, {Label: "b's c", Length: "2e-3"}}},
			{Label: "_d"},
		}},
		{Children: []Node{{Label: "a"}, {Label: "b"}}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
	for _, text := range []string{"", "  ", "(a,b)", "(a,b;", "(a,b));", "(a:,b);", "('a,b);", "a b;", "(a", "[x"} {
		if got, err := Read(text); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
	deep := strings.Repeat("(", maxDepth+2) + strings.Repeat(")", maxDepth+2) + ";"
	if _, err := Read(deep); !errors.Is(err, badfile.ErrTooLarge) {
		t.Errorf("deep: %v", err)
	}
	wide := "(" + strings.Repeat(",", maxNodes) + ");"
	if _, err := Read(wide); !errors.Is(err, badfile.ErrTooLarge) {
		t.Errorf("wide: %v", err)
	}
}

func TestNexus(t *testing.T) {
	got, err := ReadNexus("#nexus [by x on a day]\nBegin Trees;\n Translate 1 'a b', 2 c;\n tree t1 = [&U] (1:0.5,2:1);\nEnd;\nbegin data; dimensions ntax=2; matrix a AC-T [x] b ACGT; end;")
	want := []Command{
		{Block: "trees", Words: []string{"Begin", "Trees"}},
		{Block: "trees", Words: []string{"Translate", "1", "'a b'", ",", "2", "c"}},
		{Block: "trees", Words: []string{"tree", "t1"}, Tree: &Node{Comment: "[&U]", Children: []Node{{Label: "1", Length: "0.5"}, {Label: "2", Length: "1"}}}},
		{Block: "data", Words: []string{"begin", "data"}},
		{Block: "data", Words: []string{"dimensions", "ntax", "=", "2"}},
		{Block: "data", Words: []string{"matrix", "a", "AC-T", "b", "ACGT"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
	for _, text := range []string{"#NEX", "#NEXUS begin trees;", "#NEXUS begin trees; tree t = (a,b", "#NEXUS begin trees; tree t = (a,b;", "#NEXUS begin x; y 'z; end;"} {
		if got, err := ReadNexus(text); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"((a:1,'b''':2)x:3[&y],c);", "#NEXUS begin trees; translate 1 a; tree t = [&R] (1:2,3); end;", "[", "('", "();"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		trees, err := Read(s)
		if err != nil && !badfile.Is(err) || err == nil && len(trees) == 0 {
			t.Fatal(trees, err)
		}
		commands, err := ReadNexus(s)
		if err != nil && !badfile.Is(err) {
			t.Fatal(commands, err)
		}
	})
}
