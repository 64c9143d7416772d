package main

import (
	"os"
	"slices"
	"testing"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../../.."); err != nil { // paths are from the module's root
		panic(err)
	}
	os.Exit(m.Run())
}

// TestCommittedFilesAreThoseOfTheProgram also fails when a change moves the
// bytes of images or of statements. That is a mistake, or a new version: then
// run the program.
func TestCommittedFilesAreThoseOfTheProgram(t *testing.T) {
	files, err := generate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	differences, err := dir.Differences(files, "*.key", "README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
}

// TestEachVectorAsksAnotherQuestion: no two ask the same, and most are attacks
// of which none is accepted for what it pretends.
func TestEachVectorAsksAnotherQuestion(t *testing.T) {
	files, err := generate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names, attacks := map[string]string{}, 0
	for _, v := range vectors {
		question := string(files[v.Image]) + string(files[v.Policy]) + v.Now
		for _, d := range v.Detached {
			question += string(files[d])
		}
		if other := names[question]; other != "" {
			t.Errorf("%s: the same as %s", v.Name, other)
		}
		names[question] = v.Name
		if !slices.Contains(v.Statuses, valid) || v.Verdict != accepted {
			attacks++
		}
	}
	if attacks < 120 {
		t.Errorf("%d attacks, want 120", attacks)
	}
}
