package processor

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/pattern"
)

// A library that does not know a variable ignores it silently, so what a step
// asked for need not be what it got. Each library is therefore asked, in the
// root that steps see and under a step's variables (SPEC.md, RUN-7d).

// MaxAnswer is how much of what a library prints is looked at.
const MaxAnswer = 1 << 20

// Answer is what the libraries of the image say under one environment.
type Answer struct {
	Core  string          // for which OpenBLAS chose its code; empty: it does not say
	glibc map[string]bool // features, by the names of GLIBC_TUNABLES; nil: it does not say
	numpy map[string]bool // features, by the names of NPY_DISABLE_CPU_FEATURES
}

// Program runs a program of the image under the variables of a step and some
// more, NAME=value, in the root that steps see. It returns the first
// [MaxAnswer] bytes of what that printed; nothing if it could not be run.
type Program func(ctx context.Context, step manifest.Step, more []string, args ...string) []byte

// Ask asks the libraries in root what they chose, for each step for which ran
// is true. Steps with the same variables are asked once.
func Ask(ctx context.Context, steps []manifest.Step, ran []bool, date string, root *tree.View, program Program) []Answer {
	answers := make([]Answer, len(steps))
	blas, numpy := findLibraries(root)
	known := map[string]Answer{}
	for i, s := range steps {
		if !ran[i] || ctx.Err() != nil {
			continue
		}
		env := s.Environ(date, runtime.GOARCH)
		key := strings.Join([]string{s.CPU, env["PATH"], env["OPENBLAS_CORETYPE"], env["GLIBC_TUNABLES"], env["NPY_DISABLE_CPU_FEATURES"]}, "\x00")
		a, ok := known[key]
		if !ok {
			a = askAll(ctx, s, blas, numpy, program)
			known[key] = a
		}
		answers[i] = a
	}
	return answers
}

func askAll(ctx context.Context, s manifest.Step, blas string, numpy bool, program Program) (a Answer) {
	if blas != "" {
		out := program(ctx, s, []string{"LD_PRELOAD=" + blas, "OPENBLAS_VERBOSE=2"}, "sh", "-c", ":")
		if m := coreLine.Regexp().FindSubmatch(out); m != nil {
			a.Core = string(m[1])
		}
	}
	if required[s.CPU] == nil {
		return a
	}
	a.glibc = glibcFeatures(program(ctx, s, nil, "/lib64/ld-linux-x86-64.so.2", "--list-diagnostics"))
	if numpy {
		a.numpy = map[string]bool{}
		out := program(ctx, s, nil, "python3", "-c", numpyFeatures)
		for line := range strings.Lines(string(out)) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "uses "); ok {
				a.numpy[name] = true
			}
		}
	}
	return a
}

// numpyFeatures prints the features that numpy uses, one a line.
const numpyFeatures = `
try:
    from numpy._core._multiarray_umath import __cpu_features__ as f
except ImportError:
    from numpy.core._multiarray_umath import __cpu_features__ as f
for name in f:
    if f[name]:
        print("uses", name)
`

// Where distributions, Conda and virtual environments keep libraries.
var (
	pythonFolders = []string{"usr/lib/python3", "usr/lib/python3*", "usr/local/lib/python3*", "opt/*/lib/python3*", "paper/*/lib/python3*"}
	blasFolders   = []string{"usr/lib/*-linux-gnu*/openblas*", "usr/lib/*-linux-gnu*", "usr/lib64", "usr/lib", "usr/local/lib", "opt/*/lib"}
)

// findLibraries returns the path of an OpenBLAS in a root, preferably the one that
// numpy brings, and whether the root has numpy. It searches folders of libraries
// only.
func findLibraries(root *tree.View) (blas string, numpy bool) {
	for _, dir := range pythonFolders {
		numpy = numpy || len(matching(root, dir+"/*-packages/numpy")) > 0
		for _, name := range matching(root, dir+"/*-packages/numpy.libs/lib*openblas*.so*") {
			if blas == "" {
				blas = name
			}
		}
	}
	for _, dir := range blasFolders {
		if blas != "" {
			break
		}
		for _, name := range matching(root, dir+"/libopenblas*.so*") {
			if s, err := root.Find(name); err == nil && s.Node.Mode.IsRegular() { // what is preloaded is named itself
				blas = name
				break
			}
		}
	}
	if blas != "" {
		blas = "/" + blas
	}
	return blas, numpy
}

// matching returns the paths, not rooted and in byte order, that a pattern of
// package path matches. Links are not followed.
func matching(root *tree.View, pattern string) []string {
	found := []string{""}
	for elem := range strings.SplitSeq(pattern, "/") {
		var next []string
		for _, dir := range found {
			s, err := root.Find(dir)
			if err != nil || !s.Node.IsDir() {
				continue
			}
			if !strings.ContainsAny(elem, "*?[") {
				if _, err := root.Lookup(s.ID, elem); err == nil {
					next = append(next, path.Join(dir, elem))
				}
				continue
			}
			list, err := root.List(s.ID)
			if err != nil {
				continue
			}
			for i := range list.Len() {
				name, _, _ := list.At(i)
				if ok, err := path.Match(elem, name); ok && err == nil {
					next = append(next, path.Join(dir, name))
				}
			}
		}
		found = next
	}
	return found
}

var activeLine = pattern.New(`(?m)^x86\.cpu_features\.features\[0x([01])\]\.active\[0x([0-3])\]=0x([0-9a-f]{1,8})$`)

// glibcBits are where CPUID has features: leaf 1 or 7 (0 and 1 in glibc's
// list), register EAX to EDX, bit.
var glibcBits = map[string][3]uint{"FMA": {0, 2, 12}, "AVX": {0, 2, 28}, "AVX2": {1, 1, 5}, "AVX512F": {1, 1, 16}}

// glibcFeatures reads what the program loader of glibc 2.33 or later lists.
func glibcFeatures(out []byte) map[string]bool {
	lines := activeLine.Regexp().FindAllSubmatch(out, -1)
	if len(lines) == 0 {
		return nil
	}
	features := map[string]bool{}
	for _, m := range lines {
		value, _ := strconv.ParseUint(string(m[3]), 16, 32) // the form was checked
		for name, at := range glibcBits {
			if uint(m[1][0]-'0') == at[0] && uint(m[2][0]-'0') == at[1] {
				features[name] = value>>at[2]&1 == 1
			}
		}
	}
	return features
}

// ignored says which variables of a step's profile a library did not follow.
func (a *Answer) ignored(env map[string]string) (notes []string) {
	var glibc, numpy []string
	for word := range strings.SplitSeq(strings.TrimPrefix(env["GLIBC_TUNABLES"], "glibc.cpu.hwcaps="), ",") {
		if name, off := strings.CutPrefix(word, "-"); off && a.glibc[name] {
			glibc = append(glibc, name)
		}
	}
	for name := range strings.FieldsSeq(env["NPY_DISABLE_CPU_FEATURES"]) {
		if a.numpy[name] {
			numpy = append(numpy, name)
		}
	}
	for _, l := range []struct {
		name, variable string
		uses           []string
	}{{"the C library", "GLIBC_TUNABLES", glibc}, {"numpy", "NPY_DISABLE_CPU_FEATURES", numpy}} {
		if len(l.uses) > 0 {
			slices.Sort(l.uses)
			notes = append(notes, fmt.Sprintf("%s ignored %s and uses %s", l.name, l.variable, strings.Join(l.uses, ", ")))
		}
	}
	return notes
}
