// Package run executes the steps of an image again, apart from the machine,
// and compares what they leave with the published results.
//
// Steps see the union of the image's layers and nothing else: see package
// internal/sandbox and SPEC.md, part RUN. Published results are in no layer
// that steps see, and files that the author's own run left at the place of a
// declared output are taken out of sight, so whatever is collected at the end
// was made in this run.
//
// A run leaves a directory:
//
//	outputs/…    declared outputs, at their absolute paths
//	logs/S.log   what step S printed
package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"repro/compare"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/sandbox"
	"repro/report"
)

// Image runs the steps of im and compares the results.
//
// The report is complete as far as the run came: it is nil only if no step was
// started. Errors are [*StepError], after which what other steps left was
// still compared, [*MachineError], those of package format for a damaged
// image, and ctx's. That results differ is no error: the report says so.
func Image(ctx context.Context, im *format.Image, o Options) (*report.Run, error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	if err := otherMachine(im, m); err != nil {
		return nil, err
	}
	r := &runner{image: im, manifest: m, options: o, started: time.Now(), damaged: make(chan error, 1)}
	if r.id, err = im.ContentID(); err != nil {
		return nil, err
	}
	if o.GPU {
		if r.gpu, err = findGPU(ctx, cmp.Or(o.gpuRoot, "/")); err != nil {
			return nil, err
		}
	}
	if err := r.choose(); err != nil {
		return nil, err
	}
	release, err := claimDir(ctx, &r.options)
	if err != nil {
		return nil, err
	}
	started := false
	defer func() { release(started) }()
	defer r.cleanUp()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	started = true
	r.runAll(ctx)
	r.askLibraries(ctx)
	rep := r.report()
	err = r.judge(ctx, rep)
	rep.Kept = r.settle()
	return rep, err
}

// judge fills in what became of the results, and whether they come out again a
// second time.
func (r *runner) judge(ctx context.Context, rep *report.Run) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.damage != nil {
		return r.damage
	}
	if err := r.stillWhole(ctx); err != nil {
		r.damage = err
		return err
	}
	if err := r.compare(ctx, rep); err != nil {
		return err
	}
	failed := r.failure()
	if r.options.Twice && failed == nil {
		if err := r.repeat(ctx, rep); err != nil {
			return err
		}
	}
	rep.Finished = timestamp(time.Now())
	return failed
}

// runner is one run under way.
type runner struct {
	image    *format.Image
	manifest *manifest.Manifest
	id       manifest.Digest
	profile  profile
	plan     *plan
	options  Options
	label    string // in front of what progress says
	started  time.Time

	root    *tree.View // what steps see
	top     *tree.Node // its topmost layer: what the run changes of the image's
	layers  layers     // where it is
	gpu     *gpu       // nil: steps see none
	scratch string     // for what they write
	cpus    []int      // that they may use
	outputs *collector
	live    *liveLog

	damaged chan error // the first content that could not be served

	second   bool              // run for comparison with the first
	stepKeys []manifest.Digest // of the plan's steps: what each depends on
	keeping  sync.Mutex
	kept     kept                // what a later run can go on with
	found    []*keptStep         // of the plan's steps, what an earlier run left; nil: it is run
	taken    []report.OutputFile // outputs of steps that need not run again
	resumed  bool                // goes on with what an earlier run left
	left     bool                // the scratch directory is to stay

	states  []state  // of the plan's steps
	answers []answer // of the libraries, for each
	walls   walls    // that stood around those that ran
	damage  error    // the image or the machine failed, not a step
}

// choose settles which steps run, and how.
func (r *runner) choose() (err error) {
	if err := r.options.Change.check(); err != nil {
		return err
	}
	r.profile = wholeProfile(r.manifest)
	if r.options.Quick {
		if r.profile, err = quickProfile(r.manifest); err != nil {
			return fmt.Errorf("%s: %w", r.image.Name(), err)
		}
	}
	r.plan, err = newPlan(r.options.Change.apply(r.profile.steps), r.options.Steps)
	if err != nil {
		return err
	}
	r.states = make([]state, len(r.plan.steps))
	r.stepKeys, err = r.keys()
	return err
}

// makeScratch makes the directory for what steps write, unless there is one to
// go on with.
func (r *runner) makeScratch() (err error) {
	if !r.resumed {
		if r.scratch, err = os.MkdirTemp(r.options.Scratch, scratchPrefix); err != nil {
			return fmt.Errorf("scratch directory: %w", err)
		}
		r.kept = kept{Version: keptVersion, Scratch: r.scratch}
		if err := os.WriteFile(filepath.Join(r.scratch, ownerFile), []byte(r.options.Dir), 0o600); err != nil {
			return err
		}
	}
	if err := sandbox.CheckDisk(r.scratch); err != nil {
		return r.diskError(err)
	}
	return nil
}

