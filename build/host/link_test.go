package host

import (
	"context"
	"debug/elf"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAgreesWithLoader has the machine's own loader list the libraries of many
// programs and compares.
func TestAgreesWithLoader(t *testing.T) {
	const loader = "/lib64/ld-linux-x86-64.so.2"
	if _, err := os.Stat(loader); err != nil || testing.Short() {
		t.Skipf("needs %s, and time", loader)
	}
	entries, err := os.ReadDir("/usr/bin")
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for i, e := range entries {
		full := "/usr/bin/" + e.Name()
		if i%4 != 0 || !e.Type().IsRegular() {
			continue
		}
		cmd := exec.Command(loader, "--list", full)
		cmd.Env = []string{}
		out, err := cmd.Output()
		if err != nil {
			continue // a script, or a static program
		}
		g := newGatherer(machine{}, nil)
		if err := g.start(full); err != nil {
			t.Errorf("%s: %v", full, err)
			continue
		}
		var want []string
		for line := range strings.Lines(string(out)) {
			if _, path, ok := strings.Cut(line, "=> "); ok {
				real, _, err := machine{}.resolve(strings.Fields(path)[0], nil)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, real)
			}
		}
		got := slices.DeleteFunc(slices.Sorted(maps.Keys(g.objects)), func(name string) bool {
			obj := g.objects[name]
			return obj == nil || name == full || g.root.Lookup(name) == nil
		})
		slices.Sort(want)
		if want = slices.Compact(want); !slices.Equal(got, withLoader(want, got)) {
			t.Errorf("%s:\ngot  %q\nwant %q", full, got, want)
		}
		compared++
	}
	if compared < 20 {
		t.Skipf("needs more programs than %d", compared)
	}
	t.Logf("compared %d programs", compared)
}

