// Command mutate measures whether the tests of a package notice changes to its
// code: script/mutate PACKAGE... Each mutant is the package with one operator
// changed (a bound, a comparison, a negation, a sign). A mutant is killed if
// the package's own tests fail or do not end; a mutant that survives is a place
// where code could be wrong and nobody would be told. One that does not compile
// counts for nothing.
//
// Mutants are laid over the source by go's -overlay: nothing in the tree is
// written. Lines that the tests never reach count as survivors without a run.
// An own driver, because the known ones copy the module for each mutant and
// can't draw a sample: a whole package takes hours on two cores.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

func main() {
	sample := flag.Int("n", 60, "mutants to try in each package, drawn by -seed; 0: all")
	seed := flag.Uint64("seed", 1, "of the draw")
	workers := flag.Int("workers", runtime.NumCPU(), "mutants tried at once")
	files := flag.String("files", "", "try only mutants in files whose name matches this `pattern` (path.Match)")
	tests := flag.String("run", "", "run only tests whose names match this `pattern` (as go test -run), where all of a package's take long")
	goal := flag.Float64("goal", 0, "status 1 if a package kills a smaller share, in percent")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: script/mutate [FLAG...] PACKAGE...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	missed := false
	for _, pkg := range flag.Args() {
		share, err := measure(ctx, pkg, *files, *tests, *sample, *seed, *workers)
		if err != nil {
			fmt.Fprintln(os.Stderr, "mutate:", err)
			os.Exit(1)
		}
		missed = missed || share < *goal
	}
	if missed {
		os.Exit(1)
	}
}

// measure tries n mutants of a package, prints each that survives as soon as that
// is known and returns the share that was killed, in percent.
func measure(ctx context.Context, pkg, files, tests string, n int, seed uint64, workers int) (float64, error) {
	p, err := load(ctx, pkg)
	if err != nil {
		return 0, err
	}
	p.tests = tests
	scratch, err := os.MkdirTemp("", "repro-mutate-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(scratch)
	reached, took, err := p.cover(ctx, scratch)
	if err != nil {
		return 0, err
	}
	mutants := slices.DeleteFunc(p.mutants(), func(m mutant) bool {
		ok, err := path.Match(files, filepath.Base(m.file))
		return files != "" && (err != nil || !ok)
	})
	all := len(mutants)
	mutants = draw(mutants, n, seed)
	outcomes := make([]outcome, len(mutants))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i, m := range mutants {
		if !reached.has(m) {
			outcomes[i] = survived
			fmt.Printf("survived: %s (never reached)\n", m)
			continue
		}
		g.Go(func() (err error) {
			outcomes[i], err = p.try(ctx, m, filepath.Join(scratch, fmt.Sprint(i)), took.limits())
			if err == nil && outcomes[i] == survived {
				fmt.Printf("survived: %s\n", m)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return summary(pkg, outcomes, all), nil
}

// summary prints and returns the share of the mutants that compile which was
// killed, in percent.
func summary(pkg string, outcomes []outcome, all int) float64 {
	counts := map[outcome]int{}
	for _, o := range outcomes {
		counts[o]++
	}
	share, tried := 100.0, counts[killed]+counts[survived]
	if tried > 0 {
		share = 100 * float64(counts[killed]) / float64(tried)
	}
	fmt.Printf("%s: %d of %d mutants killed, %.0f %% (%d do not compile; of %d there are)\n",
		pkg, counts[killed], tried, share, counts[void], all)
	return share
}

// draw returns n of the mutants, in their order.
func draw(all []mutant, n int, seed uint64) []mutant {
	if n == 0 || n >= len(all) {
		return all
	}
	places := rand.New(rand.NewPCG(seed, 0)).Perm(len(all))[:n]
	slices.Sort(places)
	out := make([]mutant, n)
	for i, place := range places {
		out[i] = all[place]
	}
	return out
}
