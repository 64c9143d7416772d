package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"repro/engine/local"
	"repro/format"
	"repro/report"
	"repro/run"
)

// Flags of runs whose workers an engine starts.
var (
	onFlag = &cli.StringFlag{Name: "on", Usage: "run the steps on the machines of `ENGINE`, each as a job: " + run.EngineForms() + "; docs/engines.md says what each needs",
		Action: func(_ *cli.Context, name string) error {
			if err := run.CheckEngine(name); err != nil {
				return usagef("--on: %w", err)
			}
			return nil
		}}
	engineOptionFlag = &cli.StringSliceFlag{Name: "engine-option", Usage: "with --on: hand `OPTION` to the engine as it is, such as --engine-option=--account=physics"}
	dryRunFlag       = &cli.BoolFlag{Name: "dry-run", Usage: "with --on kubernetes or aws-batch: print what would be submitted, and submit nothing"}
	detachFlag       = &cli.BoolFlag{Name: "detach", Usage: "with --on: submit the steps and do not wait for them"}
	attachFlag       = &cli.StringFlag{Name: "attach", Usage: "wait for what was submitted for the run in `FOLDER`, and compare and report; when this is interrupted, the jobs go on"}
	cancelFlag       = &cli.StringFlag{Name: "cancel", Usage: "cancel what was submitted for the run in `FOLDER` and has not ended; what is done stays"}
)

// handedOn are the flags that a worker gets as they were given to repro run --on.
var handedOn = []string{"quick", "fixed", "memory", "disk", "isolation", "network", "gpu", "layers", "by", "scratch", "stage"}

// runOn has an engine start a worker for each step.
func (c *console) runOn(ctx *cli.Context, name string, steps []string) error {
	collectForComparing()
	for _, flag := range forOneProcess {
		if ctx.IsSet(flag) && flag != "output" && flag != "resume" { // it goes on where it stopped by itself
			return usagef("run: --%s does not go with --on", flag)
		}
	}
	if len(steps) > 0 {
		return usagef("run: with --on, name the image alone")
	}
	options, err := c.runOptions(ctx, name, nil)
	if err != nil {
		return err
	}
	spread := run.Spread{Engine: ctx.String("on"), Options: ctx.StringSlice("engine-option"), Patience: ctx.Duration("patience"), Detach: ctx.Bool("detach")}
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	if ctx.Bool("dry-run") && !run.CanDryRun(spread.Engine) {
		return usagef("run: --dry-run does not go with --on %s", spread.Engine)
	}
	if run.IsContained(spread.Engine) {
		spread.Container, err = c.containerOf(ctx, image, options)
	} else {
		spread.Command, err = workerCommand(ctx, name, options, func(file string) (string, error) { return file, nil })
		if err == nil {
			spread.Apart, spread.Files, err = apartCommand(ctx, name, options)
		}
	}
	if err != nil {
		return err
	}
	checked, err := c.checkSigners(ctx, image)
	if err != nil {
		return err
	}
	err = c.runAndReport(ctx, image, options, checked, func(ctx context.Context, im *format.Image, o run.Options) (*report.Run, error) {
		return run.On(ctx, im, o, spread)
	})
	if err == nil && spread.Detach {
		c.finishProgress()
		_, err = fmt.Fprintf(c.out, "submitted; repro run --attach %s waits for it, --cancel ends it\n", options.Dir)
	}
	return err
}

// follow waits for, or cancels, what was submitted for the run in a folder.
func (c *console) follow(ctx *cli.Context, args []string) error {
	collectForComparing()
	flag := "attach"
	if ctx.IsSet("cancel") {
		flag = "cancel"
	}
	for _, other := range append([]string{"attach", "detach", "patience", "engine-option"}, append(forOneProcess, handedOn...)...) {
		if other != flag && other != "by" && ctx.IsSet(other) {
			return usagef("run: --%s does not go with --%s, which takes it from what was submitted", other, flag)
		}
	}
	if len(args) > 1 {
		return usagef("run: with --%s, name at most the image", flag)
	}
	dir := filepath.Clean(ctx.String(flag))
	s, err := run.ReadSubmission(dir)
	if err != nil {
		return err
	}
	name := s.Image
	if len(args) == 1 {
		name = args[0]
	}
	options, err := c.runOptions(ctx, name, nil)
	if err != nil {
		return err
	}
	options.Dir, options.Quick, options.GPU, options.Change.Fixed, options.Host.Net = dir, s.Quick, s.GPU, s.Fixed, s.Network
	if options.Host.Binds, err = readBinds(s.Binds); err != nil {
		return err
	}
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	if flag == "cancel" {
		return run.CancelJobs(ctx.Context, image, options)
	}
	checked, err := c.checkSigners(ctx, image)
	if err != nil {
		return err
	}
	return c.runAndReport(ctx, image, options, checked, run.Attach)
}

