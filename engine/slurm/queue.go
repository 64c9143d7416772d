package slurm

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"repro/engine"
)

// refresh asks squeue about all jobs that have not ended. The caller holds e.mu.
func (e *Engine) refresh(ctx context.Context) error {
	open := e.open()
	if len(open) == 0 {
		return nil
	}
	// Not by --jobs: squeue refuses a list with a job that it has forgotten.
	out, err := output(exec.CommandContext(ctx, "squeue", "--noheader", "--states=all", "--me", "--array", "--format=%i|%T|%r|%N"))
	if err != nil {
		return fmt.Errorf("slurm: %w", err)
	}
	listed := parseQueue(out)
	for _, j := range open {
		l, ok := listed[j.ID]
		if !ok {
			switch {
			case j.Own.back: // it ended as was seen
			case j.Cancelled: // elements of arrays that have not started leave no trace
				j.State = engine.State{Phase: engine.Cancelled, Reason: "cancelled", Node: j.State.Node}
			default:
				j.State = engine.State{Phase: engine.Unknown, Reason: "Slurm does not know it any more", Node: j.State.Node}
			}
			continue
		}
		before := j.State.Phase
		j.State, j.Own.back = e.stateOf(j, l)
		if j.State.Phase == engine.Failed && before != engine.Failed {
			j.State.Reason = e.explain(ctx, j.ID, l)
		}
	}
	return nil
}

// open are the jobs of which there may be news, those that others need first.
func (e *Engine) open() (open []*job) {
	for _, j := range e.jobs.All() {
		if mayRun(j) {
			open = append(open, j)
		}
	}
	return open
}

func mayRun(j *job) bool { return j.Own.back || !j.State.Phase.Ended() }

// line is what squeue says of a job.
type line struct{ state, reason, node string }

// maxOutput bounds what one of Slurm's programs may print, in bytes.
const maxOutput = 64 << 20

// parseQueue reads the lines ID|STATE|REASON|NODES of squeue. It ignores what has
// another form.
func parseQueue(out string) map[engine.ID]line {
	listed := map[engine.ID]line{}
	for l := range strings.Lines(out) {
		if f := strings.SplitN(strings.TrimRight(l, "\n"), "|", 4); len(f) == 4 {
			listed[engine.ID(f[0])] = line{strings.ToUpper(strings.TrimSpace(f[1])), f[2], f[3]}
		}
	}
	return listed
}

// mayReturn are the states of jobs that have ended but that Slurm may start
// again: it was not their fault.
var mayReturn = []string{"NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "REVOKED"}

// stuckReasons begin those of jobs that wait until somebody changes them, or the
// cluster: they ask for what their partition, account or quality of service never
// gives. Jobs that are held are let go by whoever holds them.
var stuckReasons = []string{
	"PartitionTimeLimit", "PartitionNodeLimit", "PartitionInactive", "PartitionConfig", "BadConstraints", "AccountNotAllowed", "QOSNotAllowed",
	"InvalidAccount", "InvalidQOS", "AssocMaxWallDurationPerJobLimit", "AssocMaxCpuPerJobLimit", "AssocMaxMemPerJob", "AssocMaxNodePerJobLimit",
	"QOSMaxWallDurationPerJobLimit", "QOSMaxCpuPerJobLimit", "QOSMaxMemoryPerJob", "QOSMaxNodePerJobLimit",
}

const neverSatisfied = "a job that it needs did not get done"

// stateOf turns Slurm's words (squeue(1), JOB STATE CODES) into a state, and says
// whether the job may be put back into the queue.
func (e *Engine) stateOf(j *job, l line) (s engine.State, back bool) {
	s = engine.State{Phase: engine.Failed, Reason: strings.ToLower(l.state), Node: l.node}
	neverStarts := strings.HasPrefix(l.reason, "DependencyNeverSatisfied")
	switch l.state {
	case "PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT":
		s.Phase, s.Reason, s.Stuck = engine.Waiting, l.reason, slices.Contains(stuckReasons, l.reason)
		if neverStarts { // it is about to be cancelled
			s.Phase, s.Reason = engine.Skipped, neverSatisfied
		}
	case "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING":
		s.Phase, s.Reason = engine.Running, ""
	case "COMPLETED":
		s.Phase, s.Reason = engine.Done, ""
	case "CANCELLED":
		s.Phase, s.Reason = engine.Cancelled, "cancelled"
		if lost, _ := e.jobs.Needs(j.Job); !j.Cancelled && (neverStarts || lost != "") {
			s.Phase, s.Reason = engine.Skipped, neverSatisfied
		}
	}
	if j.Cancelled && s.Phase == engine.Failed {
		s.Phase = engine.Cancelled
	}
	return s, s.Phase == engine.Failed && slices.Contains(mayReturn, l.state)
}
