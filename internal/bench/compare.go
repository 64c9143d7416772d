package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"repro/compare"
	"repro/format/manifest"
)

// comparison is a pair of files that is compared beside a peer that does the same
// work.
type comparison struct {
	name string
	rule manifest.Rule
	// files writes the pair, and returns it and the command of the peer, which may
	// end with 1 where the files differ.
	files func(c *comparisons) (pub, new string, peer []string, err error)
	want  float64 // of the wall time of the peer's
}

// comparisons is what they are all made with.
type comparisons struct {
	dir, python, nbdiff string
	size                int64
}

// mostMemory is what any comparison may take, in MiB.
const mostMemory = 512

var pairs = []comparison{
	{"csv", manifest.Rule{Relative: "1e-9"}, csvPair, .1},
	{"hdf5", manifest.Rule{Relative: "1e-9"}, hdf5Pair("contiguous"), .8},
	{"hdf5-packed", manifest.Rule{Relative: "1e-9"}, hdf5Pair("packed"), .8},
	{"hdf5-norm", manifest.Rule{Norm: "1e-9", Signs: "columns"}, hdf5Pair("packed"), math.Inf(1)}, // h5diff has no such rule
	{"png-noise", manifest.Rule{}, pngPair("noise"), .8},
	{"png-plot", manifest.Rule{}, pngPair("plot"), .8},
	{"pdf", manifest.Rule{}, pdfPair, .2},
	{"notebook", manifest.Rule{}, notebookPair, .3},
}

// benchCompare measures comparisons beside the programs that compare such files,
// and counts wrong verdicts over the kernels of OpenBLAS.
func benchCompare(args []string) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	c := &comparisons{}
	flags.Int64Var(&c.size, "size", 100e6, "bytes of each csv file")
	flags.StringVar(&c.python, "python", "/usr/bin/python3", "a Python with numpy on OpenBLAS, h5py and matplotlib")
	flags.StringVar(&c.nbdiff, "nbdiff", "", "nbdime's nbdiff; without, it is installed")
	rounds := flags.Int("rounds", 3, "runs of each")
	only := flags.String("only", "", "names of pairs, with blanks between; kernels for the verdicts over those of OpenBLAS")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if c.dir, err = os.MkdirTemp("", "repro-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	asked := func(name string) bool { return *only == "" || slices.Contains(strings.Fields(*only), name) }
	var goals []goal
	for i := range pairs {
		if !asked(pairs[i].name) {
			continue
		}
		found, err := c.measure(&pairs[i], *rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", pairs[i].name, err)
		}
		goals = append(goals, found...)
	}
	if asked("kernels") {
		found, err := compareKernels(c.dir, c.python)
		if err != nil {
			return err
		}
		goals = append(goals, found...)
	}
	return printGoals(os.Stdout, goals)
}

// measure runs one comparison beside its peer.
func (c *comparisons) measure(p *comparison, rounds int) ([]goal, error) {
	pub, new, argv, err := p.files(c)
	if err != nil {
		return nil, err
	}
	rule, err := json.Marshal(p.rule)
	if err != nil {
		return nil, err
	}
	ours, err := part("repro "+p.name, "compare.files", pub, new, string(rule))
	if err != nil {
		return nil, err
	}
	name := filepath.Base(argv[0])
	if name == "sh" {
		name = "pdftoppm, compare"
	}
	peer := &subject{name: name, argv: argv, differs: true}
	if err := alternate(rounds, ours, peer); err != nil {
		return nil, err
	}
	if err := printRuns(os.Stdout, ours, peer); err != nil {
		return nil, err
	}
	fmt.Printf("%s\n\n", ours.runs[0].out)
	return []goal{
		{measure: p.name + ", wall by " + name, got: best(ours, peer), want: p.want, median: ratio(ours, peer)},
		{measure: p.name + ", processor time by " + name, got: bestOf(ours, peer, cpuSeconds), want: math.Inf(1)},
		{measure: p.name + ", peak memory", got: ours.memory() / (1 << 20), want: mostMemory, unit: " MiB"},
	}, nil
}

func csvPair(c *comparisons) (pub, new string, peer []string, err error) {
	pub, new = filepath.Join(c.dir, "published.csv"), filepath.Join(c.dir, "new.csv")
	err = writeTables(pub, new, c.size)
	return pub, new, []string{"numdiff", "-q", "-s", ",\n", "-r", "1e-9", pub, new}, err
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

// compareFiles is what is measured: the library call alone, by a rule in JSON. It
// prints what was found.
func compareFiles(args []string) error {
	var rule manifest.Rule
	if err := json.Unmarshal([]byte(args[2]), &rule); err != nil {
		return err
	}
	f, err := compare.FilesWith(context.Background(), compare.Path(args[0]), compare.Path(args[1]), rule, func([]byte) {})
	if err == nil {
		fmt.Printf("%s: %s", f.Verdict, f.Reason)
	}
	return err
}
