package main

import (
	"os"
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
	files, err := files()
	if err != nil {
		t.Fatal(err)
	}
	differences, err := dir.Differences(files, "README.md", "*.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
}
