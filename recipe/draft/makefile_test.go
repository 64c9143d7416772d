package draft

import (
	"os"
	"slices"
	"testing"
)

// TestMarkTargets: what make makes is no data that its run would find there.
func TestMarkTargets(t *testing.T) {
	dir := folder(t, map[string]string{
		"Makefile": "IN := $(wildcard in/*.txt)\nraw.csv:\n\tcurl -O https://example.org/raw.csv\nmid.rds: raw.csv\n\tx\nsummary.txt table.csv : mid.rds\n\tx\n" +
			"note.txt: # nothing\nkind.txt := a\nother.txt :: a\n",
		"raw.csv": "", "mid.rds": "", "summary.txt": "", "table.csv": "", "note.txt": "", "kind.txt": "", "other.txt": "", "in/a.txt": "", "src/x.egg-info/SOURCES.txt": "",
		"sub/GNUmakefile": "t.csv: x\n", "sub/t.csv": "", "sub/summary.txt": "",
	})
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := &draft{root: root.FS()}
	w.files, w.day, w.there, _ = scan(w.root)
	w.markTargets()
	if got, want := w.of(useResult), []string{"sub/t.csv", "summary.txt", "table.csv"}; !slices.Equal(got, want) {
		t.Errorf("results %q, want %q", got, want)
	}
	if got, want := w.of(useData), []string{"in/a.txt", "kind.txt", "note.txt", "other.txt", "raw.csv", "sub/summary.txt"}; !slices.Equal(got, want) {
		t.Errorf("data %q, want %q", got, want)
	}
	if got := w.of(useOther); !slices.Equal(got, []string{"mid.rds"}) {
		t.Errorf("neither: %q", got)
	}
}