// prepare gets all that steps need. What an earlier run left stays until it is
// known that this one can start.
func (r *runner) prepare(ctx context.Context) error {
	r.cpus = sandbox.CPUs()
	if n := r.options.CPUs; n > 0 && n < len(r.cpus) {
		start := os.Getpid() % len(r.cpus) // several runs on one machine should not share processors
		r.cpus = append(r.cpus[start:], r.cpus[:start]...)[:n]
	}
	if r.options.Resume {
		if err := r.findKept(ctx); err != nil {
			return err
		}
	}
	if err := r.makeScratch(); err != nil {
		return err
	}
	if err := checkBinds(r.options.Binds, map[string]string{
		r.image.Name(): "the image, with its published results", r.options.Dir: "the results of this run", r.scratch: "what steps write",
	}); err != nil {
		return err
	}
	data, err := r.bring(ctx)
	if err != nil {
		return err
	}
	if err := r.shape(data); err != nil {
		return err
	}
	if r.layers, err = r.provide(ctx); err != nil {
		return machineError(err)
	}
	if r.layers.shared && r.resumed {
		return &MachineError{Err: errors.New("without overlays a run cannot be gone on with"), Hint: "start it afresh, without --resume"}
	}
	if err := r.clearDir(); err != nil {
		return err
	}
	if r.outputs, err = newCollector(filepath.Join(r.options.Dir, outputsDir), r.options.OutputSize); err != nil {
		return err
	}
	r.outputs.take(r.taken)
	r.live = newLiveLog(r.options.Log)
	return nil
}

// cleanUp removes everything that the run made outside its directory.
func (r *runner) cleanUp() {
	if r.outputs != nil {
		r.outputs.close()
	}
	if r.layers.release != nil {
		r.layers.release()
	}
	switch {
	case r.scratch == "":
	case r.left:
		_ = removeBut(r.scratch, ofKept)
	default:
		_ = sandbox.Remove(r.scratch)
	}
}

// compare fills in the findings.
func (r *runner) compare(ctx context.Context, rep *report.Run) error {
	results, claims := r.plan.results(r.profile.results), r.plan.claims(r.profile.claims)
	if len(results)+len(claims) == 0 {
		rep.Counts = report.Count(nil)
		return nil
	}
	produced := os.DirFS(filepath.Join(r.options.Dir, outputsDir))
	numbers, claimErr := compare.Claims(ctx, produced, claims)
	if len(results) == 0 {
		rep.Findings, rep.Counts = numbers, report.Count(numbers)
		return claimErr
	}
	published, err := r.image.Published()
	if err != nil {
		return err
	}
	o := r.options.Compare
	o.Progress = r.options.Progress
	findings, err := compare.Results(ctx, published, produced, results, o)
	rep.Findings = append(findings, numbers...)
	rep.Counts = report.Count(rep.Findings)
	return errors.Join(err, claimErr)
}

// report describes the run so far.
func (r *runner) report() *report.Run {
	rep := &report.Run{
		Version: report.Version, Image: r.image.Name(), ContentID: r.id, Paper: r.manifest.Paper,
		Machine: Machine(), Isolation: r.isolation(),
		Started: timestamp(r.started), Finished: timestamp(time.Now()),
		Outputs: r.outputs.sorted(),
		Quick:   r.options.Quick, LeftOut: r.profile.leftOut, Changed: r.options.Change.words(),
	}
	rep.Machine.Repro = r.options.Version
	for i := range r.states {
		status := r.states[i].status
		r.obtained(&status, i)
		rep.Steps = append(rep.Steps, status)
	}
	return rep
}

// failure returns the error for the first step that failed.
func (r *runner) failure() error {
	var first *StepError
	for _, s := range r.states {
		if s.status.Status == statusDone || s.status.Status == statusSkipped {
			continue
		}
		if first == nil {
			first = &StepError{Step: s.status.Name, Problem: s.status.Problem,
				Log: filepath.Join(r.options.Dir, filepath.FromSlash(s.status.Log))}
		} else {
			first.Others++
		}
	}
	if first == nil {
		return nil
	}
	return first
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Machine describes this machine; Repro is left to the caller.
func Machine() report.Machine {
	return report.Machine{Arch: runtime.GOARCH, CPUs: len(sandbox.CPUs()),
		CPU: cpuModel(), Memory: memorySize(), Kernel: kernelVersion()}
}
