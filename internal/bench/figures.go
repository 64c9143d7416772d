package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"repro/compare"
	"repro/format/manifest"
	"repro/report"
)

var (
	//go:embed figures/plots.py
	plotsPython []byte
	//go:embed figures/plots.R
	plotsR []byte
)

// looks are the settings in which each version of matplotlib draws each plot:
// font, antialiasing of lines and areas, dots an inch.
var looks = []string{"DejaVu Sans:on:100", "DejaVu Serif:on:100", "STIXGeneral:on:100", "DejaVu Sans:off:100", "DejaVu Sans:on:150", "DejaVu Sans:on:200"}

// devices are the settings in which R draws: type, antialiasing, resolution.
var devices = []string{"cairo:default:100", "cairo-png:default:100", "cairo:gray:100", "cairo:subpixel:100", "cairo:none:100"}

// benchFigures draws twelve kinds of plots with several versions of matplotlib,
// and six with R, in several settings, plain and with each of some eighty
// changes, and counts the changes that pass and the plain ones that do not
// (SPEC.md, CMP-79). Drawings are kept in -dir.
func benchFigures(args []string) error {
	flags := flag.NewFlagSet("figures", flag.ContinueOnError)
	cache, _ := os.UserCacheDir()
	dir := flags.String("dir", filepath.Join(cache, "repro-bench", "figures"), "where the drawings are kept")
	pip := flags.String("pip", "3.8.4 3.10.8", "versions of matplotlib from PyPI, beside that of -python")
	beyond := flags.String("beyond", "3.11.2", "a version from PyPI that no goal counts")
	python := flags.String("python", "/usr/bin/python3", "a Python with a matplotlib that was not built by PyPI")
	if err := flags.Parse(args); err != nil {
		return err
	}
	e := &figures{dir: *dir}
	if err := e.prepare(*python); err != nil {
		return err
	}
	versions := append([]string{"system"}, strings.Fields(*pip)...)
	for _, v := range append(versions[1:], *beyond) {
		if err := e.drawVersion(v, filepath.Join(*dir, "venv-"+v, "bin", "python")); err != nil {
			return err
		}
	}
	if err := errors.Join(e.drawVersion("system", *python), e.drawR()); err != nil {
		return err
	}
	return e.judge(versions, *beyond)
}

// figures is the experiment's folder.
type figures struct{ dir string }

func (e *figures) prepare(python string) error {
	if err := os.MkdirAll(e.dir, 0o755); err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(e.dir, "plots.py"), plotsPython, 0o644), os.WriteFile(filepath.Join(e.dir, "plots.R"), plotsR, 0o644),
		command(python, "-c", "import matplotlib"))
}

// drawVersion draws in each look, where that is not done yet.
func (e *figures) drawVersion(version, python string) error {
	if _, err := os.Stat(python); errors.Is(err, fs.ErrNotExist) {
		venv := filepath.Dir(filepath.Dir(python))
		if err := errors.Join(command("python3", "-m", "venv", venv), command(python, "-m", "pip", "-q", "install", "matplotlib=="+version, "numpy<2.3")); err != nil {
			return err
		}
	}
	for _, look := range looks {
		font, rest, _ := strings.Cut(look, ":")
		antialias, dpi, _ := strings.Cut(rest, ":")
		if err := e.draw(drawnIn(version, look), python, filepath.Join(e.dir, "plots.py"), "OUT", "png", font, antialias, dpi); err != nil {
			return err
		}
	}
	return nil
}

func (e *figures) drawR() error {
	for _, device := range devices {
		argv := append([]string{"Rscript", filepath.Join(e.dir, "plots.R"), "OUT"}, strings.Split(device, ":")...)
		if err := e.draw(drawnIn("R", device), argv...); err != nil {
			return err
		}
	}
	return nil
}

func drawnIn(by, look string) string {
	return strings.NewReplacer(":", "-", " ", "").Replace(by + "-" + look)
}

