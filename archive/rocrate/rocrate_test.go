package rocrate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"repro/archive/container"
	"repro/archive/deposit"
	"repro/format/manifest"
	"repro/recipe"
)

// example has one step that reads a file among many.
func example(t *testing.T, files int) *deposit.Deposit {
	date := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	d := &deposit.Deposit{
		Manifest: &manifest.Manifest{
			Paper: manifest.Paper{Title: "A <b> & c", Licence: "MIT", Authors: []manifest.Author{{Name: "Ada Author", ORCID: "0000-0002-1825-0097"}}},
			Steps: []manifest.Step{{Name: "sum", Command: []string{"sh", "sum.sh"}, Inputs: []string{"/paper/data/3 x.txt"}}},
		},
		Recipe: &recipe.Recipe{}, Date: date, ImageName: "paper.sif", ImageSize: 7,
	}
	add := func(name, kind string) {
		d.Entries = append(d.Entries, &deposit.Entry{Path: name, Kind: kind, Size: 7, Digests: container.Digests{SHA256: [32]byte{1, 2}}})
	}
	add("paper.sif", "image")
	add("repro.yaml", "recipe")
	add("sbom/environment.spdx.json", "sbom")
	add("ro-crate-metadata.json", "crate")
	for i := range files {
		add(fmt.Sprintf("inputs/data/%d x.txt", i), "input")
	}
	return d
}

type graphOf struct {
	Graph []map[string]any `json:"@graph"`
}

// TestMetadata holds the form of the document (SPEC.md, ARC-7), and that what is
// written entity by entity is what encoding it as a whole would give.
func TestMetadata(t *testing.T) {
	for _, p := range []Profile{RunCrate05, RunCrate06} {
		b := Metadata(example(t, 12), p)
		var whole any
		if err := json.Unmarshal(b, &whole); err != nil {
			t.Fatal(err)
		}
		if want := deposit.JSON(whole); !bytes.Equal(b, want) {
			t.Errorf("%s: is not in its canonical form:\n%s\nwant\n%s", p, b, want)
		}
		var g graphOf
		if err := json.Unmarshal(b, &g); err != nil {
			t.Fatal(err)
		}
		byID := map[string]map[string]any{}
		var ids []string
		for _, e := range g.Graph {
			id := e["@id"].(string)
			if byID[id] != nil {
				t.Errorf("%s: %s is there twice", p, id)
			}
			byID[id], ids = e, append(ids, id)
		}
		if ids[0] != "ro-crate-metadata.json" || ids[1] != "./" || !slices.IsSorted(ids[2:]) {
			t.Errorf("%s: order %q", p, ids)
		}
		file := byID["inputs/data/3%20x.txt"]
		if file == nil || file["contentSize"] != "7" || file["name"] != "3 x.txt" || file["exampleOfWork"] == nil {
			t.Errorf("%s: the file that a step reads: %v", p, file)
		}
		other := byID["inputs/data/11%20x.txt"]
		if other == nil || other["sha256"] == nil || other["exampleOfWork"] != nil {
			t.Errorf("%s: a file that none reads: %v", p, other)
		}
		if about := byID["sbom/environment.spdx.json"]["about"]; fmt.Sprint(about) != "map[@id:paper.sif]" {
			t.Errorf("%s: the bill of materials is about %v", p, about)
		}
		parts := byID["./"]["hasPart"].([]any)
		if len(parts) != 12+3+3 { // files but the crate's own, and folders
			t.Errorf("%s: %d parts: %v", p, len(parts), parts)
		}
		if n := len(byID["inputs/data/"]["hasPart"].([]any)); n != 12 {
			t.Errorf("%s: %d files in inputs/data", p, n)
		}
		if byID["ro-crate-preview.html"] != nil || byID["paper.sif"]["tag"] != "2026-01-02" {
			t.Errorf("%s: %v", p, byID["paper.sif"])
		}
	}
}
