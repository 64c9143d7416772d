package filename

import (
	"strings"
	"testing"
)

func TestPortable(t *testing.T) {
	for name, want := range map[string]string{
		"data/x.csv": "", "面试/café.txt": "", "a b/c+#&;'.csv": "", "cone/prn1.txt": "", strings.Repeat("x", 255): "",
		"a/\xff": "UTF-8", "a%20b": "a %", "why?.csv": "refuse", "a:b": "refuse", "a/con.txt": "device", "LPT9": "device",
		"x./y": "full stop", " x": "space", "a\tb": "control", "a\u202eb": "control", "a//b": "not a name", "a/../b": "not a name",
		strings.Repeat("x", 256): "255", strings.Repeat("x/", 500) + "y": "1000", "x/bagit.txt": "bag",
	} {
		if got := Portable(name); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestTwins(t *testing.T) {
	const nfc, nfd = "caf\u00e9.txt", "cafe\u0301.txt"
	var twins Twins
	for _, c := range []struct{ name, other, how string }{
		{nfc, "", ""}, {nfc, "", ""}, {nfd, nfc, "accents"}, {"A", "", ""}, {"a", "A", "capital"}, {"stra\u00dfe", "", ""}, {"STRASSE", "stra\u00dfe", "capital"}, {"b", "", ""},
	} {
		other, how := twins.Add(c.name)
		if other != c.other || !strings.Contains(how, c.how) || c.how == "" && how != "" {
			t.Errorf("%q: %q %q, want %q %q", c.name, other, how, c.other, c.how)
		}
	}
	if got := SameLooking(nfc, []string{"x", nfd}); got != nfd {
		t.Errorf("%q looks like %q", nfc, got)
	}
	if SameLooking(nfc, []string{nfd, nfc}) != "" || SameLooking("a", []string{"A"}) != "" {
		t.Error("the name itself, or other letters, look the same")
	}
}
