package cli

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"repro/format"
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
