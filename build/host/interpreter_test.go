package host

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeRoot makes a machine of files; "x" as content stands for a program.
func fakeRoot(t *testing.T, files map[string]string) string {
	t.Helper()
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Skip("needs a static /bin/busybox")
	}
	root := t.TempDir()
	for name, content := range files {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			if err := os.Symlink(target, at); err != nil {
				t.Fatal(err)
			}
			continue
		}
		mode := os.FileMode(0o644)
		if content == "x" {
			content, mode = string(busybox), 0o755
		} else if strings.HasPrefix(content, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(at, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// gathered returns the paths of regular files and links that are taken.
func gathered(t *testing.T, root string, programs, files []string, code map[string]string) []string {
	t.Helper()
	c, err := Gather(t.Context(), programs, files, Options{Root: root, Path: []string{"/usr/bin"}, Code: func(yield func(Source) bool) {
		for name, text := range code {
			if !yield(Source{name, func() []byte { return []byte(text) }}) {
				return
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, n := range c.Tree.All() {
		if !n.IsDir() {
			names = append(names, path.Join("/", name))
		}
	}
	return names
}

func holds(t *testing.T, got []string, want, unwanted []string) {
	t.Helper()
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range got {
		for _, bad := range unwanted {
			if strings.HasPrefix(name, bad) {
				t.Errorf("%s was taken", name)
			}
		}
	}
	if t.Failed() {
		t.Logf("taken: %s", strings.Join(got, "\n"))
	}
}

var pythonMachine = map[string]string{
	"usr/bin/python3": "-> python3.11", "usr/bin/python3.11": "x",
	"usr/lib/python3.11/encodings/__init__.py": "", "usr/lib/python3.11/json/__init__.py": "",
	"usr/lib/python3.11/test/test_json.py": "", "usr/lib/python3.11/config-3.11-x86_64-linux-gnu/Makefile": "",
	"usr/lib/python3.12/encodings/__init__.py": "",
	// as pip installs
	"usr/lib/python3/dist-packages/alpha/__init__.py":            "",
	"usr/lib/python3/dist-packages/alpha.libs/libz.so":           "",
	"usr/lib/python3/dist-packages/alpha-1.0.dist-info/RECORD":   "alpha/__init__.py,sha256=x,1\nalpha.libs/libz.so,,\n../../bin/alpha,,\nalpha-1.0.dist-info/METADATA,,\n",
	"usr/lib/python3/dist-packages/alpha-1.0.dist-info/METADATA": "Name: alpha\nRequires-Dist: Beta_two (>=2)\nRequires-Dist: gamma; extra == 'test'\n\nRequires-Dist: body\n",
	// as Debian installs: no list of files, no list of what it asks for
	"usr/lib/python3/dist-packages/betatwo.py":                        "import delta\ndef f():\n    import epsilon\n",
	"usr/lib/python3/dist-packages/beta_two-2.egg-info/PKG-INFO":      "Name: beta-two\n",
	"usr/lib/python3/dist-packages/beta_two-2.egg-info/top_level.txt": "betatwo\n",
	"usr/share/betatwo/style":                                         "", "usr/share/delta/data": "",
	"usr/lib/python3/dist-packages/gamma/__init__.py":   "",
	"usr/lib/python3/dist-packages/delta/__init__.py":   "",
	"usr/lib/python3/dist-packages/epsilon/__init__.py": "",
	"usr/lib/python3/dist-packages/zeta/__init__.py":    "",
}

func TestPython(t *testing.T) {
	root := fakeRoot(t, pythonMachine)
	code := map[string]string{"a.py": "import os, alpha.sub as a\n", "notes.txt": "import zeta\n"}
	holds(t, gathered(t, root, []string{"python3"}, nil, code), []string{
		"/usr/bin/python3", "/usr/bin/python3.11", "/usr/lib/python3.11/encodings/__init__.py", "/usr/lib/python3.11/json/__init__.py",
		"/usr/lib/python3/dist-packages/alpha/__init__.py", "/usr/lib/python3/dist-packages/alpha.libs/libz.so",
		"/usr/lib/python3/dist-packages/alpha-1.0.dist-info/METADATA", "/usr/lib/python3/dist-packages/betatwo.py",
		"/usr/lib/python3/dist-packages/delta/__init__.py", "/usr/share/betatwo/style",
	}, []string{
		"/usr/lib/python3.11/test", "/usr/lib/python3.11/config", "/usr/lib/python3.12", "/usr/lib/python3/dist-packages/gamma",
		"/usr/lib/python3/dist-packages/epsilon", "/usr/lib/python3/dist-packages/zeta",
	})
	// What the recipe names itself stands.
	named := gathered(t, root, []string{"python3"}, []string{"/usr/lib/python3.11/encodings"}, code)
	holds(t, named, []string{"/usr/lib/python3.11/encodings/__init__.py"}, []string{"/usr/lib/python3.11/json", "/usr/lib/python3/dist-packages"})
	// A notebook's imports count; so does a script that is a program.
	holds(t, gathered(t, root, []string{"python3"}, nil, map[string]string{"n.ipynb": `{"source": ["x = 1\n",` + "\n" + `"from zeta.z import y\n"]}`}),
		[]string{"/usr/lib/python3/dist-packages/zeta/__init__.py"}, []string{"/usr/lib/python3/dist-packages/alpha"})
}

func TestVirtualEnvironment(t *testing.T) {
	files := map[string]string{
		"exp/.venv/bin/python3": "-> /usr/bin/python3", "exp/.venv/pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = false\n",
		"exp/.venv/lib/python3.11/site-packages/alpha/__init__.py": "# newer\n",
		"exp/.venv/bin/tool": "#!/exp/.venv/bin/python3\nimport eta\n", "exp/.venv/lib/python3.11/site-packages/eta.py": "",
	}
	for name, content := range pythonMachine {
		files[name] = content
	}
	code := map[string]string{"a.py": "import alpha, zeta\n"}
	root := fakeRoot(t, files)
	holds(t, gathered(t, root, []string{"/exp/.venv/bin/python3"}, nil, code), []string{
		"/exp/.venv/bin/python3", "/exp/.venv/pyvenv.cfg", "/usr/bin/python3.11", "/usr/lib/python3.11/json/__init__.py",
		"/exp/.venv/lib/python3.11/site-packages/alpha/__init__.py",
	}, []string{"/usr/lib/python3/dist-packages"})
	holds(t, gathered(t, root, []string{"/exp/.venv/bin/tool"}, nil, nil), []string{"/exp/.venv/lib/python3.11/site-packages/eta.py"}, nil)
	if err := os.WriteFile(filepath.Join(root, "exp/.venv/pyvenv.cfg"), []byte("include-system-site-packages = True\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	holds(t, gathered(t, root, []string{"/exp/.venv/bin/python3"}, nil, code), []string{
		"/exp/.venv/lib/python3.11/site-packages/alpha/__init__.py", "/usr/lib/python3/dist-packages/zeta/__init__.py",
	}, []string{"/usr/lib/python3/dist-packages/alpha"})
}

func TestR(t *testing.T) {
	root := fakeRoot(t, map[string]string{
		"usr/bin/R": "-> ../lib/R/bin/R", "usr/bin/Rscript": "x", "usr/lib/R/bin/R": "#!/bin/sh\n", "bin/sh": "x", "usr/bin/sed": "x", "usr/bin/rm": "x", "usr/bin/uname": "x", "usr/bin/which": "x",
		"usr/lib/R/library/base/DESCRIPTION": "Package: base\n", "usr/lib/R/library/stats/DESCRIPTION": "Package: stats\n", "usr/lib/R/library/MASS/DESCRIPTION": "Package: MASS\nDepends: R (>= 3), stats\n",
		"usr/lib/R/library/boot/DESCRIPTION": "Package: boot\n", "usr/lib/R/etc": "-> /etc/R", "etc/R/Renviron": "", "usr/share/R/share/x": "", "usr/share/R/doc/y": "",
		"usr/lib/R/site-library/lme4/DESCRIPTION": "Package: lme4\nImports: MASS,\n    minqa (>= 1)\n", "usr/lib/R/site-library/minqa/DESCRIPTION": "Package: minqa\n", "usr/lib/R/site-library/other/DESCRIPTION": "Package: other\n",
	})
	got := gathered(t, root, []string{"Rscript"}, nil, map[string]string{"a.R": "library(lme4)\n"})
	holds(t, got, []string{
		"/usr/bin/Rscript", "/usr/lib/R/bin/R", "/bin/sh", "/usr/bin/rm", "/usr/bin/which", "/usr/lib/R/library/base/DESCRIPTION", "/usr/lib/R/library/stats/DESCRIPTION",
		"/usr/lib/R/library/MASS/DESCRIPTION", "/usr/lib/R/site-library/lme4/DESCRIPTION", "/usr/lib/R/site-library/minqa/DESCRIPTION", "/etc/R/Renviron", "/usr/share/R/share/x",
	}, []string{"/usr/lib/R/library/boot", "/usr/lib/R/site-library/other", "/usr/share/R/doc"})
	holds(t, gathered(t, root, []string{"Rscript"}, nil, map[string]string{"a.Rmd": "boot::boot(x)\n"}), []string{"/usr/lib/R/library/boot/DESCRIPTION"}, []string{"/usr/lib/R/library/MASS"})
}

func TestPerl(t *testing.T) {
	root := fakeRoot(t, map[string]string{
		"usr/bin/perl": "x", "usr/share/perl/5.36.0/strict.pm": "", "usr/share/perl/5.36.0/pod/perl.pod": "", "usr/lib/x86_64-linux-gnu/perl/5.36.0/POSIX.pm": "", "usr/lib/x86_64-linux-gnu/perl/5.36.0/CORE/perl.h": "",
		"usr/share/perl5/A/B.pm": "use parent qw(C);\n", "usr/share/perl5/A/B/D.pm": "", "usr/share/perl5/C.pm": "", "usr/share/perl5/E.pm": "", "usr/lib/x86_64-linux-gnu/perl5/5.36/F.pm": "", "usr/lib/x86_64-linux-gnu/perl5/5.36/auto/F/F.so": "",
	})
	holds(t, gathered(t, root, []string{"perl"}, nil, map[string]string{"a.pl": "use strict;\nuse A::B qw(x);\n require F;\n"}), []string{
		"/usr/share/perl/5.36.0/strict.pm", "/usr/lib/x86_64-linux-gnu/perl/5.36.0/POSIX.pm", "/usr/share/perl5/A/B.pm", "/usr/share/perl5/A/B/D.pm", "/usr/share/perl5/C.pm",
		"/usr/lib/x86_64-linux-gnu/perl5/5.36/F.pm", "/usr/lib/x86_64-linux-gnu/perl5/5.36/auto/F/F.so",
	}, []string{"/usr/share/perl5/E.pm", "/usr/share/perl/5.36.0/pod", "/usr/lib/x86_64-linux-gnu/perl/5.36.0/CORE"})
}

func TestOtherLanguages(t *testing.T) {
	root := fakeRoot(t, map[string]string{
		"usr/bin/octave-cli": "x", "usr/share/octave/7.3.0/m/a.m": "", "usr/lib/x86_64-linux-gnu/octave/7.3.0/liboctave.so": "", "usr/share/octave/site/m/b.m": "",
		"usr/bin/julia": "-> /opt/julia/bin/julia", "opt/julia/bin/julia": "x", "opt/julia/lib/julia/sys.so": "", "opt/julia/share/julia/stdlib/v1/x.jl": "", "opt/julia/share/doc/y": "",
		"usr/bin/java": "-> /etc/alternatives/java", "etc/alternatives/java": "-> /usr/lib/jvm/j17/bin/java", "usr/lib/jvm/j17/bin/java": "x", "usr/lib/jvm/j17/lib/modules": "", "usr/lib/jvm/j17/conf/net": "", "usr/lib/jvm/j17/man/z": "",
	})
	holds(t, gathered(t, root, []string{"octave-cli", "julia", "java"}, nil, nil), []string{
		"/usr/share/octave/7.3.0/m/a.m", "/usr/lib/x86_64-linux-gnu/octave/7.3.0/liboctave.so", "/opt/julia/lib/julia/sys.so", "/opt/julia/share/julia/stdlib/v1/x.jl", "/usr/lib/jvm/j17/lib/modules", "/usr/lib/jvm/j17/conf/net",
	}, []string{"/opt/julia/share/doc", "/usr/lib/jvm/j17/man"})
}

func TestShimNamesWhatItChooses(t *testing.T) {
	root := fakeRoot(t, map[string]string{"root/.pyenv/shims/python3": "#!/bin/sh\n", "root/.pyenv/version": "3.11.7\n", "root/.pyenv/versions/3.11.7/bin/python3": "x"})
	_, err := Gather(t.Context(), []string{"python3"}, nil, Options{Root: root, Path: []string{"/root/.pyenv/shims"}})
	if err == nil || !strings.Contains(err.Error(), "name that one, such as /root/.pyenv/versions/3.11.7/bin/python3") {
		t.Errorf("got %v", err)
	}
}
