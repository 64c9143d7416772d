package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/recipe"
	"repro/report"
	"repro/report/view"
	"repro/run"
	"repro/run/plan"
	"repro/verify"
)

var layersFlag = &cli.StringFlag{
	Name:        "layers",
	Usage:       "provide layers in this `WAY` only: fuse reads them in place, extract unpacks them first, kernel (for root) has the kernel mount them, which checks them only before and after",
	DefaultText: "fuse where this machine has it",
	Action: func(_ *cli.Context, way string) error {
		ways := []local.Layers{local.LayersFUSE, local.LayersExtract, local.LayersKernel}
		if !slices.Contains(ways, local.Layers(way)) {
			return usagef("--layers %q: want one of %q", way, ways)
		}
		return nil
	},
}

var keepLayersFlag = &cli.BoolFlag{Name: "keep-layers", Usage: "where layers are extracted: keep them in the cache folder, so that the next run of this image starts sooner"}

func runCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "run the steps of an image again and compare the results",
		ArgsUsage: "IMAGE [STEP...]",
		Description: `Needs no root, daemon or network. Steps see the image and nothing of this machine,
nor the published results. Outputs, logs and report.html are left in a folder; the
last line says how many published results came out again. What is altered is not
used; with --key, nor is what is not signed by whom you name.

   repro run --key alice.pub paper.sif
   repro run paper.sif anova norris         # these steps, and those that they need
   repro run --quick paper.sif              # minutes, if the author provided for it
   repro run --resume paper.sif             # after an interruption, or with more --memory
   repro run --twice paper.sif              # which results are not deterministic?
   repro run --gpu --fixed addresses paper.sif
   repro run --layers kernel paper.sif      # as root: the kernel mounts the image
   repro run paper.sif -o try2 --cpus 8 --memory 16GiB
   repro run --key alice.pub oci://registry.example.org/lab/paper:1   # reads what it needs

With --only, several workers on one machine or many share the work, a step each, in
a folder that all of them see; --collect compares what they left:

   repro run --only anova --from shared.run paper.sif
   repro run --collect shared.run paper.sif

With --on, an engine starts the workers:

   repro run --on slurm:short --engine-option=--account=physics paper.sif
   repro run --on slurm --detach paper.sif; repro run --attach paper.run`,
		Flags: append(slices.Clone(signerFlags), []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "leave outputs, logs and report in `FOLDER` (default: the image's name with .run)"},
			&cli.StringFlag{Name: "data", Usage: "take the data that the image only names from `FOLDER`, where repro fetch put them"},
			&cli.BoolFlag{Name: "twice", Usage: "run everything a second time and say which results did not come out the same, whatever the published ones are"},
			&cli.BoolFlag{Name: "resume", Usage: "go on with a run in the same folder that was interrupted, or of which a step failed: what is done is not run again"},
			&cli.StringFlag{Name: "keep", Usage: "after an interruption or a failure, keep at most `SIZE` of what finished steps wrote for --resume; 0 keeps nothing", Value: "4GiB"},
			&cli.BoolFlag{Name: "quick", Usage: "run the smaller experiment that the recipe has for whoever has minutes; the report says what it says nothing of"},
			&cli.StringSliceFlag{Name: "fixed", Usage: "hold `WHAT` still in every step: addresses (no randomisation of the address space) or clock (at the paper's date, through the image's libfaketime)",
				Action: func(_ *cli.Context, words []string) error { return checkFixed(words) }},
			cpusFlag,
			&cli.StringFlag{Name: "memory", Usage: "use at most `SIZE` of memory for all steps together, such as 16GiB"},
			&cli.BoolFlag{Name: "live", Usage: "show what the steps print as they print it"},
			progressFlag,
			scratchFlag, diskFlag, isolationFlag, networkFlag, bindFlag,
			&cli.BoolFlag{Name: "gpu", Usage: "let steps use this machine's NVIDIA devices through its own driver; the report names and hashes its files"},
			layersFlag,
			keepLayersFlag,
			&cli.StringFlag{Name: "cache-size", Usage: "with --keep-layers: keep at most `SIZE` there, what was used last", DefaultText: "16GiB"},
			onlyFlag, fromFlag, stageFlag, collectFlag, patienceFlag, onFlag, engineOptionFlag, dryRunFlag, detachFlag, attachFlag, cancelFlag,
			&cli.StringFlag{Name: "operator", Usage: "say in the record that `NAME` ran it, who may have an ORCID iD: 'Ada Lovelace <0000-0002-1825-0097>'"},
			plainHTTPFlag, jsonFlag,
		}...),
		Action: func(ctx *cli.Context) error {
			if ctx.IsSet("attach") || ctx.IsSet("cancel") {
				return c.follow(ctx, ctx.Args().Slice())
			}
			if ctx.NArg() == 0 {
				return usagef("run: name one image")
			}
			name, steps := ctx.Args().First(), ctx.Args().Tail()
			for _, flag := range []string{"only", "from", "on", "collect"} {
				if ctx.IsSet(flag) && isRemote(name) {
					return usagef("run: --%s wants the image in a file that all workers see: repro pull %s", flag, name)
				}
			}
			switch {
			case ctx.IsSet("only") || ctx.IsSet("from"):
				return c.runStep(ctx, name, steps)
			case ctx.IsSet("on"):
				return c.runOn(ctx, name, steps)
			case ctx.IsSet("collect"):
				return c.collect(ctx, name, steps)
			}
			return c.run(ctx, name, steps)
		},
	}
}

