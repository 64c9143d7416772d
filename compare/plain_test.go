package compare

import "testing"

func TestPlain(t *testing.T) {
	for _, c := range [][2]string{
		{"x \u22121.5 and \u2212.5", "x -1.5 and -.5"},
		{"a \u2212 b \u2212x", "a \u2212 b \u2212x"},
		{"\u2212\u22125", "\u2212-5"},
		{"\u2212", "\u2212"},
		{"\u2212.", "\u2212."},
		{"<A object at 0x7f1c2a3b4d5e>", "<A object at \x00object1\x00"},
		{"<A at 0x7f1c2a3b4> <A at 0x7f1c2a3b5> <A at 0x7f1c2a3b4>", "<A at \x00object1\x00 <A at \x00object2\x00 <A at \x00object1\x00"},
		{"<environment: 0x55d5c8a7b0c8>", "<environment: \x00object1\x00"},
		{"<A at 0x08048000>", "<A at 0x08048000>"},                   // eight digits: of a program
		{"<A at 0x12345678901234567>", "<A at 0x12345678901234567>"}, // seventeen
		{"A at 0x7f1c2a3b4d5e", "A at 0x7f1c2a3b4d5e"},
		{"< 3 at 0x7f1c2a3b4d5e>", "< 3 at 0x7f1c2a3b4d5e>"},
	} {
		if got := string(plain([]byte(c[0]))); got != c[1] {
			t.Errorf("%q: got %q, want %q", c[0], got, c[1])
		}
	}
}

func TestThousands(t *testing.T) {
	for _, c := range [][3]string{
		{"total 1,234,567.", "total 1234567.", "total 1234567."},
		{"-1,234.50 x", "-1234.50 x", "-1234.50 x"},
		{"1,234,567 and 7,654,321", "1234567 and 7654321", "1234567 and 7654321"},
		{"1,234", "1234", "1,234"},
		{"[1,234,567]", "1234567", "[1,234,567]"},
		{"(1,234,567)", "1234567", "(1,234,567)"},
		{"1,234,567", "[1234567]", "1,234,567"},
		{"1,234,567", "1234568", "1,234,567"},
		{"1,234,567", "12345678", "1,234,567"},
		{"1,234,567", "11234567 1234567", "1234567"},
		{"0,234,567", "0234567", "0,234,567"},
		{"v1,234,567", "1234567", "v1,234,567"},
		{"1,234,567/2", "1234567/2", "1,234,567/2"},
		{"1,234,567,8", "1234567", "1,234,567,8"},
		{"1,234,5678", "12345678", "1,234,5678"},
	} {
		if got := string(withoutThousands([]byte(c[0]), []byte(c[1]))); got != c[2] {
			t.Errorf("%q beside %q: got %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestPlainAttributes(t *testing.T) {
	names := map[string]string{"a": "id1", "b": "id2"}
	raw := map[string]bool{"table": true}
	for _, c := range [][2]string{
		{"@border = 1", ""},
		{"@width = 10", "@width = 10"},
		{"@style = text-align: right; Vertical-Align: top;", ""},
		{"@style = color: red; text-align: right", "@style = color: red"},
		{"@style = width: 3px", "@style = width: 3px"},
		{"@class = dataframe", ""},
		{"@class = dataframe up", "@class = up"},
		{"@class = table", "@class = table"}, // a style sheet speaks of it
		{"@id = a", "@id = id1"},
		{"@headers = b a c", "@headers = id2 id1 c"},
		{"@href = #b", "@href = #id2"},
		{"@href = #c", "@href = #c"},
		{"@href = b", "@href = b"},
	} {
		if got := plainAttribute(c[0], names, raw); got != c[1] {
			t.Errorf("%q: got %q, want %q", c[0], got, c[1])
		}
	}
}

func TestIDsKeepTheirNames(t *testing.T) {
	names, _ := idsOf([]fact{{text: "@id = x"}, {text: "@id = y"}, {text: "@id = y"}, {text: "@id = z"}, {text: "raw f(z)"}, {text: "@id = T_0a1b2_row0"}, {text: "raw T_0a1b2_row0"}})
	want := map[string]string{"x": "id1", "y": "y", "z": "z", "T_0a1b2_row0": "id4"}
	for id, name := range want {
		if names[id] != name {
			t.Errorf("%s: %q, want %q", id, names[id], name)
		}
	}
}
