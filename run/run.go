// Package run executes the steps of an image again, isolated from the machine,
// and compares what they leave with the published results.
//
// Steps see the union of the image's layers and nothing else: see SPEC.md, part
// RUN. Published results are in no layer that steps see, and files that the
// author's own run left in the place of a declared output are hidden, so
// whatever is collected at the end was made in this run.
//
// A run goes through stages, each of which hands plain values to the next:
//
//	plan        which steps, in what order, with which settings   package plan
//	root        what steps see                                    package rootfs
//	execution   an engine runs the steps, outputs are collected   packages engine, outputs
//	checkpoint  what a later run can resume from                  package checkpoint
//	findings    how the outputs compare with the published        package compare
//
// What it leaves in its folder, package folder describes.
package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/report"
	"repro/run/checkpoint"
	"repro/run/folder"
	"repro/run/plan"
	"repro/run/rootfs"
)

// Image runs the steps of im and compares the results.
//
// The report is complete as far as the run came: it is nil only if no step was
// started. Errors are [*StepError], after which the outputs of other steps were
// still compared, [*MachineError], those of package format for a damaged
// image, and ctx's. That results differ is no error: the report says so.
func Image(ctx context.Context, im *format.Image, o Options) (*report.Run, error) {
	started := time.Now()
	x, err := decide(im, o)
	if err != nil {
		return nil, err
	}
	if o.GPU {
		if o.Host.GPU, err = findGPU(ctx, o); err != nil {
			return nil, err
		}
	}
	dir, release, err := folder.Claim(ctx, o.Dir, o.Replace)
	if err != nil {
		return nil, err
	}
	kept := false
	defer func() { release(kept) }()
	first, err := prepare(ctx, x, dir, o)
	if err != nil {
		return nil, err
	}
	defer first.close()
	kept = true
	outcomes, damage := execute(ctx, first.execution, first.resumed)
	rep := x.report(ctx, first.execution, outcomes, started)
	if err = ctx.Err(); err == nil {
		err = damage
	}
	damaged := damage != nil
	if err == nil {
		damaged, err = judge(ctx, x, first.execution, outcomes, rep)
	}
	rep.Kept = first.finish(outcomes, damaged)
	return rep, err
}

// judge fills in what became of the results, and whether they come out again a
// second time. Damaged says that the error means an altered image.
func judge(ctx context.Context, x *experiment, e execution, outcomes []outcome, rep *report.Run) (damaged bool, err error) {
	if err := e.host.CheckImage(ctx); err != nil {
		return true, err
	}
	if err := x.compare(ctx, e, rep); err != nil {
		return false, err
	}
	failed := failure(e.dir, outcomes)
	if e.options.Twice && failed == nil {
		if damaged, err := repeat(ctx, x, e, rep); err != nil {
			return damaged, err
		}
	}
	rep.Finished = timestamp(time.Now())
	return false, failed
}

// experiment is what a run is to do. It does not change.
type experiment struct {
	image    *format.Image
	manifest *manifest.Manifest
	id       manifest.Digest // content id of the image
	profile  plan.Profile
	plan     *plan.Plan
}

// decide settles which steps run, and with which settings.
func decide(im *format.Image, o Options) (*experiment, error) {
	x := &experiment{image: im}
	var err error
	if x.manifest, err = im.Manifest(); err != nil {
		return nil, err
	}
	if err := local.CheckArch(im, x.manifest); err != nil {
		return nil, err
	}
	if x.id, err = im.ContentID(); err != nil {
		return nil, err
	}
	if err := o.Change.Check(); err != nil {
		return nil, err
	}
	x.profile = plan.Whole(x.manifest)
	if o.Quick {
		if x.profile, err = plan.Quick(x.manifest); err != nil {
			return nil, fmt.Errorf("%s: %w", im.Name(), err)
		}
	}
	x.plan, err = plan.New(o.Change.Apply(x.profile.Steps), o.Steps)
	return x, err
}

// keys returns the keys of the plan's steps on this machine.
func (x *experiment) keys(o Options) ([]manifest.Digest, error) {
	return x.plan.Keys(plan.Settings{
		Image: x.id, Program: o.Version, Root: rootfs.Version, Machine: local.Machine(), Net: o.Host.Net,
		Binds: local.BindTexts(o.Host.Binds), Date: x.manifest.Paper.Date, Changed: o.Change.Lines(), GPU: o.Host.GPU.Key(),
	})
}

func findGPU(ctx context.Context, o Options) (*local.GPU, error) {
	root := o.gpuRoot
	if root == "" {
		root = "/"
	}
	return local.FindGPU(ctx, root)
}