// keepSize reads how much of finished steps is kept: less than 0 is nothing.
func keepSize(text string) (int64, error) {
	if text == "0" {
		return -1, nil
	}
	size, err := recipe.Size(text)
	if err != nil {
		return 0, usagef("--keep %q: %w", text, err)
	}
	return size, nil
}

func checkFixed(words []string) error {
	for _, word := range words {
		if word != manifest.FixedAddresses && word != manifest.FixedClock {
			return usagef("--fixed %q: want %s or %s", word, manifest.FixedAddresses, manifest.FixedClock)
		}
	}
	return nil
}

func (c *console) run(ctx *cli.Context, name string, steps []string) error {
	collectForComparing()
	options, err := c.runOptions(ctx, name, steps)
	if err != nil {
		return err
	}
	image, err := c.open(ctx, name, false) // verified and run through this one open file
	if err != nil {
		return err
	}
	defer image.Close()
	checked, err := c.checkSigners(ctx, image.Image, image.beside()...)
	if err != nil {
		return image.explain(err)
	}
	err = image.explain(c.runAndReport(ctx, image.Image, options, checked, run.Image))
	if image.remote != nil {
		c.note("%d of %d bytes of the image were read from the registry", image.remote.Received(), image.Size())
	}
	if m, ok := errors.AsType[*run.MachineError](err); ok && !local.Doctor(version()).Runs {
		return &run.MachineError{Err: m, Hint: offer(m.Hint, run.ContainerPrograms(ctx.Context))}
	}
	return err
}

// runAndReport runs an image, or collects what was run of it, and reports.
func (c *console) runAndReport(ctx *cli.Context, image *format.Image, o run.Options, checked *report.Verify,
	run func(context.Context, *format.Image, run.Options) (*report.Run, error)) error {
	pictures := map[string][]byte{}
	o.Compare.Picture = func(result string, png []byte) { pictures[result] = png }
	rep, err := run(ctx.Context, image, o)
	if rep == nil {
		return err
	}
	rep.Verify, rep.By = checked, operator(ctx.String("operator"))
	err = errors.Join(err, c.reportRun(ctx, image, rep, o.Dir, pictures, err == nil))
	if len(rep.Kept) > 0 {
		c.note("what is done (%s) is kept: with --resume, the same command goes on from there", shorten(rep.Kept, 5))
	}
	return err
}