// withLoader adds the loader to want if got has it: --list does not always.
func withLoader(want, got []string) []string {
	for _, name := range got {
		if strings.HasPrefix(filepath.Base(name), "ld-linux") && !slices.Contains(want, name) {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	return want
}

// compile makes a program in bin/ and two libraries that it reaches over
// search paths in ELF headers, in a new folder, which it returns.
func compile(t *testing.T, cc string, flags ...string) string {
	t.Helper()
	if _, err := exec.LookPath(cc); err != nil {
		t.Skipf("needs %s", cc)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"one.c":  "int two(void); int one(void) { return two(); }\n",
		"two.c":  "int two(void) { return 42; }\n",
		"main.c": "int one(void); int printf(const char *, ...); int main(void) { printf(\"%d\\n\", one()); return 0; }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bin", "lib/inner"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) {
		cmd := exec.Command(cc, append(args, flags...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("needs a %s that links: %s", cc, out)
		}
	}
	run("-shared", "-fPIC", "-o", "lib/inner/libtwo.so.1", "-Wl,-soname,libtwo.so.1", "two.c")
	run("-shared", "-fPIC", "-o", "lib/libone.so", "one.c", "-Wl,-rpath,$ORIGIN/inner", "lib/inner/libtwo.so.1")
	run("-o", "bin/main", "main.c", "-Wl,-rpath,${ORIGIN}/../lib", "-Llib", "-lone", "-Wl,-rpath-link,lib/inner")
	return dir
}

func TestSearchPathsInHeaders(t *testing.T) {
	for _, c := range []struct{ name, cc, flag string }{
		{"RUNPATH", "gcc", "-Wl,--enable-new-dtags"},
		{"RPATH", "gcc", "-Wl,--disable-new-dtags"},
		{"musl", "musl-gcc", "-Wl,--enable-new-dtags"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := compile(t, c.cc, c.flag)
			closure, err := Gather(context.Background(), []string{dir + "/bin/main"}, nil, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if want := []string{dir + "/bin"}; !slices.Equal(closure.Path, want) {
				t.Errorf("path %q, want %q", closure.Path, want)
			}
			if got := inside(t, unpack(t, closure.Tree), dir+"/bin/main"); got != "42\n" {
				t.Errorf("got %q", got)
			}
			if c.name == "musl" && (closure.Tree.Lookup("etc/ld.so.cache") != nil || strings.Contains(strings.Join(names(closure.Tree), "\n"), "libc.so.6")) {
				t.Error("glibc came along")
			}
		})
	}
}

func TestMissingLibrary(t *testing.T) {
	dir := compile(t, "gcc")
	if err := os.Remove(dir + "/lib/inner/libtwo.so.1"); err != nil {
		t.Fatal(err)
	}
	_, err := Gather(context.Background(), []string{dir + "/bin/main"}, nil, Options{})
	if err == nil || !strings.Contains(err.Error(), "libone.so needs the library libtwo.so.1, which is not there") {
		t.Errorf("got %v", err)
	}
	// In a folder it is one of many modules, of which this machine too can use only some.
	if _, err := Gather(context.Background(), []string{"/bin/sh"}, []string{dir}, Options{}); err != nil {
		t.Errorf("in a folder: %v", err)
	}
}

// foreign is the head of an ELF program for another machine.
func foreign() []byte {
	b := make([]byte, 64)
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_DATA], b[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	b[16], b[18], b[20], b[52], b[58] = byte(elf.ET_EXEC), byte(elf.EM_AARCH64), 1, 64, 64
	return b
}

// root makes a small machine below a folder.
func root(t *testing.T, files map[string]string, links map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range links {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, at); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPrograms(t *testing.T) {
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Skipf("needs a static /bin/busybox")
	}
	dir := root(t, map[string]string{
		"usr/bin/busybox": string(busybox),
		"usr/bin/script":  "#!/bin/sh -e\n",
		"usr/bin/viaenv":  "#!/usr/bin/env -S X=1 script\n",
		"usr/bin/orphan":  "#!/opt/none\n",
		"usr/bin/text":    "hello\n",
		"usr/bin/arm":     string(foreign()),
		"usr/bin/ring":    "#!/usr/bin/ring\n",
		"opt/shims/tool":  "#!/bin/sh\n",
		"usr/bin/tool":    "#!/bin/sh\n",
		"data/a/x":        "x",
		"data/b":          "b",
	}, map[string]string{
		"bin": "usr/bin", "usr/bin/sh": "/etc/alternatives/sh", "etc/alternatives/sh": "../../bin/busybox", "usr/bin/env": "busybox",
		"usr/bin/loop": "loop", "data/a/out": "/data/b", "data/a/up": "..", "data/a/none": "nowhere",
	})
	gather := func(search string, programs ...string) (*Closure, error) {
		return Gather(context.Background(), programs, nil, Options{Root: dir, Path: Path(search)})
	}
	c, err := gather("/usr/bin", "viaenv")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"", "bin", "etc", "etc/alternatives", "etc/alternatives/sh", "usr", "usr/bin", "usr/bin/busybox", "usr/bin/env", "usr/bin/script", "usr/bin/sh", "usr/bin/viaenv"}
	if got := names(c.Tree); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if n := c.Tree.Lookup("usr/bin/sh"); n.Target != "/etc/alternatives/sh" {
		t.Errorf("sh leads to %q", n.Target)
	}
	for name, want := range map[string]string{
		"none":      `"none": no such program in /opt/shims:/usr/bin`,
		"orphan":    `"orphan": interpreter of /usr/bin/orphan: /opt/none: no such file or directory`,
		"text":      `"text": /usr/bin/text is neither an ELF program nor a script with #! on its first line`,
		"loop":      `"loop": no such program`,
		"/data":     `"/data": /data is not a file`,
		"/data/b/c": `"/data/b/c": /data/b/c: not a directory`,
		"tool":      `"tool": /opt/shims/tool only chooses which program to start: name that one, such as /usr/bin/tool`,
		"arm":       `"arm": /usr/bin/arm is for arm64, but /bin/sh is for amd64: one image has one architecture`,
	} {
		if _, err := gather("/opt/shims:/usr/bin", "/bin/sh", name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	if _, err := gather("/usr/bin", "/usr/bin/none", "text", "orphan"); len(strings.Split(err.Error(), "\n")) != 3 {
		t.Errorf("not all at once: %v", err)
	}
	if _, err := gather("/usr/bin", "ring"); err == nil {
		t.Error("a script that is its own interpreter is taken")
	}
	testFiles(t, dir)
}

// testFiles takes a folder with links that lead out of it, to a folder above,
// and nowhere.
func testFiles(t *testing.T, dir string) {
	t.Helper()
	c, err := Gather(context.Background(), []string{"/bin/sh"}, []string{"/data/a*"}, Options{Root: dir})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, n := range c.Tree.All() {
		if strings.HasPrefix(name, "data") {
			got = append(got, name+"→"+n.Target)
		}
	}
	if want := []string{"data→", "data/a→", "data/a/none→nowhere", "data/a/out→/data/b", "data/a/up→..", "data/a/x→", "data/b→"}; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := Gather(context.Background(), []string{"/bin/sh"}, []string{"/nothing*", "/none"}, Options{Root: dir}); err == nil ||
		err.Error() != "\"/nothing*\": matches nothing on this machine\n\"/none\": /none: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

func TestArch(t *testing.T) {
	if got := Arch(foreign()); got != "arm64" {
		t.Errorf("got %q", got)
	}
	for _, head := range [][]byte{nil, []byte("\x7fELF"), make([]byte, 64)} {
		if got := Arch(head); got != "" {
			t.Errorf("%q: got %q", head, got)
		}
	}
}

func FuzzReadObject(f *testing.F) {
	f.Add(foreign())
	if b, err := os.ReadFile("/bin/true"); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = readObject(name)
	})
}
