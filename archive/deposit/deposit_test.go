package deposit

import (
	"crypto/sha1"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/format/manifest"
	"repro/report"
)

// TestSWHID holds the identifiers of files and folders to git's.
func TestSWHID(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("needs git")
	}
	dir := t.TempDir()
	d := &Deposit{}
	for name, mode := range map[string]os.FileMode{
		"a": 0o644, "a.txt": 0o644, "a/b": 0o755, "a-b/c": 0o644, "z/y/x": 0o644, "run.sh": 0o755,
	} {
		if name == "a" {
			continue // a folder
		}
		content := []byte("content of " + name)
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, content, mode); err != nil {
			t.Fatal(err)
		}
		e := &Entry{Path: "inputs/" + name, Size: int64(len(content)), Mode: mode, Kind: "input"}
		e.Git = sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
		d.Entries = append(d.Entries, e, &Entry{Path: "outputs/elsewhere"})
	}
	run := func(args ...string) string {
		c := exec.Command(git, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q", ".")
	run("add", ".")
	if got, want := d.SWHID("inputs"), "swh:1:dir:"+run("write-tree"); got != want {
		t.Errorf("folder %s, git says %s", got, want)
	}
	e := d.Find("inputs/run.sh")
	if got, want := e.SWHID(), "swh:1:cnt:"+run("hash-object", "run.sh"); got != want {
		t.Errorf("file %s, git says %s", got, want)
	}
	list := string(d.SWHIDs())
	if !strings.HasPrefix(list, d.SWHID("inputs")+"  inputs/\n") || !strings.Contains(list, e.SWHID()+"  inputs/run.sh\n") || strings.Contains(list, "outputs/elsewhere") {
		t.Errorf("%s", list)
	}
}

func TestSplitName(t *testing.T) {
	for _, c := range []struct{ name, orcid, given, family string }{
		{"Lovelace, Ada", "", "Ada", "Lovelace"},
		{"Ada Lovelace", "", "", ""}, // may be a group
		{"Ada King Lovelace", "0000-0002-1825-0097", "Ada King", "Lovelace"},
		{"Aristotle", "0000-0002-1825-0097", "", "Aristotle"},
		{"van Gogh, Vincent, Jr", "", "Vincent, Jr", "van Gogh"},
	} {
		if given, family := SplitName(manifest.Author{Name: c.name, ORCID: c.orcid}); given != c.given || family != c.family {
			t.Errorf("%q: %q and %q, want %q and %q", c.name, given, family, c.given, c.family)
		}
	}
}

func TestTexts(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1024: "1 KiB", 1536: "1.5 KiB", 1 << 20: "1 MiB", 5 << 40: "5 TiB", 1 << 60: "1.05e+06 TiB"} {
		if got := Size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for in, want := range map[string]string{"": "''", "a b": "'a b'", "a-b.c": "a-b.c", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "-x": "-x"} {
		if got := ShellWord(in); got != want && in != "" {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
		out, err := exec.Command("sh", "-c", "printf %s "+ShellWord(in)).Output()
		if err == nil && string(out) != in && in != "" && in != "-x" {
			t.Errorf("%q reads as %q in a shell", in, out)
		}
	}
	for in, want := range map[string]string{"a b": "a%20b", "a/b": "a/b", "x:y": "x%3Ay", "50%": "50%25", "ü": "%C3%BC", "a?b#c": "a%3Fb%23c"} {
		if got := IRI(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]bool{"MIT": true, "CC-BY-4.0": true, "": false, "MIT OR Apache-2.0": false, "(MIT)": false, "GPL-2.0+": false, "Our-Terms": false, "mit": false, "LicenseRef-Mine": false, "DocumentRef-x:LicenseRef-y": false} {
		if SingleLicence(in) != want {
			t.Errorf("%q: %v", in, !want)
		}
	}
	for in, want := range map[string]string{"a/b.CSV": "text/csv", "x.tar.gz": "application/gzip", "Makefile": "application/octet-stream", "": "application/octet-stream"} {
		if got := MediaType(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if got := string(JSON(map[string]any{"b": "<&>", "a": 1})); got != "{\n  \"a\": 1,\n  \"b\": \"<&>\"\n}\n" {
		t.Errorf("%q", got)
	}
}

func TestDeposit(t *testing.T) {
	d := &Deposit{
		ContentID: "sha256:00",
		Manifest: &manifest.Manifest{
			Paper: manifest.Paper{Title: "T", Authors: []manifest.Author{{Affiliation: "B"}, {}, {Affiliation: "A"}, {Affiliation: "B"}}},
			Steps: []manifest.Step{{Name: "fit", Outputs: []string{"/paper/out"}, Memory: 3 << 20}, {Name: "plot", Outputs: []string{"/paper/fig/a.png"}, Memory: 2 << 20}},
		},
		Entries: []*Entry{{Path: "outputs/b", Size: 2}, {Path: "a", Size: 40}},
	}
	if got := Affiliations(d.Manifest.Paper.Authors); !slices.Equal(got, []string{"B", "A"}) {
		t.Errorf("%q", got)
	}
	for p, want := range map[string]string{"/paper/out": "fit", "/paper/out/x": "fit", "/paper/outside": "", "/paper/fig": "plot", "/paper/fig/a.png": "plot", "/paper/fig/b.png": ""} {
		if got, _ := d.Maker(p); got != want {
			t.Errorf("%s: made by %q, want %q", p, got, want)
		}
	}
	if d.Bytes() != 42 || d.Sorted()[0].Path != "a" || d.Find("b") != nil || d.Find("a").Size != 40 || d.Find("outputs/b") == nil || !d.Holds("outputs") || d.Holds("output") || d.Holds("a") {
		t.Errorf("%+v", d)
	}
	if d.LastRun() != nil || d.MostMemory() != "3 MiB" {
		t.Errorf("%v, %q", d.LastRun(), d.MostMemory())
	}
	d.Runs = []*Run{{Run: &report.Run{}}, {Run: &report.Run{Steps: []report.StepStatus{{MaxRSS: 5 << 10}, {MaxRSS: 6 << 10}}}}}
	if d.LastRun() != d.Runs[1].Run || d.MostMemory() != "6 KiB" {
		t.Errorf("%q", d.MostMemory())
	}
	// Version 8 and the variant of RFC 9562, and no change from one release to the next.
	if got := d.URN(); got != "urn:uuid:8fc0a49f-9699-88b2-9945-d88a43c57937" {
		t.Errorf("%s", got)
	}
	if got := d.Description(); !strings.Contains(got, `"T"`) {
		t.Error(got)
	}
	d.Manifest.Paper.Abstract = "What was done."
	if got := d.Description(); got != "What was done." {
		t.Error(got)
	}
}
