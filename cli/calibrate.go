package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/build"
	"repro/compare"
	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/internal/rmtree"
	"repro/recipe"
	"repro/report"
	"repro/report/view"
	"repro/run/calibrate"
	"repro/verify"
)

// spreadName is what a spread document is called beside a recipe.
const spreadName = "spread.json"

func calibrateCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "calibrate",
		Usage:     "find out how far results move from machine to machine",
		ArgsUsage: "[FOLDER|IMAGE]",
		Description: `Runs the experiment some ten times: unchanged, as for other processors, with other
numbers of threads, another hash seed, locale, date and order of directories. Says how
far each result moves and what moves it, whether the recipe's rules accept that, and
what to write into the recipe: a tolerance of the size that was measured, or random: true
for what moves by chance. Random results are judged by the spread that it writes, if the
recipe names it,

   spread: spread.json

and the next build takes it into the image. Others are held to what was published, and to
their tolerance: the spread then is the evidence for that.
An interrupted calibration goes on where it stopped.

   repro calibrate                          # of the recipe in this folder
   repro calibrate paper/ --build paper.sif # then build the image with the spread
   repro calibrate paper.sif -o here.json   # of an image, on this machine
   repro calibrate --runs 40                # a larger sample of what chance does`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the spread to `FILE` (default: the one that the recipe names, or spread.json in the folder)"},
			&cli.StringFlag{Name: "recipe", Aliases: []string{"f"}, Usage: "read the recipe from `FILE` (default: repro.yaml in the folder)"},
			&cli.StringFlag{Name: "build", Usage: "build the image with the spread and write it to `FILE`"},
			&cli.IntFlag{Name: "runs", Usage: "make `N` runs, at least 2; those beyond the plan change nothing", DefaultText: "about fourteen"},
			&cli.StringFlag{Name: "data", Usage: "take the data that the image only names from `FOLDER`, where repro fetch put them"},
			cpusFlag,
			&cli.StringFlag{Name: "memory", Usage: "use at most `SIZE` of memory for all steps together, such as 16GiB"},
			&cli.StringFlag{Name: "keep", Usage: "leave the outputs of all runs in `FOLDER`", DefaultText: "removed when all are done"},
			layersFlag, progressFlag, jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			c.progressFile = ctx.String("progress")
			name, err := oneArgument(ctx, ".", "calibrate: name one folder or image at most")
			if err != nil {
				return err
			}
			if n := ctx.Int("runs"); ctx.IsSet("runs") && (n < calibrate.MinRuns || n > calibrate.MaxRuns) {
				return usagef("--runs %d: want %d to %d", n, calibrate.MinRuns, calibrate.MaxRuns)
			}
			info, err := os.Stat(name)
			if err != nil {
				return aboutFile(err)
			}
			if info.IsDir() {
				return c.calibrateFolder(ctx, name)
			}
			return c.calibrateImage(ctx, name)
		},
	}
}

// calibrateFolder calibrates what a recipe describes.
func (c *console) calibrateFolder(ctx *cli.Context, dir string) error {
	collectForComparing()
	r, text, err := readRecipe(ctx.String("recipe"), dir)
	if err != nil {
		return err
	}
	name, named, err := spreadPlace(r, dir, ctx.String("output"))
	if err != nil {
		return err
	}
	image := ctx.String("build")
	judges := slices.ContainsFunc(r.Results, func(res recipe.Result) bool { return res.Compare.Random })
	if image != "" && judges && !named {
		return usagef("--build: the recipe does not take the spread along: add to %s the line\n%s", r.Name, spreadLine(dir, name))
	}
	if image != "" {
		if image, err = imageName(image, dir); err != nil {
			return err
		}
	}
	full, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	work, err := openWork(ctx.String("keep"), filepath.Join(dir, filepath.Base(full)+".calibrate.run"))
	if err != nil {
		return err
	}
	date, err := sourceDate()
	if err != nil {
		return err
	}
	options := build.Options{Recipe: r.WithoutSpread(), RecipeBytes: text, Dir: dir, Date: date,
		Path: os.Getenv("PATH"), OCI: c.openOCI, Progress: c.progress()}
	trial := filepath.Join(work.dir, "experiment.sif")
	if _, err := build.Image(ctx.Context, trial, options); err != nil {
		return errors.Join(err, work.close(false))
	}
	spread, undeclared, err := c.calibrate(ctx, trial, work)
	if err != nil {
		return err
	}
	if err := writeSpread(name, spread); err != nil {
		return err
	}
	if err := c.printSpread(ctx, spread, undeclared, name); err != nil {
		return err
	}
	if (judges || len(undeclared) > 0) && !named {
		c.note("so that random results are judged by it, and build takes it along, add to %s the line\n%s", r.Name, spreadLine(dir, name))
	}
	if image == "" {
		return nil
	}
	options.Recipe = r
	if _, err := build.Image(ctx.Context, image, options); err != nil {
		return err
	}
	c.finishProgress()
	return c.printBuilt(image, false)
}

// calibrateImage calibrates an image, which stays as it is.
func (c *console) calibrateImage(ctx *cli.Context, name string) error {
	collectForComparing()
	if ctx.String("build") != "" || ctx.String("recipe") != "" {
		return usagef("calibrate: an image is never changed: --build and --recipe go with a folder")
	}
	base := strings.TrimSuffix(filepath.Base(name), ".sif")
	out := ctx.String("output")
	if out == "" {
		out = base + "." + spreadName
	}
	if err := replaceable(out); err != nil {
		return err
	}
	work, err := openWork(ctx.String("keep"), base+".calibrate.run")
	if err != nil {
		return err
	}
	spread, undeclared, err := c.calibrate(ctx, name, work)
	if err != nil {
		return err
	}
	if err := writeSpread(out, spread); err != nil {
		return err
	}
	return c.printSpread(ctx, spread, undeclared, out)
}

