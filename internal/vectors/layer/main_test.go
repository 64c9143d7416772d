package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../../.."); err != nil { // paths are from the module's root
		panic(err)
	}
	os.Exit(m.Run())
}

// TestCommittedFilesAreThoseOfTheProgram fails when layers get other bytes:
// then the codecs need other names.
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

// TestAnotherImplementation has the layers written by the program beside them,
// which was written from SPEC.md, and read by unsquashfs.
func TestAnotherImplementation(t *testing.T) {
	for _, program := range []string{"python3", "unsquashfs"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s", program)
		}
	}
	for _, v := range vectors() {
		t.Run(v.name, func(t *testing.T) {
			want, err := dir.Read(v.name + ".layer")
			if err != nil {
				t.Fatal(err)
			}
			description, err := dir.Read(v.name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(t.TempDir(), v.name)
			if err := os.WriteFile(name+".json", description, 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("python3", filepath.Join(string(dir), "write.py"), name+".json").CombinedOutput(); err != nil {
				t.Fatalf("write.py: %v\n%s", err, out)
			}
			if got, err := os.ReadFile(name + ".layer"); err != nil || !bytes.Equal(got, want) {
				t.Errorf("write.py makes other bytes: %v", err)
			}
			out, err := exec.Command("unsquashfs", "-lls", name+".layer").CombinedOutput()
			if lines := bytes.Count(out, []byte("squashfs-root")); err != nil || lines != len(v.Tree) {
				t.Errorf("unsquashfs lists %d paths, want %d: %v", lines, len(v.Tree), err)
			}
		})
	}
}
