package main

import (
	"context"
	"fmt"
	"io/fs"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing/fstest"

	"repro/compare"
	"repro/format/manifest"
	"repro/report"
	"repro/run/processor"
)

// kernels are the results of one experiment over OpenBLAS's kernels and numbers
// of threads, and what was counted of comparisons between them.
type kernels struct {
	dir   string
	names []string // of the runs
	r     *rand.Rand

	pairs, falseDiffers int
	planted, missed     int
	beyond              int // pairs of which a spread alone, made without one of them, refuses
}

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

// The two forms in which runs print their numbers.
const (
	tenDigits = ".printed.csv"
	inFull    = ".full.csv"
)

// compareKernels compares each run to each other: printed to ten digits, with
// no rule; in full, by the spread of all; and in full, by the spread of all but
// one and the tolerance that a calibration of those advises, which is what an
// author has who does not own the reviewer's machine. Each time one change is
// planted, too.
func compareKernels(dir, python string) ([]goal, error) {
	k := &kernels{dir: dir, r: rand.New(rand.NewPCG(3, 4))}
	processors := processor.Kinds()
	for _, p := range processors {
		for _, n := range []string{"1", "2"} {
			name := p.Name + n
			cmd := exec.Command(python, "-c", experiment, filepath.Join(dir, name))
			cmd.Env = append(os.Environ(), "OPENBLAS_CORETYPE="+p.Name, "OPENBLAS_NUM_THREADS="+n)
			if out, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", p.Name, err, out)
			}
			k.names = append(k.names, name)
		}
	}
	fmt.Printf("%d kernels of OpenBLAS × 2 numbers of threads; this processor can stand in for no other\n\n", len(processors))
	var goals []goal
	for _, t := range []struct {
		name string
		all  func() error
	}{
		{"ten digits", k.printed}, {"in full, by their spread", k.spread}, {"in full, by the others' spread and advice", k.unseen},
	} {
		k.pairs, k.falseDiffers, k.planted, k.missed = 0, 0, 0, 0
		if err := t.all(); err != nil {
			return nil, err
		}
		goals = append(goals,
			goal{measure: fmt.Sprintf("%s: false differs of %d pairs", t.name, k.pairs), got: float64(k.falseDiffers)},
			goal{measure: fmt.Sprintf("%s: planted changes missed of %d", t.name, k.planted), got: float64(k.missed)})
	}
	fmt.Printf("by the others' spread alone, without the tolerance that it advises, %d of %d pairs would differ\n\n", k.beyond, k.pairs)
	return goals, nil
}

func (k *kernels) file(name, suffix string) compare.File {
	return compare.File{FS: os.DirFS(k.dir), Name: name + suffix}
}

// printed compares as most tables are published.
func (k *kernels) printed() error {
	return k.each(func(a, b string) error {
		return k.pair(a, b, tenDigits, manifest.Rule{}, nil, func(_, _ int, cell string) string { return lastDigit(cell) })
	})
}

// spread plants a change just beyond what the spread holds at its place: where
// nothing moved, one in the last digit.
func (k *kernels) spread() error {
	s, err := k.calibrate("")
	if err != nil {
		return err
	}
	wide := widths(s)
	return k.each(func(a, b string) error {
		published, err := k.table(a, inFull)
		if err != nil {
			return err
		}
		return k.pair(a, b, inFull, manifest.Rule{}, s, func(row, col int, cell string) string {
			w := wide[fmt.Sprintf("row %d (r%d), column %s", row, row-1, published[0][col])]
			if w == nil {
				return lastDigit(cell)
			}
			return beyond(published[row][col], w)
		})
	})
}

// lastDigit is a number of which the last printed digit is another, by two.
func lastDigit(cell string) string {
	at := strings.IndexByte(cell, 'e') - 1
	return cell[:at] + string((cell[at]-'0'+2)%10+'0') + cell[at+1:]
}

// beyond is the published number and its spread, rounded up to its last place,
// and one more there.
func beyond(published string, width *big.Rat) string {
	mantissa, exponent, _ := strings.Cut(published, "e")
	power, _ := strconv.Atoi(exponent)
	whole, decimals, _ := strings.Cut(mantissa, ".")
	power -= len(decimals)
	units, _ := new(big.Int).SetString(whole+decimals, 10)
	last, _ := new(big.Rat).SetString(fmt.Sprintf("1e%d", power))
	steps := new(big.Rat).Quo(width, last)
	up := new(big.Int).Div(steps.Num(), steps.Denom()) // rounded down
	return fmt.Sprintf("%de%d", units.Add(units, up.Add(up, big.NewInt(2))), power)
}

