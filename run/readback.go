package run

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/pattern"
	"repro/internal/sandbox"
)

// Libraries pass over a variable that they do not know without a word, so what
// was asked of them is not what they do. They are asked in turn, in the root
// that steps see and under a step's variables (SPEC.md, RUN-7d).

// Limits on asking a library.
const (
	askTime   = 20 * time.Second
	askOutput = 1 << 20
)

// answer is what the libraries of the image say under one environment.
type answer struct {
	core  string          // for which OpenBLAS chose its code
	glibc map[string]bool // features, by the names of GLIBC_TUNABLES; nil: it does not say
	numpy map[string]bool // features, by the names of NPY_DISABLE_CPU_FEATURES
}

// askLibraries fills in what the libraries chose for each step that ran.
func (r *runner) askLibraries(ctx context.Context) {
	r.answers = make([]answer, len(r.plan.steps))
	if r.layers.shared {
		return // there is one root, and it is the steps'
	}
	blas, numpy := findLibraries(r.root)
	known := map[string]answer{}
	for i, s := range r.plan.steps {
		if r.states[i].status.Started == "" || ctx.Err() != nil {
			continue
		}
		env := s.Environ(r.manifest.Paper.Date, r.manifest.Arch)
		key := strings.Join([]string{s.CPU, env["PATH"], env["OPENBLAS_CORETYPE"], env["GLIBC_TUNABLES"], env["NPY_DISABLE_CPU_FEATURES"]}, "\x00")
		a, ok := known[key]
		if !ok {
			a = r.askAll(ctx, s, blas, numpy)
			known[key] = a
		}
		r.answers[i] = a
	}
}

func (r *runner) askAll(ctx context.Context, s manifest.Step, blas string, numpy bool) (a answer) {
	if blas != "" {
		out := r.ask(ctx, s, []string{"LD_PRELOAD=" + blas, "OPENBLAS_VERBOSE=2"}, "sh", "-c", ":")
		if m := coreLine.Regexp().FindSubmatch(out); m != nil {
			a.core = string(m[1])
		}
	}
	if needed[s.CPU] == nil {
		return a
	}
	a.glibc = glibcFeatures(r.ask(ctx, s, nil, "/lib64/ld-linux-x86-64.so.2", "--list-diagnostics"))
	if numpy {
		a.numpy = map[string]bool{}
		out := r.ask(ctx, s, nil, "python3", "-c", numpyFeatures)
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

// ask runs a program of the image as step s would, with further variables, and
// returns what it printed; nothing if it could not be run.
func (r *runner) ask(ctx context.Context, s manifest.Step, more []string, args ...string) []byte {
	c := sandbox.Command{Args: args, Dir: "/", Env: append(environ(s, r.manifest.Paper.Date, ""), more...),
		Serve: r.layers.serve, Mounts: r.layers.mounts, WithoutProc: r.options.Isolation == IsolationNoProc,
		Scratch: filepath.Join(r.scratch, "ask"), Limits: sandbox.Limits{Time: askTime}}
	if r.layers.root != "" {
		c.Lower = []string{r.layers.root}
	}
	var out bounded
	c.Stdout, c.Stderr = &out, &out
	if sandbox.Prepare(c.Scratch) != nil {
		return nil
	}
	_, err := sandbox.Run(ctx, c)
	if removed := sandbox.Remove(c.Scratch); err != nil || removed != nil {
		return nil
	}
	return out.Bytes()
}

// bounded keeps the start of what is written to it.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, askOutput-b.Len()))])
	return len(p), nil
}

// Where distributions, Conda and virtual environments keep libraries.
var (
	pythonFolders = []string{"usr/lib/python3", "usr/lib/python3*", "usr/local/lib/python3*", "opt/*/lib/python3*", "paper/*/lib/python3*"}
	blasFolders   = []string{"usr/lib/*-linux-gnu*/openblas*", "usr/lib/*-linux-gnu*", "usr/lib64", "usr/lib", "usr/local/lib", "opt/*/lib"}
)

// findLibraries returns an OpenBLAS of a root, numpy's own if it has one, and
// whether the root has numpy. Only folders of libraries are looked at.
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

// ignored says which variables of a step's profile a library passed over.
func (a *answer) ignored(env map[string]string) (notes []string) {
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
