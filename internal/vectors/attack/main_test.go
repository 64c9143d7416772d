package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
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