// unseen judges each run by what the others showed.
func (k *kernels) unseen() error {
	k.beyond = 0
	for _, left := range k.names {
		s, err := k.calibrate(left)
		if err != nil {
			return err
		}
		rule := manifest.Rule{Norm: s.Results[0].Advice()}
		norm, err := strconv.ParseFloat(rule.Norm, 64)
		if err != nil {
			return fmt.Errorf("no tolerance was advised: %w", err)
		}
		for _, a := range k.names {
			if a == left {
				continue
			}
			published, err := k.table(a, inFull)
			if err != nil {
				return err
			}
			alone, err := k.verdict(a, k.file(left, inFull), inFull, manifest.Rule{}, s)
			if err != nil {
				return err
			}
			if !alone.Reproduced() {
				k.beyond++
			}
			err = k.pair(a, left, inFull, rule, s, func(row, col int, cell string) string {
				v, _ := strconv.ParseFloat(cell, 64)
				return strconv.FormatFloat(v+3*norm*largest(published, col), 'e', 16, 64)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *kernels) each(pair func(a, b string) error) error {
	for _, a := range k.names {
		for _, b := range k.names {
			if err := pair(a, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// calibrate is what a calibration over all runs but one records.
func (k *kernels) calibrate(without string) (*report.Spread, error) {
	var m *compare.Moves
	s := &report.Spread{Version: report.Version}
	for _, name := range k.names {
		if name == without {
			continue
		}
		s.Runs = append(s.Runs, report.SpreadRun{Cause: "processor and threads"})
		if m == nil {
			m = compare.NewMoves(k.file(name, inFull), manifest.Rule{})
			continue
		}
		if _, err := m.Add(context.Background(), k.file(name, inFull)); err != nil {
			return nil, err
		}
	}
	result := m.Spread()
	result.Name, result.Causes = "result", []string{"processor and threads"}
	s.Results = append(s.Results, result)
	return s, nil
}

// pair compares two runs, then plants one change and compares again.
func (k *kernels) pair(a, b, suffix string, rule manifest.Rule, s *report.Spread, plant func(row, col int, cell string) string) error {
	v, err := k.verdict(a, k.file(b, suffix), suffix, rule, s)
	if err != nil {
		return err
	}
	k.pairs++
	if !v.Reproduced() {
		k.falseDiffers++
	}
	rows, err := k.table(b, suffix)
	if err != nil {
		return err
	}
	row, col := 1+k.r.IntN(len(rows)-1), 1+k.r.IntN(len(rows[0])-1)
	rows[row][col] = plant(row, col, rows[row][col])
	var text strings.Builder
	for _, cells := range rows {
		text.WriteString(strings.Join(cells, ",") + "\n")
	}
	changed := compare.File{FS: fstest.MapFS{b + suffix: {Data: []byte(text.String())}}, Name: b + suffix}
	if v, err = k.verdict(a, changed, suffix, rule, s); err != nil {
		return err
	}
	k.planted++
	if v.Reproduced() {
		k.missed++
	}
	return nil
}

func (k *kernels) verdict(a string, b compare.File, suffix string, rule manifest.Rule, s *report.Spread) (report.Verdict, error) {
	r := manifest.Result{Name: "result", Published: a + suffix, Output: "/" + b.Name, Compare: rule}
	found, err := compare.Results(context.Background(), os.DirFS(k.dir), b.FS, []manifest.Result{r}, compare.Options{Spread: s})
	if err != nil {
		return "", err
	}
	return found[0].Verdict, nil
}

func (k *kernels) table(name, suffix string) ([][]string, error) {
	b, err := fs.ReadFile(os.DirFS(k.dir), name+suffix)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for line := range strings.Lines(string(b)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), ","))
	}
	return rows, nil
}

// widths is how far each place moved.
func widths(s *report.Spread) map[string]*big.Rat {
	out := map[string]*big.Rat{}
	for _, p := range s.Results[0].Places {
		least, _ := new(big.Rat).SetString(p.Least)
		most, _ := new(big.Rat).SetString(p.Most)
		out[p.Where] = most.Sub(most, least)
	}
	return out
}

// largest number of a column, in magnitude.
func largest(rows [][]string, col int) (most float64) {
	for _, cells := range rows[1:] {
		v, _ := strconv.ParseFloat(cells[col], 64)
		most = max(most, v, -v)
	}
	return most
}