// calibrate runs an image and cleans up after it. What an interrupted
// calibration finished stays.
func (c *console) calibrate(ctx *cli.Context, name string, work *workFolder) (*report.Spread, []string, error) {
	spread, undeclared, err := c.calibrateIn(ctx, name, work.dir)
	c.finishProgress()
	if err != nil && ctx.Context.Err() != nil {
		c.note("what was finished is kept in %s: the same command goes on from there", work.dir)
		return nil, nil, err
	}
	return spread, undeclared, errors.Join(err, work.close(err == nil))
}

func (c *console) calibrateIn(ctx *cli.Context, name, dir string) (*report.Spread, []string, error) {
	memory, err := sizeOf(ctx, "memory")
	if err != nil {
		return nil, nil, err
	}
	image, err := format.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer image.Close()
	if _, err := c.verifyOnRead(ctx, image); err != nil && !errors.Is(err, verify.ErrNotSigned) {
		return nil, nil, err
	}
	spread, err := calibrate.Image(ctx.Context, image, calibrate.Options{
		Dir: dir, Runs: ctx.Int("runs"), Data: ctx.String("data"), CPUs: ctx.Int("cpus"), Memory: memory,
		Layers: local.Layers(ctx.String("layers")), Version: version(), Progress: c.progress(),
	})
	if err != nil {
		return nil, nil, err
	}
	m, err := image.Manifest()
	if err != nil {
		return nil, nil, err
	}
	c.finishProgress()
	if long, err := calibrate.LongSteps(dir, m); err == nil {
		for _, s := range long {
			c.note("so that others are told how long they wait, give step %q the line\ntakes: %d", s.Step, s.Seconds)
		}
	}
	return spread, calibrate.Undeclared(m, spread), nil
}

func (c *console) printSpread(ctx *cli.Context, s *report.Spread, undeclared []string, name string) error {
	if ctx.Bool("json") {
		return c.printJSON(s)
	}
	if err := view.Spread(c.out, s, undeclared, c.style()); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "spread  %s\n", name)
	return nil
}

// spreadPlace says where the spread of a recipe goes, and whether the recipe
// names that file.
func spreadPlace(r *recipe.Recipe, dir, asked string) (name string, named bool, err error) {
	places := map[string]bool{}
	for _, res := range r.Results {
		if res.Spread.Value != "" {
			places[filepath.Join(dir, filepath.FromSlash(res.Spread.Value))] = true
		}
	}
	switch {
	case asked != "":
		name = asked
	case len(places) > 1:
		return "", false, usagef("calibrate: the recipe names several spreads: choose the one to write with -o")
	case len(places) == 1:
		for name = range places {
		}
	default:
		name = filepath.Join(dir, spreadName)
	}
	return name, places[filepath.Clean(name)], replaceable(name)
}

// spreadLine is what has a recipe take a spread along.
func spreadLine(dir, name string) string {
	if below, err := filepath.Rel(dir, name); err == nil && filepath.IsLocal(below) {
		name = filepath.ToSlash(below)
	}
	return "spread: " + name
}

// replaceable refuses to replace a file that is no spread document.
func replaceable(name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 && info.Mode().IsRegular() {
		return nil
	}
	if err == nil {
		_, err = compare.ReadSpread(os.DirFS(filepath.Dir(name)), filepath.Base(name))
	}
	if err != nil {
		return fmt.Errorf("%s: exists and is no spread document; remove it first if it may go", name)
	}
	return nil
}

func writeSpread(name string, s *report.Spread) error {
	b, err := manifest.Marshal(s)
	if err != nil {
		return err
	}
	return atomicfile.Write(name, append(b, '\n'), 0o666)
}

// noteStaleSpreads tells of spreads that speak of another experiment than the
// image just built. Package build has read them.
func (c *console) noteStaleSpreads(r *recipe.Recipe, image, dir string) {
	im, err := format.Open(image)
	if err != nil {
		return
	}
	defer im.Close()
	m, err := im.Manifest()
	if err != nil {
		return
	}
	experiment, err := m.Experiment()
	if err != nil {
		return
	}
	told := map[string]bool{}
	for _, res := range r.Results {
		name := res.Spread.Value
		if name == "" || told[name] {
			continue
		}
		told[name] = true
		s, err := compare.ReadSpread(os.DirFS(dir), name)
		if err == nil && s.Experiment != "" && s.Experiment != experiment {
			c.note("%s was measured with other steps or files: run repro calibrate again", name)
		}
	}
}

// workFolder is where a calibration's runs are.
type workFolder struct {
	dir  string
	keep bool
}

// workMarker says that a folder belongs to calibrations.
const workMarker = ".repro-calibrate"

func openWork(asked, otherwise string) (*workFolder, error) {
	w := &workFolder{dir: otherwise}
	if asked != "" {
		w.dir, w.keep = asked, true
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, aboutFile(err)
	}
	marker := filepath.Join(w.dir, workMarker)
	if _, err := os.Lstat(marker); err != nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s: holds %q, and no earlier calibration made it: name a new or an empty folder with --keep", w.dir, entries[0].Name())
	}
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return nil, err
	}
	return w, os.WriteFile(marker, nil, 0o644)
}

// close removes the folder, unless it is to be kept, or failed and has runs
// that a next call can take.
func (w *workFolder) close(done bool) error {
	if w.keep {
		return nil
	}
	finished, err := filepath.Glob(filepath.Join(w.dir, "run-*"))
	if err != nil || !done && len(finished) > 0 {
		return err
	}
	return rmtree.Remove(w.dir)
}