// runOptions reads the flags that say how the image called name is run.
func (c *console) runOptions(ctx *cli.Context, name string, steps []string) (o run.Options, err error) {
	sizes := map[string]int64{"memory": 0, "disk": 0, "cache-size": 0}
	for flag := range sizes {
		if sizes[flag], err = sizeOf(ctx, flag); err != nil {
			return o, err
		}
	}
	c.progressFile = ctx.String("progress")
	keep, err := keepSize(ctx.String("keep"))
	if err != nil {
		return o, err
	}
	binds, err := readBinds(ctx.StringSlice("bind"))
	if err != nil {
		return o, err
	}
	o = run.Options{
		Dir: ctx.String("output"), Data: ctx.String("data"), Steps: steps, CPUs: ctx.Int("cpus"), Memory: sizes["memory"],
		Twice: ctx.Bool("twice"), Resume: ctx.Bool("resume"), KeepSize: keep, Quick: ctx.Bool("quick"), Change: plan.Change{Fixed: ctx.StringSlice("fixed")},
		GPU: ctx.Bool("gpu"), Scratch: ctx.String("scratch"),
		Host: local.Options{
			Net: ctx.Bool("network"), Binds: binds, Disk: sizes["disk"], Isolation: local.Isolation(ctx.String("isolation")),
			Layers: local.Layers(ctx.String("layers")), NoCache: !ctx.Bool("keep-layers"), CacheSize: sizes["cache-size"],
		},
		Progress: c.progress(), Notice: func(text string) { c.note("%s", view.Clean(text)) }, Version: version(),
	}
	if o.Dir == "" {
		o.Dir = strings.TrimSuffix(baseName(name), ".sif") + ".run"
	}
	if ctx.Bool("live") {
		o.Log = c.err
		if c.progressFile == "" { // the lines would go through the bar
			o.Progress = nil
		}
	}
	return o, nil
}

// checkSigners verifies an image as far as can be done before it is read. That
// nobody signed it is an error only if signers are asked for.
func (c *console) checkSigners(ctx *cli.Context, image *format.Image, detached ...[]byte) (*report.Verify, error) {
	checked, err := c.verifyOnRead(ctx, image, detached...)
	if err == nil || !errors.Is(err, verify.ErrNotSigned) || asksForSigners(ctx) {
		return checked, err
	}
	c.note("who signed it was not checked: name the author's public key with --key")
	return checked, nil
}

// verifyOnRead verifies image but for the contents of its layers: whatever is
// read of them later is checked then, so that an image starts at once, however
// large it is.
func (c *console) verifyOnRead(ctx *cli.Context, image *format.Image, detached ...[]byte) (*report.Verify, error) {
	trust, err := c.trust(ctx)
	if err != nil {
		return nil, err
	}
	return verify.Image(ctx.Context, image, trust, verify.Options{
		Detached: detached,
		Check: func(ctx context.Context) ([]report.ObjectStatus, error) {
			return image.Check(ctx, format.CheckOptions{OnRead: true})
		},
	})
}

// operator reads a name with or without an ORCID iD.
func operator(text string) *manifest.Author {
	name, rest, _ := strings.Cut(text, "<")
	if name = strings.TrimSpace(name); name == "" {
		return nil
	}
	return &manifest.Author{Name: name, ORCID: strings.TrimSuffix(strings.TrimSpace(rest), ">")}
}

// reportRun writes the reports of a run and prints its verdict.
func (c *console) reportRun(ctx *cli.Context, image *format.Image, rep *report.Run, dir string, pictures map[string][]byte, complete bool) error {
	if err := writeReports(context.WithoutCancel(ctx.Context), image, rep, dir, pictures); err != nil {
		return err
	}
	c.finishProgress()
	if ctx.Bool("json") {
		if err := c.printJSON(rep); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(c.out, "report  %s\n\n", filepath.Join(dir, "report.html"))
		if err := view.Run(c.out, rep, c.style()); err != nil {
			return err
		}
	}
	if complete && (rep.Counts.Reproduced < rep.Counts.Results || rep.Repeat != nil && rep.Repeat.Reproduced < rep.Counts.Results) {
		return errDiffers
	}
	return nil
}

// shorten lists the first few of names.
func shorten(names []string, few int) string {
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

// writeReports leaves report.json and report.html in dir.
func writeReports(ctx context.Context, image *format.Image, rep *report.Run, dir string, pictures map[string][]byte) error {
	document, err := manifest.Marshal(rep)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(dir, "report.json"), append(document, '\n'), 0o666); err != nil {
		return err
	}
	files := view.Files{
		New:      os.DirFS(filepath.Join(dir, "outputs")),
		Logs:     os.DirFS(dir),
		Pictures: pictures,
	}
	if published, err := image.Published(); err == nil {
		files.Published = published
	}
	f, err := atomicfile.Create(filepath.Join(dir, "report.html"), 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := view.HTML(ctx, f, rep, files); err != nil {
		return err
	}
	return f.Commit()
}