// workerCommand returns the command lines of workers: this program, with what
// was asked of it. Files are named by absolute paths.
// Machines of the engine find a file of this one where at says.
func workerCommand(ctx *cli.Context, image string, o run.Options, at func(file string) (string, error)) (func(step, folder string) []string, error) {
	self, err := os.Executable()
	if err == nil {
		self, err = at(self)
	}
	if err == nil {
		image, err = filepath.Abs(image)
	}
	if err == nil {
		image, err = at(image)
	}
	if err != nil {
		return nil, err
	}
	flags := workerFlags(ctx, o)
	files := map[string][]string{"key": ctx.StringSlice("key"), "policy": {ctx.String("policy")}, "data": {ctx.String("data")}}
	for _, flag := range []string{"key", "policy", "data"} {
		for _, file := range files[flag] {
			if file == "" {
				continue
			}
			if _, statErr := os.Stat(file); statErr == nil { // else it names a key of the user's store
				if file, err = filepath.Abs(file); err == nil {
					file, err = at(file)
				}
				if err != nil {
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

// workerFlags are the flags of workers that name no file of this machine.
func workerFlags(ctx *cli.Context, o run.Options) (flags []string) {
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
	return flags
}

// apartCommand returns the command lines of workers on machines that share no
// files with this one, and the files that they need there. They are not told whom
// to trust: who signed the image is checked here, and a worker takes no other.
func apartCommand(ctx *cli.Context, image string, o run.Options) (command func(step string) []string, files []string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	if image, err = filepath.Abs(image); err != nil {
		return nil, nil, err
	}
	files = []string{self, image}
	flags := workerFlags(ctx, o)
	if o.Data != "" {
		data, err := filepath.Abs(o.Data)
		if err != nil {
			return nil, nil, err
		}
		files, flags = append(files, data), append(flags, "--data="+filepath.Base(data))
	}
	return func(step string) []string {
		return append(append([]string{"./" + filepath.Base(self), "run", "--only=" + step, "--from=."}, flags...), filepath.Base(image))
	}, files, nil
}

// notInContainers are the flags that say how a sandbox is made, which is not made
// in a container.
var notInContainers = []string{"isolation", "network", "bind", "gpu", "layers", "disk", "scratch", "stage"}

// containerOf says how workers run in containers of an image.
func (c *console) containerOf(ctx *cli.Context, image *format.Image, o run.Options) (*run.Container, error) {
	for _, flag := range notInContainers {
		if ctx.IsSet(flag) {
			return nil, usagef("run: --%s does not go with --on %s: ask the engine for it, by --engine-option", flag, ctx.String("on"))
		}
	}
	id, err := image.ContentID()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var dry io.Writer
	if ctx.Bool("dry-run") {
		dry = c.out
	}
	return &run.Container{
		DryRun: dry,
		Ref:    containerRef(id), Program: self,
		Export: func(ctx context.Context, file string) error {
			e, err := exportOf(image)
			if err != nil {
				return err
			}
			e.Progress = c.progress()
			return e.Archive(ctx, file)
		},
		Command: func(at func(string) (string, error)) (func(step, folder string) []string, error) {
			command, err := workerCommand(ctx, image.Name(), o, at)
			if err != nil {
				return nil, err
			}
			return func(step, folder string) []string {
				args := command(step, folder)
				last := len(args) - 1
				return append(append(slices.Clone(args[:last]), "--isolation="+string(local.IsolationContainer)), args[last])
			}, nil
		},
	}, nil
}
