package manifest

import (
	"fmt"
	"strings"
	"testing"
)

type document struct {
	B     int               `json:"b"`
	A     string            `json:"a"`
	Map   map[string]string `json:"map,omitempty"`
	Lists []int             `json:"lists"`
}

func TestMarshalIsCanonical(t *testing.T) {
	got, err := Marshal(document{B: 1, A: "é<&>\u2028\x7f\x01\t\"\\/", Map: map[string]string{"z": "1", "\U0001F600": "2", "\uFB33": "3"}})
	if err != nil {
		t.Fatal(err)
	}
	// Keys by UTF-16 code units: U+1F600 is D83D DE00 and stands before U+FB33.
	want := `{"a":"é<&>` + "\u2028\x7f" + `\u0001\t\"\\/","b":1,"lists":null,"map":{"z":"1","😀":"2","` + "\uFB33" + `":"3"}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestUnmarshalRefusesOtherForms(t *testing.T) {
	const good = `{"a":"x","b":1,"lists":[1,2]}`
	var d document
	if err := Unmarshal([]byte(good), &d); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		``, `null`, `{}`, `[]`, good + "\n", " " + good, good + good,
		`{"a":"x","b":1,"b":1,"lists":[1,2]}`,                     // doubled key
		`{"A":"x","b":1,"lists":[1,2]}`,                           // oddly cased key
		`{"a":"x","b":1,"c":2,"lists":[1,2]}`,                     // unknown key
		`{"b":1,"a":"x","lists":[1,2]}`,                           // order
		`{"a":"x","b":1.0,"lists":[1,2]}`,                         // another way to write 1
		`{"a":"x","b":1e0,"lists":[1,2]}`,                         //
		`{"a":"x","b":9007199254740993,"lists":[1,2]}`,            // beyond 2^53
		`{"a":"\u0078","b":1,"lists":[1,2]}`,                      // needless escape
		"{\"a\":\"\xff\",\"b\":1,\"lists\":[1,2]}",                // not UTF-8
		`{"a":"x","b":1,"lists":[1,2],"map":{}}`,                  // omitted when empty
		strings.Repeat("[", 100000) + strings.Repeat("]", 100000), // deep
	} {
		if err := Unmarshal([]byte(bad), &d); err == nil {
			t.Errorf("accepted %.60q", bad)
		}
	}
}

func TestDigest(t *testing.T) {
	d := DigestOf([]byte("abc"))
	if want := Digest("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); d != want {
		t.Errorf("got %s", d)
	}
	sum, err := d.Sum()
	if err != nil || DigestSum(sum) != d {
		t.Errorf("no round trip: %v", err)
	}
	for _, bad := range []Digest{"", "sha256:", d[:70], d + "0", "md5:" + d[7:], Digest(strings.ToUpper(string(d))), d[:70] + "g"} {
		if _, err := bad.Sum(); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"version":1,"paper":{"title":"t","authors":[],"date":"2026-01-01T00:00:00Z"},"arch":"amd64","environment":{"kind":"host"},"objects":[],"steps":[],"results":[]}`))
	f.Add([]byte(`{"a":[[[{}]]],"b":"\u2028"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Manifest
		if Unmarshal(b, &m) != nil {
			return
		}
		again, err := Marshal(m)
		if err != nil || string(again) != string(b) {
			t.Fatalf("accepted %q but writes %q, %v", b, again, err)
		}
	})
}

func ExampleMarshal() {
	b, _ := Marshal(Author{Name: "Ada Lovelace", Affiliation: "London"})
	fmt.Println(string(b))
	// Output: {"affiliation":"London","name":"Ada Lovelace"}
}
