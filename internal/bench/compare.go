package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"repro/compare"
	"repro/record"
)

// benchCompare measures the comparison of two csv files of numbers, 100 MB
// unless -size says otherwise, beside numdiff, and counts wrong verdicts over
// the kernels of OpenBLAS.
func benchCompare(args []string) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	size := flags.Int64("size", 100e6, "bytes of each csv file")
	rounds := flags.Int("rounds", 3, "runs of each")
	python := flags.String("python", "/usr/bin/python3", "a Python with numpy on OpenBLAS")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "repro-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pub, new := filepath.Join(dir, "published.csv"), filepath.Join(dir, "new.csv")
	if err := writeTables(pub, new, *size); err != nil {
		return err
	}
	ours, err := part("repro compare", "compare.files", pub, new)
	if err != nil {
		return err
	}
	peer := &subject{name: "numdiff", argv: []string{"numdiff", "-q", "-s", ",\n", "-r", "1e-9", pub, new}}
	if err := alternate(*rounds, ours, peer); err != nil {
		return err
	}
	if err := printRuns(os.Stdout, ours, peer); err != nil {
		return err
	}
	goals := []goal{
		{measure: "compare, wall against numdiff", got: best(ours, peer), want: 0.2, median: ratio(ours, peer)},
		{measure: "compare, peak memory", got: ours.memory() / (1 << 20), want: 512, unit: " MiB"},
	}
	m := &kernels{dir: dir, python: *python}
	if err := m.run(); err != nil {
		return err
	}
	goals = append(goals, m.goals()...)
	return printGoals(os.Stdout, goals)
}

// writeTables writes two tables of which every other number differs beyond
// its eleventh digit.
func writeTables(pub, new string, size int64) error {
	r := rand.New(rand.NewPCG(1, 2))
	var files [2]*os.File
	var out [2]*bufio.Writer
	for i, name := range []string{pub, new} {
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		defer f.Close()
		files[i], out[i] = f, bufio.NewWriterSize(f, 1<<20)
		fmt.Fprintln(out[i], "a,b,c,d,e,f,g,h")
	}
	for written := int64(0); written < size; {
		for col := range 8 {
			end := byte(',')
			if col == 7 {
				end = '\n'
			}
			x := r.NormFloat64()
			y := x
			if col%2 == 1 {
				y *= 1 + 3e-12*r.NormFloat64()
			}
			for i, v := range []float64{x, y} {
				text := append(strconv.AppendFloat(nil, v, 'e', 14, 64), end)
				if i == 0 {
					written += int64(len(text))
				}
				if _, err := out[i].Write(text); err != nil {
					return err
				}
			}
		}
	}
	return errors.Join(out[0].Flush(), out[1].Flush(), files[0].Close(), files[1].Close())
}

// compareFiles is what is measured: the library call alone.
func compareFiles(args []string) error {
	f, err := compare.Files(context.Background(), compare.Path(args[0]), compare.Path(args[1]), record.Rule{Relative: "1e-9"})
	if err == nil && !f.Verdict.Reproduced() {
		err = fmt.Errorf("%s: %s", f.Verdict, f.Reason)
	}
	return err
}

// kernels runs one experiment over OpenBLAS's kernels and thread counts, as
// printed to ten digits and in full.
type kernels struct {
	dir, python         string
	pairs, falseDiffers int
	planted, missed     int
}

var (
	cores   = []string{"Prescott", "Nehalem", "Sandybridge", "Haswell", "SkylakeX"}
	threads = []string{"1", "2"}
)

// experiment is a small paper: least squares, a decomposition, a solution and
// a product, printed as a table.
const experiment = `
import sys, numpy as np
rng = np.random.default_rng(20)
x = rng.normal(size=(400, 60)); y = x @ rng.normal(size=60) + rng.normal(size=400)
rows = {"coef": np.linalg.lstsq(x, y, rcond=None)[0], "sv": np.linalg.svd(x, compute_uv=False),
        "eig": np.linalg.eigvalsh(x.T @ x), "solve": np.linalg.solve(x[:60], y[:60]), "prod": (x.T @ x)[3]}
for name, form in (("printed", "%.9e"), ("full", "%.16e")):
    with open(sys.argv[1] + "." + name + ".csv", "w") as f:
        f.write("i," + ",".join(rows) + "\n")
        for i in range(60):
            f.write("r%d," % i + ",".join(form % rows[k][i] for k in rows) + "\n")
`

func (k *kernels) run() error {
	var names []string
	for _, core := range cores {
		for _, n := range threads {
			name := filepath.Join(k.dir, core+n)
			cmd := exec.Command(k.python, "-c", experiment, name)
			cmd.Env = append(os.Environ(), "OPENBLAS_CORETYPE="+core, "OPENBLAS_NUM_THREADS="+n)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w\n%s", core, err, out)
			}
			names = append(names, name)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, form := range []struct {
		suffix string
		rule   record.Rule
	}{{".printed.csv", record.Rule{}}, {".full.csv", record.Rule{Norm: "1e-12"}}} {
		for _, a := range names {
			for _, b := range names {
				if err := k.pair(a+form.suffix, b+form.suffix, form.rule, r); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// pair compares two runs, then plants one change and compares again.
func (k *kernels) pair(a, b string, rule record.Rule, r *rand.Rand) error {
	verdict := func(name string) (record.Verdict, error) {
		f, err := compare.Files(context.Background(), compare.Path(a), compare.Path(name), rule)
		return f.Verdict, err
	}
	v, err := verdict(b)
	if err != nil {
		return err
	}
	k.pairs++
	if !v.Reproduced() {
		k.falseDiffers++
	}
	text, err := os.ReadFile(b)
	if err != nil {
		return err
	}
	changed := plant(string(text), rule.Norm != "", r)
	name := filepath.Join(k.dir, "planted.csv")
	if err := os.WriteFile(name, []byte(changed), 0o666); err != nil {
		return err
	}
	if v, err = verdict(name); err != nil {
		return err
	}
	k.planted++
	if v.Reproduced() {
		k.missed++
	}
	return nil
}

// plant changes one number: the last digit printed, by two; or, where a norm
// is allowed, the digit at a hundred times that norm.
func plant(text string, norm bool, r *rand.Rand) string {
	lines := strings.Split(text, "\n")
	row := 1 + r.IntN(60)
	cells := strings.Split(lines[row], ",")
	col := 1 + r.IntN(len(cells)-1)
	if norm {
		v, _ := strconv.ParseFloat(cells[col], 64)
		largest := 0.0
		for _, line := range lines[1:61] {
			x, _ := strconv.ParseFloat(strings.Split(line, ",")[col], 64)
			largest = max(largest, x, -x)
		}
		cells[col] = strconv.FormatFloat(v+1e-10*largest, 'e', 16, 64)
	} else {
		at := strings.IndexByte(cells[col], 'e') - 1
		digit := (cells[col][at]-'0'+2)%10 + '0'
		cells[col] = cells[col][:at] + string(digit) + cells[col][at+1:]
	}
	lines[row] = strings.Join(cells, ",")
	return strings.Join(lines, "\n")
}

func (k *kernels) goals() []goal {
	return []goal{
		{measure: fmt.Sprintf("OpenBLAS kernels × threads, false differs of %d pairs", k.pairs), got: float64(k.falseDiffers)},
		{measure: fmt.Sprintf("planted changes missed of %d", k.planted), got: float64(k.missed)},
	}
}
