package build

import (
	"context"
	"encoding/binary"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"repro/format"
	"repro/format/tree"
)

func TestNormalise(t *testing.T) {
	root := tree.NewDir()
	put := func(name string, mode fs.FileMode, change func(*tree.Node)) {
		n := tree.NewFile(0, []byte("x"))
		n.Mode, n.UID, n.GID, n.ModTime = mode, 1000, 100, 7
		if mode.IsDir() {
			n = tree.NewDir()
			n.Mode = mode
		}
		if change != nil {
			change(n)
		}
		if err := root.Put(name, n); err != nil {
			t.Fatal(err)
		}
	}
	put("a/plain", 0o600, nil)
	put("a/run", 0o710, nil)
	put("a/su", fs.ModeSetuid|fs.ModeSetgid|0o4755, func(n *tree.Node) {
		n.Xattrs = map[string][]byte{"security.capability": {1}, "user.note": []byte("kept"), "user.xdg.origin.url": []byte("https://u:token@x"), "user.overlay.opaque": []byte("y"), "user.containers.override_stat": {1}}
	})
	put("a/link", fs.ModeSymlink|0o700, func(n *tree.Node) { n.Target, n.Open, n.Size = "plain", nil, 0 })
	put("a/null", fs.ModeDevice|fs.ModeCharDevice|0o666, nil)
	put("a/disk", fs.ModeDevice|0o600, nil)
	put("a/fifo", fs.ModeNamedPipe|0o600, nil)
	put("a/sock", fs.ModeSocket|0o600, nil)
	put("tmp", fs.ModeDir|0o700, nil)
	put("var/tmp", fs.ModeDir|0o700, nil)
	put("shared", fs.ModeDir|fs.ModeSetgid|fs.ModeSticky|0o2770, nil)
	normalise(root, 1_700_000_000, []string{"user.note", "user.absent"})
	want := map[string]fs.FileMode{
		"": fs.ModeDir | 0o755, "a": fs.ModeDir | 0o755, "a/plain": 0o644, "a/run": 0o755, "a/su": 0o755, "a/link": fs.ModeSymlink | 0o777,
		"tmp": fs.ModeDir | fs.ModeSticky | 0o777, "var": fs.ModeDir | 0o755, "var/tmp": fs.ModeDir | fs.ModeSticky | 0o777, "shared": fs.ModeDir | 0o755,
	}
	got := map[string]fs.FileMode{}
	for name, n := range root.All() {
		got[name] = n.Mode
		if n.UID != 0 || n.GID != 0 || n.ModTime != 1_700_000_000 {
			t.Errorf("%s: owner %d:%d, time %d", name, n.UID, n.GID, n.ModTime)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if x := root.Lookup("a/su").Xattrs; !reflect.DeepEqual(x, map[string][]byte{"user.note": []byte("kept")}) {
		t.Errorf("extended attributes %q", x)
	}
}

func TestSeparate(t *testing.T) {
	root, one := tree.NewDir(), tree.NewFile(0o644, []byte("x"))
	for _, name := range []string{"a", "b", "d/c"} {
		if err := root.Put(name, one); err != nil {
			t.Fatal(err)
		}
	}
	separate(root, map[*tree.Node]bool{})
	a, b, c := root.Lookup("a"), root.Lookup("b"), root.Lookup("d/c")
	if a == b || b == c || a == c {
		t.Error("names of a hard link are still one file")
	}
	if b.Size != 1 || c.Size != 1 || b.Mode != 0o644 {
		t.Errorf("the copies are %+v and %+v", b, c)
	}
}

func TestComplete(t *testing.T) {
	root := tree.NewDir()
	for name, text := range map[string]string{"etc/hostname": "laptop\n", "etc/resolv.conf": "nameserver 10.0.0.1\n", "etc/passwd": "me\n", "tmp/x": "x", "proc/1/environ": "secret"} {
		if err := root.Put(name, tree.NewFile(0o644, []byte(text))); err != nil {
			t.Fatal(err)
		}
	}
	if err := root.Put("etc/hosts", tree.NewSymlink("../run/hosts")); err != nil {
		t.Fatal(err)
	}
	complete(root)
	want := map[string]int64{"etc/hostname": 10, "etc/resolv.conf": 0, "etc/passwd": 3, "etc/hosts": 0, "etc/group": 27}
	for name, size := range want {
		if n := root.Lookup(name); n == nil || n.Size != size {
			t.Errorf("%s: %+v", name, n)
		}
	}
	for _, name := range []string{"tmp/x", "proc/1", "etc/machine-id"} {
		if root.Lookup(name) != nil {
			t.Errorf("%s is there", name)
		}
	}
}

func cached(flags, mtime, size uint32) *tree.Node {
	b := append([]byte{0xa7, 0x0d, '\r', '\n'}, make([]byte, 12)...)
	binary.LittleEndian.PutUint32(b[4:], flags)
	binary.LittleEndian.PutUint32(b[8:], mtime)
	binary.LittleEndian.PutUint32(b[12:], size)
	return tree.NewFile(0o644, append(b, "code"...))
}

func TestSourceTimes(t *testing.T) {
	root := tree.NewDir()
	for name, n := range map[string]*tree.Node{
		"m/valid.py": tree.NewFile(0o644, []byte("12345")), "m/__pycache__/valid.cpython-311.pyc": cached(0, 1234, 5),
		"m/stale.py": tree.NewFile(0o644, []byte("12345")), "m/__pycache__/stale.cpython-311.pyc": cached(0, 1234, 6),
		"m/hashed.py": tree.NewFile(0o644, []byte("12345")), "m/__pycache__/hashed.cpython-311.pyc": cached(1, 1234, 5),
		"m/linked.py": tree.NewSymlink("/e/real.py"), "e/real.py": tree.NewFile(0o644, []byte("12345")), "m/__pycache__/linked.cpython-311.pyc": cached(0, 55, 5),
		"m/two.py": tree.NewFile(0o644, []byte("12345")), "m/__pycache__/two.cpython-311.pyc": cached(0, 77, 5), "m/__pycache__/two.cpython-312.pyc": cached(0, 99, 6),
		"m/__pycache__/gone.cpython-311.pyc": cached(0, 1, 1), "m/__pycache__/short.cpython-311.pyc": tree.NewFile(0o644, []byte("x")), "m/short.py": tree.NewFile(0o644, nil),
	} {
		if err := root.Put(name, n); err != nil {
			t.Fatal(err)
		}
	}
	normalise(root, 42, nil)
	if got := root.Lookup("e/real.py").ModTime; got != 55 {
		t.Errorf("the source behind a link has time %d, want 55", got)
	}
	for name, want := range map[string]int64{"valid": 1234, "stale": 42, "hashed": 42, "two": 77, "short": 42} {
		if got := root.Lookup("m/" + name + ".py").ModTime; got != want {
			t.Errorf("%s.py has time %d, want %d", name, got, want)
		}
	}
}

// TestPythonNeedNotCompile builds an image with a Python package of the
// machine and has Python say whether it believes its caches.
func TestPythonNeedNotCompile(t *testing.T) {
	python := "/usr/bin/python3"
	if _, err := os.Stat(python); err != nil {
		t.Skipf("needs %s", python)
	}
	base := t.TempDir()
	write(t, base, map[string]string{"bin/sh": "#!", "lib/pkg/a.py": "x = 1\n", "lib/pkg/__init__.py": ""})
	sh, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(base, "bin/sh"), sh, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "-m", "compileall", "-q", filepath.Join(base, "lib")).CombinedOutput(); err != nil {
		t.Skipf("needs python3 that compiles: %s", out)
	}
	dir := t.TempDir()
	write(t, dir, experiment)
	write(t, dir, map[string]string{"repro.yaml": strings.NewReplacer("host: [sh, awk, cat]", "rootfs: "+base, "awk -f fit.awk", ": ").Replace(experiment["repro.yaml"])})
	im, _ := build(t, dir)
	layer, err := im.Layer(format.EnvironmentName)
	if err != nil {
		t.Fatal(err)
	}
	root, err := layer.Tree()
	if err != nil {
		t.Fatal(err)
	}
	there := t.TempDir()
	if err := tree.Extract(context.Background(), root, there, tree.ExtractOptions{}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-v", "-c", "import pkg.a")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(there, "lib"), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, module := range []string{"a", "__init__"} {
		if want := "pkg/__pycache__/" + module + ".cpython-"; !strings.Contains(string(out), "matches") || !strings.Contains(string(out), want) {
			t.Errorf("python did not use the cache of %s:\n%s", module, out)
		}
	}
	if strings.Contains(string(out), "bytecode is stale") {
		t.Errorf("python calls a cache stale:\n%s", out)
	}
}
