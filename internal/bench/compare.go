package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"repro/compare"
	"repro/format/manifest"
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
	kernels, err := compareKernels(dir, *python)
	if err != nil {
		return err
	}
	return printGoals(os.Stdout, append(goals, kernels...))
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
	f, err := compare.Files(context.Background(), compare.Path(args[0]), compare.Path(args[1]), manifest.Rule{Relative: "1e-9"})
	if err == nil && !f.Verdict.Reproduced() {
		err = fmt.Errorf("%s: %s", f.Verdict, f.Reason)
	}
	return err
}
