package compare

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/compare/kinds"
	"repro/format/manifest"
	"repro/report"
)

// TestPlantedInEveryKind holds that what real programs write anew is the same,
// and that each change planted in it is found.
func TestPlantedInEveryKind(t *testing.T) {
	const root = "../testdata/vectors/planted"
	folders, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		files, err := filepath.Glob(filepath.Join(root, folder.Name(), "*"))
		if err != nil || len(files) < 6 {
			t.Fatalf("%s: %q %v", folder.Name(), files, err)
		}
		for _, name := range files {
			plant, ext, _ := strings.Cut(filepath.Base(name), ".")
			if plant == "base" {
				continue
			}
			t.Run(ext+"/"+plant, func(t *testing.T) {
				f, err := Files(context.Background(), Path(filepath.Join(root, folder.Name(), "base."+ext)), Path(name), manifest.Rule{})
				if err != nil {
					t.Fatal(err)
				}
				seen[f.Kind] = true
				want := report.Differs
				if plant == "harmless" {
					want = report.SameContent
				}
				if f.Verdict != want {
					t.Errorf("%s: %s; want %s", f.Verdict, f.Reason, want)
				}
			})
		}
	}
	for _, kind := range kinds.Names() {
		if kind != kinds.Exact && kind != kindGIF && kind != kindJPEG && !seen[kind] {
			t.Errorf("nothing is planted in %s", kind)
		}
	}
}
