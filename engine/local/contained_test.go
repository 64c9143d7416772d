package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/engine"
	"repro/format/tree"
)

// containerIn is a container whose root is a folder of the test's.
func containerIn(t *testing.T) (*container, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &container{root: root}, dir
}

func put(t *testing.T, root *tree.Node, name string, n *tree.Node) {
	t.Helper()
	if err := root.Put(name, n); err != nil {
		t.Fatal(err)
	}
}

func wanted(t *testing.T) *tree.Node {
	root := tree.NewDir()
	put(t, root, "usr/bin/tool", tree.NewFile(0o755, []byte(strings.Repeat("tool", 100_000))))
	put(t, root, "bin", tree.NewSymlink("usr/bin"))
	put(t, root, "paper/data", tree.NewFile(0o644, []byte("data")))
	put(t, root, "paper/empty", tree.NewDir())
	put(t, root, "etc/hosts", tree.NewFile(0o644, []byte("of the image")))
	put(t, root, "dev/null", tree.NewFile(0o644, []byte("no device")))
	return root
}

// list is every path below dir, with what it is.
func list(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		switch d.Type() {
		case fs.ModeDir:
			name += "/"
		case fs.ModeSymlink:
			target, linkErr := os.Readlink(filepath.Join(dir, name))
			name, err = name+"->"+target, linkErr
		case 0:
			b, readErr := os.ReadFile(filepath.Join(dir, name))
			name, err = name+"="+string(b[:min(len(b), 4)]), readErr
		default:
			name += "?"
		}
		all = append(all, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Whatever a container has, it becomes what steps are to see, but for what belongs
// to its engine.
func TestBecome(t *testing.T) {
	want := []string{"bin->usr/bin", "etc/", "paper/", "paper/data=data", "paper/empty/", "usr/", "usr/bin/", "usr/bin/tool=tool"}
	for name, spoil := range map[string]func(dir string) error{
		"nothing": func(string) error { return nil },
		"a byte at the end": func(dir string) error {
			return os.WriteFile(dir+"/usr/bin/tool", []byte(strings.Repeat("tool", 99_999)+"toox"), 0o755)
		},
		"a file that is shorter": func(dir string) error { return os.WriteFile(dir+"/paper/data", []byte("dat"), 0o644) },
		"a mode":                 func(dir string) error { return os.Chmod(dir+"/usr/bin/tool", 0o644) },
		"a link for a file": func(dir string) error {
			return errors.Join(os.Remove(dir+"/paper/data"), os.Symlink("/etc/passwd", dir+"/paper/data"))
		},
		"another link": func(dir string) error { return errors.Join(os.Remove(dir+"/bin"), os.Symlink("/tmp", dir+"/bin")) },
		"a file for a link": func(dir string) error {
			return errors.Join(os.Remove(dir+"/bin"), os.WriteFile(dir+"/bin", nil, 0o644))
		},
		"a folder for a file": func(dir string) error {
			return errors.Join(os.Remove(dir+"/paper/data"), os.MkdirAll(dir+"/paper/data/x", 0o755))
		},
		"a folder as a link": func(dir string) error {
			return errors.Join(os.RemoveAll(dir+"/paper"), os.Symlink("usr", dir+"/paper"))
		},
		"more": func(dir string) error {
			return errors.Join(os.MkdirAll(dir+"/opt/more", 0o755), os.WriteFile(dir+"/paper/more", nil, 0o644))
		},
		"all is gone": func(dir string) error {
			return errors.Join(os.RemoveAll(dir+"/usr"), os.RemoveAll(dir+"/paper"), os.Remove(dir+"/bin"))
		},
	} {
		c, dir := containerIn(t)
		if err := c.become(t.Context(), wanted(t)); err != nil {
			t.Fatal(err)
		}
		if err := spoil(dir); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(dir+"/etc/hosts", []byte("of the engine"), 0o644), os.WriteFile(dir+"/.dockerenv", nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		if err := c.become(t.Context(), wanted(t)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := slices.DeleteFunc(list(t, dir), func(n string) bool { return strings.HasPrefix(n, ".dockerenv") || n == "etc/hosts=of t" })
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if b, err := os.ReadFile(dir + "/usr/bin/tool"); err != nil || string(b) != strings.Repeat("tool", 100_000) {
			t.Errorf("%s: the tool differs, %v", name, err)
		}
		if b, err := os.ReadFile(dir + "/etc/hosts"); err != nil || string(b) != "of the engine" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

// What cannot be made right is an error that names it.
func TestCannotBecome(t *testing.T) {
	c, dir := containerIn(t)
	if err := errors.Join(os.MkdirAll(dir+"/run/secrets", 0o755), os.WriteFile(dir+"/run/x", nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	want := wanted(t)
	put(t, want, "run", tree.NewFile(0o644, []byte("x"))) // where the engine has a folder
	if err := c.become(t.Context(), want); !errors.Is(err, engine.ErrMachine) || !strings.Contains(err.Error(), "/run not as the image has it") {
		t.Error(err)
	}
}

// What a step wrote, removed or replaced is in its upper layer, and nothing else.
func TestUpper(t *testing.T) {
	c, dir := containerIn(t)
	if err := c.become(t.Context(), wanted(t)); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.before, err = c.scan(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir + "/paper/data")
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		os.WriteFile(dir+"/paper/new", []byte("new"), 0o600), os.MkdirAll(dir+"/paper/d/e", 0o755), os.Symlink("new", dir+"/paper/d/link"),
		os.WriteFile(dir+"/paper/data", []byte("DATA"), 0o644), os.Chtimes(dir+"/paper/data", info.ModTime(), info.ModTime()), // as if it had not
		os.RemoveAll(dir+"/usr"), os.WriteFile(dir+"/etc/hosts", []byte("engine"), 0o644),
	)
	if err != nil {
		t.Fatal(err)
	}
	upper := t.TempDir()
	if err := c.upper(upper); err != nil {
		t.Fatal(err)
	}
	want := []string{"paper/", "paper/d/", "paper/d/e/", "paper/d/link->new", "paper/data=DATA", "paper/new=new", "usr?"}
	if got := list(t, upper); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
