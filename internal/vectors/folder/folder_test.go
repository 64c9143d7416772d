package folder

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"repro/key"
)

func TestFolder(t *testing.T) {
	f := Folder(filepath.Join(t.TempDir(), "vectors"))
	files := map[string][]byte{"a.sif.gz": []byte("packed"), "b.json": []byte("{}\n")}
	if err := f.Write(files); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := f.Read(name); string(got) != string(want) || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if raw, err := os.ReadFile(f.path("a.sif.gz")); err != nil || raw[0] != 0x1f || raw[1] != 0x8b {
		t.Errorf("not packed: %.2x, %v", raw, err)
	}
	differences := func(files map[string][]byte, kept ...string) []string {
		t.Helper()
		all, err := f.Differences(files, kept...)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := differences(files); got != nil {
		t.Errorf("nothing differs: %q", got)
	}
	other := map[string][]byte{"a.sif.gz": []byte("packed"), "b.json": []byte("[]\n"), "c": nil}
	want := []string{"b.json: the program makes another (<nil>)", "c: the program makes another (open " + f.path("c") + ": no such file or directory)"}
	if got := differences(other); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	delete(files, "b.json")
	if got := differences(files); !slices.Equal(got, []string{"b.json: not made by the program"}) {
		t.Errorf("%q", got)
	}
	if got := differences(files, "README.md", "*.json"); got != nil {
		t.Errorf("%q", got)
	}
	if err := os.WriteFile(f.path("bad.gz"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read("bad.gz"); err == nil {
		t.Error("what is not packed was read")
	}
	if _, err := Folder(f.path("none")).Differences(nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

func TestKeys(t *testing.T) {
	f := Folder(t.TempDir())
	born := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	people := []Person{{"alice", key.OpenPGP, 0}, {"bob", key.PEM, 0}}
	if err := f.WriteKeys(born, people...); err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		k, err := f.Key(p.Name)
		if err != nil || k.Public().Kind() != p.Kind {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	if _, err := f.Key("eve"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nobody's key: %v", err)
	}
}
