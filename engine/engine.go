// Package engine is the seam between a run and the places where its steps can
// execute: this machine, a batch system's nodes, a container elsewhere.
//
// A run turns each step into a [Job] and submits all of them at once. An engine
// starts a job when those that it needs are done, and says what became of it.
// What a step produced is not the engine's business: a job leaves that itself,
// in the folder of its run. An engine's word about a job is a hint, since batch
// systems forget jobs and lose nodes.
//
// A job can be started in two ways, of which an engine uses one: Work is called
// within this process, Args is the command line that does the same in another
// one, wherever that is.
//
// Package enginetest holds any engine against what this package says.
package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Job is one step of a run.
type Job struct {
	Name      string   // unique among the jobs of an engine
	Needs     []string // names of jobs, submitted before or in the same call, that must be done first
	Resources Resources

	// Work does the job within this process. That it fails is an error. It
	// returns soon after ctx ends.
	Work func(ctx context.Context, a Allotment) error

	// Args is the command line of another process that does the job: the
	// program and its arguments. Exit status 0 says that it is done.
	Args []string

	// Apart says how the job is done where the run's folder cannot be seen. Nil:
	// it cannot be done there.
	Apart *Apart
}

// Apart is how a job is done on a machine that shares no files with this one: in
// an empty working folder, which gets what the job needs, and whose Leaves are
// brought back. Engines that share the folder of a run ignore it.
type Apart struct {
	Args   []string // as Job.Args; files are named as they lie in the working folder
	Files  []string // absolute paths of this machine, files or folders; each lies there under its last element
	Folder string   // absolute path of the run's folder on this machine
	Reads  []string // paths in Folder, of files or folders, which lie there under the same paths
	Leaves []string // paths in Folder of what the job leaves, if it comes that far
}

// Resources are what a job asks for. An engine that has less gives what it has.
type Resources struct {
	CPUs   int           // processors, at least 1
	Memory int64         // bytes; 0: not known
	Time   time.Duration // at most; 0: not known
	GPU    bool
}

// Allotment is what a job got that is done within this process.
type Allotment struct {
	CPUs   []int // numbers of its processors
	Memory int64 // bytes; 0: no limit but the machine's
}

// ID names a job within an engine.
type ID string

// Phase is how far a job has come.
type Phase string

// The phases of a job.
const (
	Waiting   Phase = "waiting"   // for jobs that it needs, or for resources
	Running   Phase = "running"   //
	Done      Phase = "done"      // it ended well
	Failed    Phase = "failed"    // it ended otherwise
	Skipped   Phase = "skipped"   // it never started: a job that it needs did not get done
	Cancelled Phase = "cancelled" // by Cancel, or by somebody else; it may have started
	Unknown   Phase = "unknown"   // the engine does not know the job, or no longer
)

// Ended reports whether a job in this phase has ended.
func (p Phase) Ended() bool { return p != Waiting && p != Running && p != Unknown }

// State is what an engine knows of a job.
type State struct {
	Phase  Phase
	Reason string // why it failed, waits or was skipped; may be empty
	Node   string // where it runs or ran; may be empty

	// Stuck says of a job that waits that it does so for what does not come by
	// itself: somebody has to change what was asked for, or what is there.
	Stuck bool
}

// Engine runs jobs. Goroutines may share one.
type Engine interface {
	// Submit hands jobs over and returns their names within the engine, in the
	// same order. It does not wait for any of them. If it fails, none of them
	// runs. Ctx bounds the call, not the jobs.
	Submit(ctx context.Context, jobs []Job) ([]ID, error)

	// State returns the states of jobs, in the order of ids. One that the
	// engine does not know is [Unknown] and no error.
	State(ctx context.Context, ids []ID) ([]State, error)

	// Cancel ends jobs, whether they wait or run, and returns without waiting
	// for that. Jobs that have ended, or are not known, stay as they are.
	Cancel(ctx context.Context, ids []ID) error

	// Fetch brings the files that a job left into the run's folder, where the
	// engine's nodes do not share it. Engines whose nodes do, do nothing.
	Fetch(ctx context.Context, id ID) error

	// Close gives up what the engine holds in this process. Jobs that run
	// within it have ended before Close returns; others go on.
	Close() error
}

// Notifier is an engine that says when the state of a job has changed.
type Notifier interface {
	Engine

	// Changed receives after one or more states have changed.
	Changed() <-chan struct{}
}

// Adopter is an engine whose jobs outlive the process that submitted them.
type Adopter interface {
	Engine

	// Adopt makes jobs known that an engine of the same kind, with the same
	// options, has submitted, be it in another process; ids are what its Submit
	// returned. The jobs' names and needs count. It does not look whether they
	// exist: one that does not is [Unknown] later.
	Adopt(jobs []Job, ids []ID) error
}

// ErrMachine is what every error wraps that says that this machine, or engine,
// cannot run the image.
var ErrMachine = errors.New("this machine cannot run the image")

// MachineError says what the machine lacks, and what to ask for.
type MachineError struct {
	Err  error
	Hint string
}

func (e *MachineError) Error() string   { return e.Err.Error() }
func (e *MachineError) Unwrap() []error { return []error{ErrMachine, e.Err} }

// NoScratch is the error of a place for what steps write that cannot be had:
// err is why. If the user named one, parent, it is hers, else the machine's.
func NoScratch(parent string, err error) error {
	err = fmt.Errorf("scratch directory: %w", err)
	if parent != "" {
		return err
	}
	return &MachineError{Err: err, Hint: "name a place for what steps write: --scratch FOLDER, or TMPDIR"}
}
