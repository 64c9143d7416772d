package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	for name, content := range files {
		if b, err := load(filepath.Join(dir, name)); err != nil || !bytes.Equal(b, content) {
			t.Errorf("%s: the program makes another (%v)", name, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, made := files[e.Name()]; !made && !strings.HasSuffix(e.Name(), ".key") && e.Name() != "README.md" {
			t.Errorf("%s: not made by the program", e.Name())
		}
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

// load reads a file, unpacked if its name ends in .gz.
func load(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil || filepath.Ext(name) != ".gz" {
		return b, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
