package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// benchCapture measures what capture costs beside a plain run and beside strace,
// hashes and owners included, and the sizes of the images beside ReproZip's
// packs where that is installed: four loads, two experiments.
func benchCapture(args []string) error {
	flags := flag.NewFlagSet("capture", flag.ContinueOnError)
	rounds := flags.Int("rounds", 5, "runs of each")
	only := flags.String("experiments", "", "play only these, by name and separated by commas; none: no experiment")
	place := flags.String("place", "/var/lib", "folder for the experiments, outside /tmp: steps have a /tmp of their own")
	reprozip := flags.String("reprozip", "reprozip", "ReproZip's program; without it sizes have no peer")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "repro-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	repro := filepath.Join(dir, "repro")
	if out, err := exec.Command("go", "build", "-o", repro, "./cmd/repro").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	var goals []goal
	if *only != "none" {
		if goals, err = benchComplete(*place, repro, *only); err != nil {
			return err
		}
	}
	if *rounds == 0 {
		return printGoals(os.Stdout, goals)
	}
	elsewhere, err := os.MkdirTemp(*place, "repro-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(elsewhere)
	loads, err := captureLoads(dir, elsewhere)
	if err != nil {
		return err
	}
	for _, l := range loads {
		more, err := l.measure(repro, *reprozip, *rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		goals = append(goals, more...)
	}
	sizes, err := captureSizes(dir, repro, *reprozip)
	if err != nil {
		return err
	}
	return printGoals(os.Stdout, append(goals, sizes...))
}

// load is a command that is run plain, under strace and captured.
type load struct {
	name string
	dir  string
	argv []string
	want float64
}

// measure runs the load in turn in all ways. Ratios are medians over pairs of runs
// of the same round.
func (l load) measure(repro, reprozip string, rounds int) ([]goal, error) {
	in := func(name string, argv ...string) *subject {
		return &subject{name: l.name + ", " + name, argv: append(append([]string{"env", "-C", l.dir}, argv...), l.argv...),
			before: func() error { return l.clean() }}
	}
	plain := in("plain")
	ours := in("repro, view", repro, "-q", "capture", "--replace", "--watch", "view", "--")
	calls := in("repro, calls", repro, "-q", "capture", "--replace", "--watch", "calls", "--")
	subjects := []*subject{plain, ours, calls}
	peers := []*subject{in("strace", "strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=%file,connect", "-o", os.DevNull)}
	if _, err := exec.LookPath(reprozip); err == nil {
		peers = append(peers, in("reprozip", reprozip, "trace", "--overwrite"))
	}
	subjects = append(subjects, peers...)
	if err := alternate(rounds, subjects...); err != nil {
		return nil, err
	}
	if err := printRuns(os.Stdout, subjects...); err != nil {
		return nil, err
	}
	cpu := func(m measure) float64 { return m.cpu.Seconds() } // wall times say more of who else uses the machine
	goals := []goal{
		{measure: l.name + ": view by plain, cpu", got: ratioOf(ours, plain, cpu), want: l.want},
		{measure: l.name + ": view by plain, wall", got: ratio(ours, plain), want: l.want},
		{measure: l.name + ": calls by plain, cpu", got: ratioOf(calls, plain, cpu), want: l.want},
	}
	for _, p := range peers {
		name := strings.TrimPrefix(p.name, l.name+", ")
		goals = append(goals, goal{measure: l.name + ": view by " + name + ", cpu", got: ratioOf(ours, p, cpu), want: 1})
	}
	return goals, nil
}

// clean takes away what a run left, so that the next does the same again.
func (l load) clean() error {
	for _, pattern := range []string{"repro.*", "*.o", "out.txt", "program", ".reprozip-trace"} {
		names, err := filepath.Glob(filepath.Join(l.dir, pattern))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	sourceFiles  = 41 // of C, as many as small programs have
	openedFiles  = 1000
	opensOfEach  = 100
	forkedShell  = `i=0; while [ $i -lt 1000 ]; do /bin/true; i=$((i+1)); done`
	decompose    = "import numpy as np; a = np.random.default_rng(1).random((900, 900)); open('out.txt', 'w').write('%.6f' % np.linalg.svd(a)[1][0])"
	openerSource = `
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
	char name[512], b[16];
	for (int i = 0; i < %d; i++)
		for (int j = 0; j < %d; j++) {
			snprintf(name, sizeof name, "%s/%%d", j);
			int fd = open(name, O_RDONLY);
			if (fd < 0 || read(fd, b, sizeof b) < 1) return 1;
			close(fd);
		}
	return 0;
}
`
)

// captureLoads are four, the last with files of the experiment and with such that
// lie elsewhere, as libraries do.
func captureLoads(dir, elsewhere string) ([]load, error) {
	loads := []load{
		{name: "make, 41 files", argv: []string{"make", "-s"}, want: 1.2},
		// One thread: others wait for each other in a loop, which counts as work.
		{name: "numpy, svd", argv: []string{"env", "OPENBLAS_NUM_THREADS=1", "/usr/bin/python3", "-c", decompose}, want: 1.15},
		{name: "1,000 forks", argv: []string{"sh", "-c", forkedShell}, want: 1.2},
		{name: "100,000 opens elsewhere", argv: []string{"./opener"}, want: 2},
		{name: "100,000 opens of own files", argv: []string{"./opener"}, want: 2},
	}
	for i := range loads {
		loads[i].dir = filepath.Join(dir, "load"+strconv.Itoa(i))
		if err := os.Mkdir(loads[i].dir, 0o755); err != nil {
			return nil, err
		}
	}
	return loads, errors.Join(writeSources(loads[0].dir), writeOpener(loads[3].dir, elsewhere), writeOpener(loads[4].dir, "files"))
}

// writeSources writes a program of some files and its Makefile.
func writeSources(dir string) error {
	var errs []error
	var objects []string
	body := strings.Repeat("	s += a * i; if (s > 1e9) s /= 3; for (int k = 0; k < 4; k++) s -= k * a;\n", 60)
	for i := range sourceFiles {
		text := fmt.Sprintf("#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\ndouble f%d(double a) { double s = 0; for (int i = 0; i < 9; i++) {\n%s} return s; }\n", i, body)
		if i == 0 {
			text += "int main(void) { printf(\"%f\\n\", f0(2)); return 0; }\n"
		}
		errs = append(errs, os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%d.c", i)), []byte(text), 0o644))
		objects = append(objects, fmt.Sprintf("f%d.o", i))
	}
	text := "program: " + strings.Join(objects, " ") + "\n\tgcc -o $@ $^\n\t./program > out.txt\n%.o: %.c\n\tgcc -O1 -c $<\n"
	return errors.Join(append(errs, os.WriteFile(filepath.Join(dir, "Makefile"), []byte(text), 0o644))...)
}

// writeOpener makes a program that opens files in a folder, which may lie below
// its own.
func writeOpener(dir, folder string) error {
	files := folder
	if !filepath.IsAbs(folder) {
		files = filepath.Join(dir, folder)
	}
	if err := os.MkdirAll(files, 0o755); err != nil {
		return err
	}
	for i := range openedFiles {
		if err := os.WriteFile(filepath.Join(files, strconv.Itoa(i)), []byte("content\n"), 0o644); err != nil {
			return err
		}
	}
	cmd := exec.Command("gcc", "-O1", "-x", "c", "-o", filepath.Join(dir, "opener"), "-")
	cmd.Stdin = strings.NewReader(fmt.Sprintf(openerSource, opensOfEach, openedFiles, folder))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("gcc: %w\n%s", err, out)
	}
	return nil
}

// captureSizes compares the sizes of two images to ReproZip's packs of the same
// commands.
func captureSizes(dir, repro, reprozip string) (goals []goal, err error) {
	if _, err := exec.LookPath(reprozip); err != nil {
		fmt.Println("sizes: no peer:", err)
		return nil, nil
	}
	for _, e := range []struct {
		name string
		argv []string
	}{
		{"script of the standard library", []string{"/usr/bin/python3", "-c", "import json, csv, statistics; json.dump(statistics.mean([1, 2, 4]), open('out.json', 'w'))"}},
		{"numpy", []string{"/usr/bin/python3", "-c", strings.ReplaceAll(decompose, "900", "90")}},
	} {
		work, err := os.MkdirTemp(dir, "size")
		if err != nil {
			return nil, err
		}
		for _, argv := range [][]string{
			append([]string{repro, "-q", "capture", "--"}, e.argv...), {repro, "-q", "build", "--draft", "-o", "image.sif"},
			append([]string{reprozip, "trace", "--dont-find-inputs-outputs"}, e.argv...), {reprozip, "pack", "pack.rpz"},
		} {
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Dir, cmd.Stdin = work, strings.NewReader("")
			if out, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", argv[:2], err, out)
			}
		}
		image, err := os.Stat(filepath.Join(work, "image.sif"))
		if err != nil {
			return nil, err
		}
		pack, err := os.Stat(filepath.Join(work, "pack.rpz"))
		if err != nil {
			return nil, err
		}
		fmt.Printf("%s: image %.1f MB, pack %.1f MB\n", e.name, float64(image.Size())/1e6, float64(pack.Size())/1e6)
		goals = append(goals, goal{measure: e.name + ": image by ReproZip's pack", got: float64(image.Size()) / float64(pack.Size()), want: 1.5})
	}
	return goals, nil
}
