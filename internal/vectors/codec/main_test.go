package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../../.."); err != nil { // paths are from the module's root
		panic(err)
	}
	os.Exit(m.Run())
}

// TestCommittedFilesAreThoseOfTheProgram fails when the codec writes other
// bytes: then it needs another name.
func TestCommittedFilesAreThoseOfTheProgram(t *testing.T) {
	want, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s is not what the program makes: %v", name, err)
		}
	}
	committed, err := filepath.Glob(filepath.Join(dir, "*.zst"))
	if err != nil || len(committed) != len(vectors) {
		t.Errorf("%d files, want %d: %v", len(committed), len(vectors), err)
	}
}