// draw runs a program with OUT replaced by a folder, once.
func (e *figures) draw(name string, argv ...string) error {
	done := filepath.Join(e.dir, name)
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	part := done + ".part"
	if err := os.MkdirAll(part, 0o755); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "drawing", name)
	for i := range argv {
		argv[i] = strings.Replace(argv[i], "OUT", part, 1)
	}
	if err := command(argv[0], argv[1:]...); err != nil {
		return err
	}
	return os.Rename(part, done)
}

func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %.400s", name, err, out)
	}
	return nil
}

// tally counts findings.
type figureCount struct{ harmless, eyes, planted, accepted int }

func (c *figureCount) add(o figureCount) {
	c.harmless, c.eyes, c.planted, c.accepted = c.harmless+o.harmless, c.eyes+o.eyes, c.planted+o.planted, c.accepted+o.accepted
}

func (e *figures) judge(versions []string, beyond string) error {
	var counts figureCount
	for _, look := range looks {
		for i, a := range versions {
			for _, b := range versions[i:] {
				if err := e.pair(&counts, drawnIn(a, look), drawnIn(b, look)); err != nil {
					return err
				}
			}
		}
	}
	for _, device := range devices {
		if err := e.pair(&counts, drawnIn("R", devices[0]), drawnIn("R", device)); err != nil {
			return err
		}
	}
	goals := []goal{
		{measure: fmt.Sprintf("figures, planted changes accepted of %d", counts.planted), got: float64(counts.accepted)},
		{measure: fmt.Sprintf("figures, needless eyes of %d re-renderings", counts.harmless), got: percent(counts.eyes, counts.harmless), want: 10, unit: " %"},
	}
	for _, other := range e.others(beyond) {
		var c figureCount
		if err := e.pair(&c, other[1], other[2]); err != nil {
			return err
		}
		fmt.Printf("%s: %d of %d re-renderings need eyes, %d of %d changes accepted\n", other[0], c.eyes, c.harmless, c.accepted, c.planted)
		goals = append(goals, goal{measure: other[0] + ", changes accepted", got: float64(c.accepted)})
	}
	return printGoals(os.Stdout, goals)
}

// others are re-renderings of which only the changes count.
func (e *figures) others(beyond string) [][3]string {
	return [][3]string{
		{"matplotlib " + beyond, drawnIn("system", looks[0]), drawnIn(beyond, looks[0])},
		{"matplotlib " + beyond + ", another font", drawnIn("system", looks[2]), drawnIn(beyond, looks[2])},
		{"half as many dots again", drawnIn("system", looks[0]), drawnIn("system", looks[4])},
		{"lines without antialiasing", drawnIn("system", looks[0]), drawnIn("system", looks[3])},
		{"another font", drawnIn("system", looks[0]), drawnIn("system", looks[1])},
	}
}

// pair compares the plain drawings of a with all of b.
func (e *figures) pair(counts *figureCount, a, b string) error {
	plain, err := filepath.Glob(filepath.Join(e.dir, a, "*-base.png"))
	if err != nil || len(plain) == 0 {
		return fmt.Errorf("%s: no drawings: %w", a, err)
	}
	var c figureCount
	for _, pub := range plain {
		kind := strings.TrimSuffix(filepath.Base(pub), "base.png")
		all, err := filepath.Glob(filepath.Join(e.dir, b, kind+"*.png"))
		if err != nil {
			return err
		}
		for _, new := range all {
			if new == pub {
				continue
			}
			f, err := compare.Files(context.Background(), compare.Path(pub), compare.Path(new), manifest.Rule{})
			if err != nil {
				return err
			}
			c.count(f.Verdict, filepath.Base(new) == filepath.Base(pub), a, new)
		}
	}
	counts.add(c)
	return nil
}

func (c *figureCount) count(v report.Verdict, plain bool, a, new string) {
	switch {
	case plain:
		c.harmless++
		if !v.Reproduced() {
			c.eyes++
		}
	default:
		c.planted++
		if v.Reproduced() {
			c.accepted++
			fmt.Printf("accepted: %s beside %s\n", new, a)
		}
	}
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(1, of)) }
