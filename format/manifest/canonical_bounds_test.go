package manifest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	nested := func(open, inside, end string, n int) string {
		return strings.Repeat(open, n) + inside + strings.Repeat(end, n)
	}
	const deep = "nested more than 64 deep"
	for _, c := range []struct {
		text string
		want string // the canonical form; "": that of text
		err  string
	}{
		{nested("[", "", "]", 64), "", ""},
		{nested("[", "", "]", 65), "", deep},
		{nested(`{"a":`, "1", "}", 64), "", ""},
		{nested(`{"a":`, "1", "}", 65), "", deep},
		{"[" + strings.Repeat("[],", 100) + "{}]", "", ""},      // beside each other
		{"[" + strings.Repeat(`{"a":1},`, 100) + "{}]", "", ""}, //
		{`["` + strings.Repeat("[", 65) + `"]`, "", ""},         // within text
		{`["` + strings.Repeat("{", 65) + `"]`, "", ""},         //
		{`["\"` + strings.Repeat("[", 65) + `"]`, "", ""},       // a quote within text does not end it
		{`["` + strings.Repeat("]", 3) + `\\",` + nested("[", "", "]", 63) + "]", "", ""},
		{`["` + strings.Repeat("]", 3) + `\\",` + nested("[", "", "]", 64) + "]", "", deep},
		{`["` + strings.Repeat("}", 3) + `",` + nested("[", "", "]", 64) + "]", "", deep},

		{`[null,true,false,"",{}]`, "", ""},
		{` { "b" : [ 1 , 2 , 3 ] , "a" : -0 , "aa" : "\u0041\u001F\u0020" } `, `{"a":0,"aa":"A\u001f ","b":[1,2,3]}`, ""},
		{`"\b\t\n\f\r\"\\\u0000\u000b\u001f\u007f"`, `"\b\t\n\f\r\"\\\u0000\u000b\u001f` + "\x7f\"", ""},
		{"9007199254740992", "", ""},
		{"-9007199254740992", "", ""},
		{"9007199254740993", "", "number 9007199254740993: only whole numbers within ±2^53 are allowed"},
		{"-9007199254740993", "", "number -9007199254740993: only whole numbers within ±2^53 are allowed"},
		{"1.5", "", "number 1.5: only whole numbers within ±2^53 are allowed"},
		{"[1] [2]", "", "text after the end of the document"},
		{"[1]]", "", "text after the end of the document"},
	} {
		got, err := canonical([]byte(c.text))
		want := c.want
		if want == "" {
			want = c.text
		}
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%.80s: error %v, want %s", c.text, err, c.err)
			}
		} else if err != nil || string(got) != want {
			t.Errorf("%.80s:\ngot  %s, %v\nwant %s", c.text, got, err, want)
		}
	}
}

func TestMarshalRefusesText(t *testing.T) {
	for _, v := range []any{1.5, 1 << 54, func() {}} {
		if b, err := Marshal(v); err == nil {
			t.Errorf("%v is written as %s", v, b)
		}
	}
}

// TestUnmarshalTells holds where a document stops being canonical, and how
// long one may be.
func TestUnmarshalTells(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"x","b":01}`:                    "invalid character '1' after object key:value pair",
		`{"a":"x","b":1,"lists":[]} `:         "not in canonical form: byte 26 would be written otherwise",
		` {"a":"x","b":1,"lists":[]}`:         "not in canonical form: byte 0 would be written otherwise",
		`{"a":"x","b":1,"lists":[ ]}`:         "not in canonical form: byte 24 would be written otherwise",
		`{"a":"x","b":1}`:                     "not in canonical form: byte 14 would be written otherwise",
		`{"a":"x","b":1,"lists":[],"map":{}}`: "not in canonical form: byte 25 would be written otherwise",
	} {
		var d document
		if err := Unmarshal([]byte(text), &d); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	var s string
	long := bytes.Repeat([]byte("a"), MaxDocument+1)
	long[0], long[MaxDocument-1] = '"', '"'
	if err := Unmarshal(long[:MaxDocument], &s); err != nil || len(s) != MaxDocument-2 {
		t.Errorf("a document of the greatest length: %d bytes of text, %v", len(s), err)
	}
	want := fmt.Sprintf("document of %d bytes: at most %d are allowed", MaxDocument+1, MaxDocument)
	if err := Unmarshal(long, &s); err == nil || err.Error() != want {
		t.Errorf("a longer one: %v, want %s", err, want)
	}
}
