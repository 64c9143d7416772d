package distinfo

import (
	"reflect"
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		want Metadata
	}{
		{"Metadata-Version: 2.1\nName: Num_Py\nVersion: 1.2\nLicense: BSD\n\nName: of the text\nVersion: 9\n", Metadata{Name: "Num_Py", Version: "1.2", Licences: []string{"BSD"}}},
		{"Name: a\r\nVersion: 1\r\nLicense-Expression: MIT\r\nLicense: long text\r\n", Metadata{Name: "a", Version: "1", Licences: []string{"MIT"}}},
		{"Name: a\nLicense: old\nLicense-Expression: MIT OR X\n", Metadata{Name: "a", Licences: []string{"MIT OR X"}}},
		{"Name: a\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\nClassifier: Topic :: Text\nClassifier: License :: Public Domain\n",
			Metadata{Name: "a", Licences: []string{"MIT License", "Public Domain"}}},
		{"Name: a\nLicense: BSD\nClassifier: License :: OSI Approved :: MIT License\n", Metadata{Name: "a", Licences: []string{"BSD"}}},
		{"name: a\n  Version: 7\n\tName: b\n", Metadata{Name: "a"}},
		{"Name: a\nRequires-Dist: Foo.Bar_baz (>=1.0)\nRequires-Dist: x[y]>=2; python_version < \"3\"\nRequires-Dist: t ; extra == 'test'\nRequires-Dist: u;extra=='test'\n",
			Metadata{Name: "a", Requires: []string{"foo-bar-baz", "x"}}},
		{"", Metadata{}}, {"\nName: a\n", Metadata{}}, {"Name\n: x\n", Metadata{}},
	} {
		if got := Parse([]byte(c.text)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q:\n got %+v\nwant %+v", c.text, got, c.want)
		}
	}
}

func TestFiles(t *testing.T) {
	record := "num/__init__.py,sha256=x,1\n\"num/a,b.py\",sha256=y,2\n\"num/\"\"q\"\".py\",,\n../../../bin/num,,\nnum/./x.py,,\n\"num/line\nfeed.py\",,\n\nnum-1.dist-info/RECORD,,\r\n"
	want := []string{"num/__init__.py", "num/a,b.py", `num/"q".py`, "../../../bin/num", "num/x.py", `feed.py"`, "num-1.dist-info/RECORD"}
	if got := slices.Collect(Files([]byte(record))); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for first := range Files([]byte("a,,\nb,,\n")) {
		if first != "a" {
			t.Error(first)
		}
		break
	}
	installed := slices.Collect(InstalledFiles([]byte("../old/__init__.py\nPKG-INFO\r\n\n"), "/x/old-3.egg-info"))
	if want := []string{"old/__init__.py", "old-3.egg-info/PKG-INFO"}; !slices.Equal(installed, want) {
		t.Errorf("installed %q, want %q", installed, want)
	}
}

func TestParts(t *testing.T) {
	files := []string{"num/a.py", "six.py", "num/b.py", "../../bin/x", "__pycache__/six.pyc", "num-1.dist-info/RECORD", "num.libs/x.so", "num/c.py", "."}
	if got, want := Parts(slices.Values(files)), []string{"num", "num.libs", "six.py"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRequires(t *testing.T) {
	if got, want := Requires([]byte("numpy>=1\nB_c\n\n[test]\npytest\n")), []string{"numpy", "b-c"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Modules([]byte("a\nb_c\n")); !slices.Equal(got, []string{"a", "b_c"}) {
		t.Errorf("modules %q", got)
	}
	for name, want := range map[string]string{"Foo.Bar__baz": "foo-bar-baz", "a": "a", "": ""} {
		if got := Normalised(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{"a-1.dist-info": true, "x/b.egg-info": true, "dist-info": false, "a.py": false} {
		if IsInfo(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}

// FuzzDistinfo holds that whatever the files hold is read, and that no name
// leads out by its form.
func FuzzDistinfo(f *testing.F) {
	f.Add([]byte("Name: a\nVersion: 1\nRequires-Dist: b ; extra == 'c'\n\n"))
	f.Add([]byte("\"a,b\"\"c\",sha256=x,1\n../x,,\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, name := range Parse(b).Requires {
			if name == "" || name != Normalised(name) {
				t.Errorf("requires %q", name)
			}
		}
		for _, part := range Parts(Files(b)) {
			if part == "" || part == ".." || IsInfo(part) {
				t.Errorf("part %q", part)
			}
		}
	})
}