// preparation is a run that is ready to execute its first step.
type preparation struct {
	execution
	resumed     []outcome // of the plan's steps; those that an earlier run finished have ended
	keepScratch bool      // a later run can resume from it
}

// prepare gets everything that steps need. What an earlier run left stays until
// it is known that this one can start.
func prepare(ctx context.Context, x *experiment, dir string, o Options) (p *preparation, err error) {
	p = &preparation{execution: execution{experiment: x, dir: dir, limits: limits(o), options: o}}
	defer func() {
		if err != nil {
			p.close()
			p = nil
		}
	}()
	if p.keys, err = x.keys(o); err != nil {
		return p, err
	}
	found := &checkpoint.Found{}
	if o.Resume {
		if found, err = checkpoint.Find(ctx, dir, x.plan, p.keys, o.Progress); err != nil {
			return p, err
		}
	}
	resumes := found != nil && found.Scratch != ""
	if resumes {
		p.scratch, p.keepScratch = found.Scratch, true
	} else if p.scratch, err = checkpoint.NewScratch(o.Scratch, dir); err != nil {
		return p, err
	}
	if p.host, err = open(ctx, x, p.dir, p.scratch, o); err != nil {
		return p, err
	}
	if p.host.SharesRoot() && resumes {
		return p, &MachineError{Err: errors.New("without overlays a run cannot be resumed"), Hint: "start it afresh, without --resume"}
	}
	return p, p.begin(found, resumes)
}

// open provides the root on this machine: the layers of the image, data from
// elsewhere, and above them the layers in more, lowest first.
func open(ctx context.Context, x *experiment, dir, scratch string, o Options, more ...tree.Layer) (*local.Host, error) {
	if err := local.CheckDisk(scratch); err != nil {
		return nil, err
	}
	if err := local.CheckBinds(o.Host.Binds, map[string]string{
		x.image.Name(): "the image, with its published results", dir: "the results of this run", scratch: "what steps write",
	}); err != nil {
		return nil, err
	}
	data, err := rootfs.Data(ctx, x.manifest, o.Data, o.Progress)
	if err != nil {
		return nil, err
	}
	layers, err := x.image.RootLayers()
	if err != nil {
		return nil, err
	}
	root, err := rootfs.Compose(layers, x.manifest.Hiding(), data, local.Identity(), more...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.image.Name(), err)
	}
	o.Host.Reversed, o.Host.Progress = o.Change.Reversed, o.Progress
	return local.Open(ctx, x.image, root, scratch, o.Host)
}

// begin empties the run's folder of what this run does not resume, and opens
// what collects outputs.
func (p *preparation) begin(found *checkpoint.Found, resumes bool) error {
	p.resumed = make([]outcome, len(p.plan.Steps))
	p.limits.OneByOne = p.host.SharesRoot()
	if !p.host.SharesRoot() {
		p.recorder = checkpoint.NewRecorder(p.dir, p.scratch, p.plan, p.keys)
	}
	if !resumes {
		if err := checkpoint.Restart(p.dir); err != nil {
			return err
		}
	} else if err := p.recorder.Resume(found.Steps); err != nil {
		return err
	}
	checkpoint.RemoveAbandoned(p.options.Scratch, p.dir, p.scratch)
	if err := p.collect(); err != nil {
		return err
	}
	if resumes {
		p.adopt(found.Steps)
	}
	return nil
}

// close removes everything that the run made outside its folder.
func (p *preparation) close() {
	p.execution.close()
	if p.host != nil {
		_ = p.host.Close()
	}
	if p.scratch != "" {
		_ = checkpoint.RemoveScratch(p.scratch, p.keepScratch)
	}
}

// finish keeps what a later run can resume from, and returns the names of its
// steps. Nothing is kept that was made of damaged layers.
func (p *preparation) finish(outcomes []outcome, damaged bool) []string {
	p.keepScratch = false
	switch {
	case p.recorder == nil:
		return nil
	case damaged:
		p.recorder.Discard()
		return nil
	}
	done := make([]bool, len(outcomes))
	for i, s := range outcomes {
		done[i] = s.status.Status == report.StepDone
	}
	names := p.recorder.Finish(done, p.options.KeepSize)
	p.keepScratch = len(names) > 0
	return names
}

// limits are what all steps together may use. Several runs on one machine should
// not share processors, so each begins with another one.
func limits(o Options) local.Limits {
	cpus := local.CPUs()
	if n := o.CPUs; n > 0 && n < len(cpus) {
		start := os.Getpid() % len(cpus)
		cpus = append(cpus[start:], cpus[:start]...)[:n]
	}
	return local.Limits{CPUs: cpus, Memory: o.Memory}
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
