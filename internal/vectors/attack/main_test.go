package main

import (
	"os"
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
// bytes of images. That is a mistake, or a new version of the format or of the
// codec: then run the program.
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

// TestEachVectorAsksAnotherQuestion: no alteration leaves the image as it was.
func TestEachVectorAsksAnotherQuestion(t *testing.T) {
	files, err := generate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, v := range vectors {
		question := strings.Join([]string{string(files[v.File]), v.Now, strings.Join(v.Keys, " "), strings.Join(v.Detached, " ")}, "\x00")
		if other := names[question]; other != "" {
			t.Errorf("%s: the same as %s", v.File, other)
		}
		names[question] = v.File
	}
}
