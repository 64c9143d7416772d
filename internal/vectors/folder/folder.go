// Package folder keeps the folders of test vectors, which programs write and
// tests compare with what the programs would write today. Files whose names end
// in .gz are packed there; programs and tests see what is in them.
package folder

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"repro/key"
)

// Index is the file that says of each vector what must be answered.
const Index = "vectors.json"

// Folder is the path of a folder, from the module's root.
type Folder string

// Exit ends the program that writes vectors: with status 1 and the error, if
// there is one.
func Exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// List is the text of an index: v as JSON, with an indentation.
func List(v any, indent string) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", indent)
	return append(b, '\n'), err
}

// Write writes files by their names.
func (f Folder) Write(files map[string][]byte) error {
	if err := os.MkdirAll(string(f), 0o777); err != nil {
		return err
	}
	for name, b := range files {
		if filepath.Ext(name) == ".gz" {
			b = pack(b)
		}
		if err := os.WriteFile(f.path(name), b, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// Read returns what is in a file.
func (f Folder) Read(name string) ([]byte, error) {
	b, err := os.ReadFile(f.path(name))
	if err != nil || filepath.Ext(name) != ".gz" {
		return b, err
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return io.ReadAll(z)
}

// Differences says where the folder is not what a program would make of it:
// files that are others or missing, and those that it does not make and whose
// names match none of kept (as of path.Match).
func (f Folder) Differences(files map[string][]byte, kept ...string) (all []string, err error) {
	for name, want := range files {
		if got, err := f.Read(name); err != nil || !bytes.Equal(got, want) {
			all = append(all, fmt.Sprintf("%s: the program makes another (%v)", name, err))
		}
	}
	entries, err := os.ReadDir(string(f))
	for _, e := range entries {
		_, made := files[e.Name()]
		if !made && !slices.ContainsFunc(kept, func(p string) bool { ok, _ := path.Match(p, e.Name()); return ok }) {
			all = append(all, e.Name()+": not made by the program")
		}
	}
	slices.Sort(all)
	return all, err
}

// Person has a key in a folder, by Ed25519, for its vectors only.
type Person struct {
	Name     string
	Kind     key.Kind
	Lifetime time.Duration // 0: for ever
}

// WriteKeys makes keys of that time, NAME.key.
func (f Folder) WriteKeys(born time.Time, people ...Person) error {
	for _, p := range people {
		k, err := key.New(p.Kind, key.Options{Algorithm: key.Ed25519, Name: p.Name, Time: born, Lifetime: p.Lifetime})
		if err != nil {
			return err
		}
		b, err := k.Encode(nil)
		if err != nil {
			return err
		}
		if err := f.Write(map[string][]byte{p.Name + ".key": b}); err != nil {
			return err
		}
	}
	return nil
}

// Key reads a person's key.
func (f Folder) Key(person string) (*key.Private, error) {
	b, err := f.Read(person + ".key")
	if err != nil {
		return nil, err
	}
	return key.ParsePrivate(b, nil)
}

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

func pack(b []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(b)
	}
	if err = cmp.Or(err, z.Close()); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}
