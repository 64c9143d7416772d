package host

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

var debianCompiler = map[string]string{
	"usr/bin/gcc":                                      "-> x86_64-linux-gnu-gcc-12",
	"usr/bin/x86_64-linux-gnu-gcc-12":                  "x",
	"usr/bin/g++":                                      "-> x86_64-linux-gnu-g++-12",
	"usr/bin/x86_64-linux-gnu-g++-12":                  "x",
	"usr/bin/as":                                       "x",
	"usr/bin/ld":                                       "x",
	"usr/lib/gcc/x86_64-linux-gnu/12/cc1":              "x",
	"usr/lib/gcc/x86_64-linux-gnu/12/cc1plus":          "x",
	"usr/lib/gcc/x86_64-linux-gnu/12/lto1":             "x",
	"usr/lib/gcc/x86_64-linux-gnu/12/collect2":         "x",
	"usr/lib/gcc/x86_64-linux-gnu/12/libasan.a":        "a",
	"usr/lib/gcc/x86_64-linux-gnu/12/libgcc.a":         "a",
	"usr/lib/gcc/x86_64-linux-gnu/12/include/stddef.h": "",
	"usr/lib/gcc/x86_64-linux-gnu/11/cc1":              "x",
	"usr/lib/gcc/arm-linux-gnueabihf/12/cc1":           "x",
	"usr/lib/x86_64-linux-gnu/crt1.o":                  "o",
	"usr/lib/x86_64-linux-gnu/libc.so":                 "GROUP ( /lib/x86_64-linux-gnu/libc.so.6 /usr/lib/x86_64-linux-gnu/libc_nonshared.a )",
	"usr/lib/x86_64-linux-gnu/libc.a":                  "a",
	"usr/lib/x86_64-linux-gnu/libc_nonshared.a":        "a",
	"lib/x86_64-linux-gnu/libc.so.6":                   "c",
	"usr/lib/x86_64-linux-gnu/libpthread.a":            "a",
	"usr/lib/x86_64-linux-gnu/libgsl.a":                "a",
	"usr/lib/x86_64-linux-gnu/libother.a":              "a",
	"usr/include/stdio.h":                              "#include <bits/types.h>\n",
	"usr/include/x86_64-linux-gnu/bits/types.h":        "# include \"more.h\"\n",
	"usr/include/x86_64-linux-gnu/bits/more.h":         "",
	"usr/include/unused.h":                             "",
	"usr/include/c++/12/vector":                        "",
}

func TestCompiler(t *testing.T) {
	root := fakeRoot(t, debianCompiler)
	code := map[string]string{"main.c": "#include <stdio.h>\n#include \"mine.h\"\n", "Makefile": "p: main.c\n\tgcc main.c -lgsl\n"}
	gcc := []string{
		"/lib/x86_64-linux-gnu/libc.so.6", "/usr/bin/as", "/usr/bin/gcc", "/usr/bin/ld", "/usr/bin/x86_64-linux-gnu-gcc-12",
		"/usr/include/stdio.h", "/usr/include/x86_64-linux-gnu/bits/more.h", "/usr/include/x86_64-linux-gnu/bits/types.h",
		"/usr/lib/gcc/x86_64-linux-gnu/12/cc1", "/usr/lib/gcc/x86_64-linux-gnu/12/collect2",
		"/usr/lib/gcc/x86_64-linux-gnu/12/include/stddef.h", "/usr/lib/gcc/x86_64-linux-gnu/12/libgcc.a",
		"/usr/lib/x86_64-linux-gnu/crt1.o", "/usr/lib/x86_64-linux-gnu/libc.so", "/usr/lib/x86_64-linux-gnu/libc_nonshared.a",
		"/usr/lib/x86_64-linux-gnu/libgsl.a", "/usr/lib/x86_64-linux-gnu/libpthread.a",
	}
	if got := gathered(t, root, []string{"gcc"}, nil, code); !slices.Equal(got, gcc) {
		t.Errorf("gcc: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(gcc, "\n"))
	}
	both := append(slices.Clone(gcc), "/usr/bin/g++", "/usr/bin/x86_64-linux-gnu-g++-12", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", "/usr/include/c++/12/vector")
	slices.Sort(both)
	for _, programs := range [][]string{{"gcc", "g++"}, {"g++", "gcc"}} {
		if got := gathered(t, root, programs, nil, code); !slices.Equal(got, both) {
			t.Errorf("%s: got\n%s\nwant\n%s", programs, strings.Join(got, "\n"), strings.Join(both, "\n"))
		}
	}
}

// TestCompilerElsewhere holds that a compiler without GCC's folder, as clang under
// another name, starts with what its program names and no more.
func TestCompilerElsewhere(t *testing.T) {
	files := maps.Clone(debianCompiler)
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasPrefix(name, "usr/lib/gcc/") })
	got := gathered(t, fakeRoot(t, files), []string{"gcc"}, nil, map[string]string{"main.c": "#include <stdio.h>\n"})
	if want := []string{"/usr/bin/gcc", "/usr/bin/x86_64-linux-gnu-gcc-12"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLibrariesNamed(t *testing.T) {
	var got []string
	for _, m := range namedLibrary.FindAllStringSubmatch("LIBS=-lm -lgsl\nx = ['-lfftw3']\nno-lib foo-lbar \"-lblas\"", -1) {
		got = append(got, m[1])
	}
	if want := []string{"m", "gsl", "fftw3", "blas"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
