// Package witness asks the reference libraries of outside formats what their
// files hold, so that tests can hold this project's readers against them value
// by value. Only tests import it.
//
// A witness is a program in a package's testdata. It gets an empty folder, fills
// it with files, and writes beside each FILE what a reader must find in it, as
// FILE.json: {"arrays": [...]}, each with "name", "class" (as [ndarray.Class]
// prints it), "size", "shape", and "data", the elements in order with the last
// axis fastest, little-endian, in hexadecimal, or "texts". Of a file that is to
// be refused it says {"unread": true}.
package witness

import (
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

//go:embed answers.py
var library []byte

type answer struct {
	Unread bool
	Arrays []array
}

type array struct {
	Name, Class string
	Size        int
	Shape       []int
	Data        string
	Texts       []string
}

// Python runs a script that asks Python's libraries, each of which a Debian
// package provides, and holds read against its answers. It skips the test where
// one of the libraries is missing.
func Python(t *testing.T, script string, packages map[string]string, read func([]byte) ([]ndarray.Array, error)) {
	t.Helper()
	const python = "/usr/bin/python3"
	for module, debian := range packages {
		if err := exec.Command(python, "-c", "import "+module).Run(); err != nil {
			t.Skipf("needs %s (Debian package %s)", module, debian)
		}
	}
	if _, err := os.ReadFile(script); err != nil { // which has go test run it anew when it changes
		t.Fatal(err)
	}
	own := t.TempDir()
	if err := os.WriteFile(filepath.Join(own, "answers.py"), library, 0o644); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cmd := exec.Command(python, script, folder)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+own, "PYTHONDONTWRITEBYTECODE=1", "HDF5_USE_FILE_LOCKING=FALSE")
	hold(t, cmd, folder, read)
}

// R runs a script that asks R, as [Python] does.
func R(t *testing.T, script string, read func([]byte) ([]ndarray.Array, error)) {
	t.Helper()
	program, err := exec.LookPath("Rscript")
	if err != nil {
		t.Skip("needs R (Debian package r-base-core)")
	}
	if _, err := os.ReadFile(script); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	hold(t, exec.Command(program, "--vanilla", script, folder), folder, read)
}

func hold(t *testing.T, cmd *exec.Cmd, folder string, read func([]byte) ([]ndarray.Array, error)) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	answers, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(answers) == 0 {
		t.Fatalf("%v: no answers: %v", cmd, err)
	}
	values := 0
	for _, name := range answers {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var want answer
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		file, err := os.ReadFile(strings.TrimSuffix(name, ".json"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(file)
		name = strings.TrimSuffix(filepath.Base(name), ".json")
		switch {
		case want.Unread && !errors.Is(err, badfile.ErrUnread):
			t.Errorf("%s: %v; must not be read", name, err)
		case want.Unread:
		case err != nil:
			t.Errorf("%s: %v", name, err)
		default:
			values += compare(t, name, got, want.Arrays)
		}
	}
	t.Logf("%d files, %d values", len(answers), values)
}

func compare(t *testing.T, file string, got []ndarray.Array, want []array) (values int) {
	t.Helper()
	if len(got) != len(want) {
		var names []string
		for _, a := range got {
			names = append(names, a.Name)
		}
		t.Errorf("%s: %d arrays, the witness says %d; found %.2000q", file, len(got), len(want), names)
		return 0
	}
	byName := map[string]*ndarray.Array{}
	for i := range got {
		byName[got[i].Name] = &got[i]
	}
	for _, w := range want {
		g := byName[w.Name]
		if g == nil {
			t.Errorf("%s: no array %q", file, w.Name)
			continue
		}
		values += g.Count()
		if g.Class.String() != w.Class || g.Size != w.Size || !slices.Equal(g.Shape, w.Shape) {
			t.Errorf("%s: %q is %s (%d); the witness says %s%d %v", file, w.Name, g.Describe(), g.Size, w.Class, 8*w.Size, w.Shape)
			continue
		}
		if g.Class == ndarray.Text {
			if !slices.Equal(g.Texts, w.Texts) {
				t.Errorf("%s: %q is %.300q; the witness says %.300q", file, w.Name, g.Texts, w.Texts)
			}
			continue
		}
		if data := hex.EncodeToString(littleEndian(g)); data != w.Data {
			t.Errorf("%s: %q is %.300s; the witness says %.300s", file, w.Name, data, w.Data)
		}
	}
	return values
}

// littleEndian is an array's elements in one order, whatever it is stored in.
func littleEndian(a *ndarray.Array) []byte {
	var out []byte
	unit := a.Size
	switch a.Class {
	case ndarray.Complex:
		unit /= 2
	case ndarray.Bytes:
		unit = 1
	}
	for i := range a.Count() {
		element := slices.Clone(a.At(i))
		if a.Order == binary.ByteOrder(binary.BigEndian) {
			for at := 0; at < len(element); at += unit {
				slices.Reverse(element[at : at+unit])
			}
		}
		out = append(out, element...)
	}
	return out
}
