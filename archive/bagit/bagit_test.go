package bagit

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"repro/archive/container"
	"repro/internal/progress"
)

// memory is a bag that is not on any disk.
type memory map[string]string

func (m memory) Names() (map[string]int64, error) {
	all := map[string]int64{}
	for name, content := range m {
		all[name] = int64(len(content))
	}
	return all, nil
}
func (m memory) Open(name string) (io.ReadCloser, error) {
	content, ok := m[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(strings.NewReader(content)), nil
}
func (m memory) At(string) (container.File, error) { return nil, fs.ErrNotExist }
func (m memory) Close()                            {}

func entryOf(name, content string) Entry {
	return Entry{Path: name, SHA256: sha256.Sum256([]byte(content)), SHA512: sha512.Sum512([]byte(content))}
}

// written returns a bag of these files of the payload, as Tags makes it.
func written(files map[string]string, fetch []Fetch, info []Field) memory {
	m := memory{}
	var payload []Entry
	for name, content := range files {
		m["data/"+name] = content
		payload = append(payload, entryOf("data/"+name, content))
	}
	for _, t := range Tags(payload, fetch, info, Tag{"START.html", []byte("start")}) {
		m[t.Name] = string(t.Content)
	}
	return m
}

var demanding = Profile{Payload: []string{"crate.json", "recipe"}, Tags: []string{"START.html"}}

func check(t *testing.T, m memory) *Result {
	t.Helper()
	r, err := Check(t.Context(), m, demanding, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTags holds the bytes of the tag files.
func TestTags(t *testing.T) {
	payload := []Entry{entryOf("data/a%b", "x"), entryOf("data/c\nd", "y")}
	tags := Tags(payload, nil, []Field{{"Contact-Name", "Ada\n  Author"}, {"Contact-Email", ""}, {"Bagging-Date", "2026-01-02"}}, Tag{"START.html", []byte("s")})
	got := map[string]string{}
	var names []string
	for _, tag := range tags {
		names = append(names, tag.Name)
		got[tag.Name] = string(tag.Content)
	}
	order := []string{"START.html", "bag-info.txt", "bagit.txt", "manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt", "tagmanifest-sha512.txt"}
	if !slices.Equal(names, order) {
		t.Errorf("%q, want %q", names, order)
	}
	for name, want := range map[string]string{
		"bag-info.txt":        "Contact-Name: Ada Author\nBagging-Date: 2026-01-02\n",
		"bagit.txt":           "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
		"manifest-sha256.txt": fmt.Sprintf("%x  data/a%%25b\n%x  data/c%%0Ad\n", sha256.Sum256([]byte("x")), sha256.Sum256([]byte("y"))),
		"manifest-sha512.txt": fmt.Sprintf("%x  data/a%%25b\n%x  data/c%%0Ad\n", sha512.Sum512([]byte("x")), sha512.Sum512([]byte("y"))),
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if lines := strings.Count(got["tagmanifest-sha256.txt"], "\n"); lines != 5 || strings.Contains(got["tagmanifest-sha512.txt"], "tagmanifest") {
		t.Errorf("the tag manifest covers %d files:\n%s", lines, got["tagmanifest-sha256.txt"])
	}
	if m := Manifest(payload); m.Name != "manifest-sha256.txt" || string(m.Content) != got["manifest-sha256.txt"] {
		t.Errorf("%q", m)
	}
}

// TestFetch: a bag with files kept elsewhere has one manifest, which lists them.
func TestFetch(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	fetch := []Fetch{{"data/in/x y", "https://example.org/x y", sum, 0}, {"data/in/z", "https://example.org/z", sum, 7}}
	m := written(map[string]string{"crate.json": "c", "recipe": "r"}, fetch, nil)
	if _, there := m["manifest-sha512.txt"]; there {
		t.Error("two manifests, of which one cannot list what is kept elsewhere")
	}
	if want := "https://example.org/x%20y - data/in/x y\nhttps://example.org/z 7 data/in/z\n"; m["fetch.txt"] != want {
		t.Errorf("%q, want %q", m["fetch.txt"], want)
	}
	r := check(t, m)
	if !slices.Equal(r.Fetch, []string{"data/in/x y", "data/in/z"}) || len(r.Missing)+len(r.Problems)+len(r.Changed) != 0 || r.Intact != r.Files-2 {
		t.Errorf("%+v", r)
	}
}

// TestCheck changes one thing in a bag that is well.
func TestCheck(t *testing.T) {
	well := func() memory {
		return written(map[string]string{"crate.json": "c", "recipe": "r", "a%b\nc": "odd"}, nil, []Field{{"Payload-Oxum", "5.3"}})
	}
	if r := check(t, well()); len(r.Missing)+len(r.Extra)+len(r.Changed)+len(r.Fetch)+len(r.Problems) != 0 || r.Root != "data/" || r.Files != 8 || r.Intact != 8 {
		t.Fatalf("%+v", r)
	}
	for name, c := range map[string]struct {
		change func(memory)
		want   Result
	}{
		"changed":  {func(m memory) { m["data/recipe"] = "s" }, Result{Intact: 7, Changed: []string{"data/recipe"}}},
		"longer":   {func(m memory) { m["data/recipe"] = "rr" }, Result{Intact: 7, Changed: []string{"data/recipe"}}},
		"missing":  {func(m memory) { delete(m, "data/a%b\nc") }, Result{Intact: 7, Missing: []string{"data/a%b\nc"}}},
		"extra":    {func(m memory) { m["data/x"] = "" }, Result{Intact: 8, Extra: []string{"data/x"}}},
		"a tag":    {func(m memory) { m["bag-info.txt"] += "\n" }, Result{Intact: 7, Changed: []string{"bag-info.txt"}}},
		"the oxum": {func(m memory) { retag(m, "Payload-Oxum: 6.3\n") }, Result{Intact: 8, Problems: []string{"bag-info.txt: Payload-Oxum is 6.3, the payload has 5.3"}}},
		"a count":  {func(m memory) { retag(m, "Payload-Oxum: 5.4\n") }, Result{Intact: 8, Problems: []string{"bag-info.txt: Payload-Oxum is 5.4, the payload has 5.3"}}},
		"no oxum":  {func(m memory) { retag(m, "") }, Result{Intact: 8}},
	} {
		m := well()
		c.change(m)
		r := check(t, m)
		if r.Intact != c.want.Intact || !slices.Equal(r.Changed, c.want.Changed) || !slices.Equal(r.Missing, c.want.Missing) ||
			!slices.Equal(r.Extra, c.want.Extra) || !slices.Equal(r.Problems, c.want.Problems) {
			t.Errorf("%s: %+v, want %+v", name, r, c.want)
		}
	}
}

// retag replaces bag-info.txt and makes the tag manifests fit.
func retag(m memory, info string) {
	for _, sum := range []struct{ name, old, new string }{
		{"tagmanifest-sha256.txt", fmt.Sprintf("%x", sha256.Sum256([]byte(m["bag-info.txt"]))), fmt.Sprintf("%x", sha256.Sum256([]byte(info)))},
		{"tagmanifest-sha512.txt", fmt.Sprintf("%x", sha512.Sum512([]byte(m["bag-info.txt"]))), fmt.Sprintf("%x", sha512.Sum512([]byte(info)))},
	} {
		m[sum.name] = strings.Replace(m[sum.name], sum.old, sum.new, 1)
	}
	m["bag-info.txt"] = info
}

// TestCrate checks a crate alone, which has no bag around it.
func TestCrate(t *testing.T) {
	files := map[string]string{"crate.json": "c", "recipe": "r"}
	well := func() memory {
		m := memory{}
		var payload []Entry
		for name, content := range files {
			m[name] = content
			payload = append(payload, entryOf(name, content))
		}
		tag := Manifest(payload)
		m[tag.Name] = string(tag.Content)
		return m
	}
	if r := check(t, well()); r.Root != "" || r.Intact != 2 || len(r.Missing)+len(r.Extra)+len(r.Changed)+len(r.Problems) != 0 {
		t.Errorf("%+v", r)
	}
	m := well()
	m["more"] = ""
	if r := check(t, m); !slices.Equal(r.Extra, []string{"more"}) {
		t.Errorf("%+v", r)
	}
	m = well()
	delete(m, CrateManifest)
	if r := check(t, m); len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "not a crate that can be checked") {
		t.Errorf("%+v", r)
	}
	m = well()
	delete(m, "crate.json")
	if r := check(t, m); len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "not a bag") {
		t.Errorf("%+v", r)
	}
}

// TestProgress ends at the size of all files.
func TestProgress(t *testing.T) {
	var last progress.Event
	m := written(map[string]string{"crate.json": "c", "recipe": string(bytes.Repeat([]byte("r"), 3*bufferSize))}, nil, nil)
	if _, err := Check(t.Context(), m, demanding, func(e progress.Event) {
		if e.Done < last.Done {
			t.Errorf("%d after %d", e.Done, last.Done)
		}
		last = e
	}); err != nil {
		t.Fatal(err)
	}
	var size int64
	for name, content := range m {
		if !strings.HasPrefix(name, "tagmanifest") {
			size += int64(len(content))
		}
	}
	if last.Done != size || last.Total < size || !last.Bytes {
		t.Errorf("%+v, want %d bytes", last, size)
	}
}

// TestManifestLines: a line is a digest of the right length and a path within the
// bag, or a problem.
func TestManifestLines(t *testing.T) {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("r")))
	for name, c := range map[string]struct {
		line    string
		problem bool
	}{
		"good":             {sum + "  data/recipe\n", false},
		"in text mode":     {sum + " *data/recipe\n", false},
		"one blank":        {sum + " data/recipe\n", false},
		"capital digits":   {strings.ToUpper(sum) + "  data/recipe\n", false},
		"end of Windows":   {sum + "  data/recipe\r\n", false},
		"no last end":      {sum + "  data/recipe", false},
		"no path":          {sum + "\n", true},
		"an empty path":    {sum + "  \n", true},
		"not hexadecimal":  {strings.Repeat("g", 64) + "  data/recipe\n", true},
		"one digit short":  {sum[1:] + "  data/recipe\n", true},
		"two digits short": {sum[2:] + "  data/recipe\n", true},
		"two digits more":  {sum + "00  data/recipe\n", true},
		"upwards":          {sum + "  data/../data/recipe\n", true},
		"the root":         {sum + "  .\n", true},
		"a tag":            {sum + "  bagit.txt\n", true},
	} {
		m := written(map[string]string{"crate.json": "c"}, nil, nil)
		m["data/recipe"] = "r"
		m["manifest-sha256.txt"] += c.line
		delete(m, "manifest-sha512.txt")
		delete(m, "tagmanifest-sha256.txt")
		delete(m, "tagmanifest-sha512.txt")
		r := check(t, m)
		if got := len(r.Problems) > 0; got != c.problem {
			t.Errorf("%s: problems %q", name, r.Problems)
		}
		if intact := r.Intact == 2; intact == c.problem || !c.problem && slices.Contains(r.Extra, "data/recipe") {
			t.Errorf("%s: %d intact, extra %q", name, r.Intact, r.Extra)
		}
	}
}

// TestWanted: what the profile asks for is missing if it is neither there nor
// listed, and is said once.
func TestWanted(t *testing.T) {
	m := written(map[string]string{"crate.json": "c"}, nil, nil)
	if r := check(t, m); !slices.Equal(r.Missing, []string{"data/recipe"}) {
		t.Errorf("%q", r.Missing)
	}
	m = written(map[string]string{"crate.json": "c", "recipe": "r"}, nil, nil)
	delete(m, "data/recipe")
	if r := check(t, m); !slices.Equal(r.Missing, []string{"data/recipe"}) {
		t.Errorf("listed, and not there: %q", r.Missing)
	}
	m = written(map[string]string{"crate.json": "c", "recipe": "r"}, nil, nil)
	delete(m, "START.html")
	if r := check(t, m); !slices.Equal(r.Missing, []string{"START.html"}) {
		t.Errorf("a page: %q", r.Missing)
	}
}
