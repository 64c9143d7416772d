package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/report"
	"repro/run"
)

// Flags of workers, which share a run.
var (
	onlyFlag    = &cli.StringFlag{Name: "only", Usage: "with --from: run this one `STEP`, as a worker of a run that others share; any number may at once"}
	fromFlag    = &cli.StringFlag{Name: "from", Usage: "with --only: the `FOLDER` of the run, which all workers see; the first one makes it"}
	stageFlag   = &cli.StringFlag{Name: "stage", Usage: "with --only or --on: copy the image into `FOLDER` on each machine's own disk, once, and read it there"}
	collectFlag = &cli.StringFlag{Name: "collect", Usage: "compare and report what workers left in `FOLDER`"}

	patienceFlag = &cli.DurationFlag{Name: "patience", DefaultText: "2m",
		Usage: "with --only, for the worker that makes the folder: take a step over from a worker that has shown no sign of life for `TIME`, such as 30s",
		Action: func(_ *cli.Context, d time.Duration) error {
			if d < time.Second {
				return usagef("--patience %v: want at least 1s", d)
			}
			return nil
		}}
)

// Flags of runs whose workers an engine starts.
var (
	onFlag = &cli.StringFlag{Name: "on", Usage: "run the steps on the machines of `ENGINE`, each as a job: slurm, or slurm:PARTITION; the image and the folder must be visible there",
		Action: func(_ *cli.Context, name string) error {
			if err := run.CheckEngine(name); err != nil {
				return usagef("--on: %w", err)
			}
			return nil
		}}
	engineOptionFlag = &cli.StringSliceFlag{Name: "engine-option", Usage: "with --on: hand `OPTION` to the engine as it is, such as --engine-option=--account=physics"}
)

// handedOn are the flags that a worker gets as they were given to repro run --on.
var handedOn = []string{"quick", "fixed", "memory", "disk", "isolation", "network", "gpu", "layers", "by", "scratch", "stage"}

// forOneProcess are the flags that mean something only where one process runs
// all steps.
var forOneProcess = []string{"output", "twice", "resume", "keep", "keep-layers", "cache-size"}

// sharedOptions reads the flags of a worker, or of whoever collects.
func (c *console) sharedOptions(ctx *cli.Context, name, with string, steps []string) (run.Options, error) {
	for _, flag := range forOneProcess {
		if ctx.IsSet(flag) {
			return run.Options{}, usagef("run: --%s does not go with --%s", flag, with)
		}
	}
	if len(steps) > 0 {
		return run.Options{}, usagef("run: with --%s, name the image alone", with)
	}
	return c.runOptions(ctx, name, nil)
}

// runStep runs one step of a shared run.
func (c *console) runStep(ctx *cli.Context, name string, steps []string) error {
	if ctx.String("only") == "" || ctx.String("from") == "" || ctx.IsSet("collect") {
		return usagef("run: --only STEP and --from FOLDER go together, and without --collect")
	}
	options, err := c.sharedOptions(ctx, name, "only", steps)
	if err != nil {
		return err
	}
	options.Dir = ctx.String("from")
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	if _, err := c.checkSigners(ctx, image); err != nil {
		return err
	}
	worker := run.Worker{Step: ctx.String("only"), Patience: ctx.Duration("patience"), Stage: ctx.String("stage")}
	worker.Engine, worker.Job = run.EngineOfProcess()
	status, ran, err := run.Step(ctx.Context, image, options, worker)
	if err != nil {
		return err
	}
	c.finishProgress()
	if ctx.Bool("json") {
		return c.printJSON(status)
	}
	if !ran {
		c.note("another worker has run it")
	}
	_, err = fmt.Fprintf(c.out, "step %s: %s\n", status.Name, status.Status)
	return err
}

// collect compares and reports what the workers of a shared run left.
func (c *console) collect(ctx *cli.Context, name string, steps []string) error {
	collectForComparing()
	options, err := c.sharedOptions(ctx, name, "collect", steps)
	if err != nil {
		return err
	}
	options.Dir = filepath.Clean(ctx.String("collect"))
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	checked, err := c.checkSigners(ctx, image)
	if err != nil {
		return err
	}
	return c.runAndReport(ctx, image, options, checked, run.Collect)
}

// runOn has an engine start a worker for each step.
func (c *console) runOn(ctx *cli.Context, name string, steps []string) error {
	collectForComparing()
	for _, flag := range forOneProcess[1:] {
		if ctx.IsSet(flag) {
			return usagef("run: --%s does not go with --on: a run that is spread goes on where it stopped by itself", flag)
		}
	}
	if len(steps) > 0 {
		return usagef("run: with --on, name the image alone")
	}
	options, err := c.runOptions(ctx, name, nil)
	if err != nil {
		return err
	}
	spread := run.Spread{Engine: ctx.String("on"), Options: ctx.StringSlice("engine-option"), Patience: ctx.Duration("patience")}
	if spread.Command, err = workerCommand(ctx, name, options); err != nil {
		return err
	}
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	checked, err := c.checkSigners(ctx, image)
	if err != nil {
		return err
	}
	return c.runAndReport(ctx, image, options, checked, func(ctx context.Context, im *format.Image, o run.Options) (*report.Run, error) {
		return run.On(ctx, im, o, spread)
	})
}

// workerCommand returns the command lines of workers: this program, with what
// was asked of it. Files are named by absolute paths.
func workerCommand(ctx *cli.Context, image string, o run.Options) (func(step, folder string) []string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if image, err = filepath.Abs(image); err != nil {
		return nil, err
	}
	var flags []string
	for _, flag := range handedOn {
		if !ctx.IsSet(flag) {
			continue
		}
		values := ctx.StringSlice(flag)
		if len(values) == 0 {
			values = []string{fmt.Sprint(ctx.Value(flag))}
		}
		for _, v := range values {
			flags = append(flags, "--"+flag+"="+v)
		}
	}
	for _, b := range o.Host.Binds {
		flags = append(flags, "--bind="+b.String())
	}
	files := map[string][]string{"key": ctx.StringSlice("key"), "policy": {ctx.String("policy")}, "data": {ctx.String("data")}}
	for _, flag := range []string{"key", "policy", "data"} {
		for _, file := range files[flag] {
			if file == "" {
				continue
			}
			if _, statErr := os.Stat(file); statErr == nil { // else it names a key of the user's store
				if file, err = filepath.Abs(file); err != nil {
					return nil, err
				}
			}
			flags = append(flags, "--"+flag+"="+file)
		}
	}
	return func(step, folder string) []string {
		return append(append([]string{self, "run", "--only=" + step, "--from=" + folder}, flags...), image)
	}, nil
}
