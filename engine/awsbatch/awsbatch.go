// Package awsbatch runs jobs on AWS Batch, through the program aws (aws-cli), which
// knows how to log in.
//
// Each job is a job definition of its own and one job of it, in a container, which
// AWS starts after those that it needs have succeeded. A file system of AWS's (EFS),
// or a folder that all instances have mounted, holds the folder of the run and what
// workers need; it must be seen on this machine too.
//
// What is sent was held against aws-cli's model of the service and against moto,
// which imitates it. It was never run at AWS.
package awsbatch

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"

	"repro/engine"
)

// Options say how jobs are submitted.
type Options struct {
	Queue      string   // job queue
	Image      string   // in a registry that AWS can reach
	EFS        string   // file system that holds the run's folder; or else
	HostFolder string   // the folder in which instances have mounted it
	Target     string   // where containers see it
	User       int      // whom jobs run as; 0: 1000
	Job        string   // variable in which a job finds its name; empty: none
	Extra      []string // further arguments of aws, such as --region=eu-central-1

	// DryRun, if not nil, gets the documents in place of AWS.
	DryRun io.Writer
}

// Engine submits to one queue.
type Engine struct {
	options Options
	run     string

	mu   sync.Mutex
	jobs engine.Table[struct{}]
	made int // definitions
}

type job = engine.Entry[struct{}]

// New returns an engine, or an [*engine.MachineError] if there is no aws here.
func New(o Options) (*Engine, error) {
	if _, err := exec.LookPath("aws"); err != nil && o.DryRun == nil {
		return nil, &engine.MachineError{Err: fmt.Errorf("aws-batch: %w", err), Hint: "install aws-cli, and log in by aws configure"}
	}
	run := make([]byte, 5)
	if _, err := rand.Read(run); err != nil {
		return nil, err
	}
	return &Engine{options: o, run: hex.EncodeToString(run)}, nil
}

// Submit implements [engine.Engine]. AWS knows no jobs that are held: if one is
// refused, those before it are terminated, and may have started.
func (e *Engine) Submit(ctx context.Context, jobs []engine.Job) ([]engine.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	order, err := e.jobs.Check(jobs)
	if err != nil {
		return nil, fmt.Errorf("aws-batch: %w", err)
	}
	if err := e.refresh(ctx); err != nil { // of those that these may need
		return nil, err
	}
	had := e.jobs.Len()
	ids := make([]engine.ID, len(jobs))
	for _, i := range order {
		if ids[i], err = e.submit(ctx, jobs[i]); err != nil {
			err = fmt.Errorf("aws-batch: job %q: %w", jobs[i].Name, err)
			for _, before := range e.jobs.All()[had:] {
				err = errors.Join(err, e.terminate(context.WithoutCancel(ctx), before.ID))
			}
			e.jobs.Truncate(had)
			return nil, err
		}
	}
	return ids, nil
}

// submit submits one job. One whose needs have failed already is skipped.
func (e *Engine) submit(ctx context.Context, j engine.Job) (engine.ID, error) {
	e.made++
	name := fmt.Sprintf("repro-%s-%d", e.run, e.made)
	lost, waits := e.jobs.Needs(j)
	if lost != "" {
		id := engine.ID("skipped-" + name)
		e.jobs.Add(j, id).State = engine.Lost(lost)
		return id, nil
	}
	var after []engine.ID
	for _, need := range direct(waits) {
		after = append(after, need.ID)
	}
	if len(after) > maxNeeds {
		return "", fmt.Errorf("needs %d jobs: AWS Batch allows %d", len(after), maxNeeds)
	}
	definition, submission := e.options.definition(name, j), e.options.submission(name, after)
	if e.options.DryRun != nil {
		b, err := json.MarshalIndent(object{"step": j.Name, "register-job-definition": definition, "submit-job": submission}, "", "  ")
		if err == nil {
			_, err = fmt.Fprintf(e.options.DryRun, "%s\n", b)
		}
		return e.jobs.Add(j, engine.ID(name)).ID, err
	}
	if err := e.aws(ctx, "register-job-definition", definition, nil); err != nil {
		return "", err
	}
	var answer struct {
		JobID string `json:"jobId"`
	}
	if err := e.aws(ctx, "submit-job", submission, &answer); err != nil {
		return "", err
	}
	if !validID.MatchString(answer.JobID) {
		return "", fmt.Errorf("aws answers with job %q", answer.JobID)
	}
	return e.jobs.Add(j, engine.ID(answer.JobID)).ID, nil
}

var validID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,127}$`)

// direct leaves out jobs that others of them need: AWS allows few.
func direct(needs []*job) []*job {
	return slices.DeleteFunc(slices.Clone(needs), func(one *job) bool {
		return slices.ContainsFunc(needs, func(other *job) bool { return slices.Contains(other.Needs, one.Name) })
	})
}

// Adopt implements [engine.Adopter].
func (e *Engine) Adopt(jobs []engine.Job, ids []engine.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.jobs.Adopt(jobs, ids, func(id engine.ID) error {
		if !validID.MatchString(string(id)) {
			return fmt.Errorf("%q is no job of AWS Batch's", id)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("aws-batch: %w", err)
	}
	return nil
}

// State implements [engine.Engine].
func (e *Engine) State(ctx context.Context, ids []engine.ID) ([]engine.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.refresh(ctx); err != nil {
		return nil, err
	}
	return e.jobs.States(ids), nil
}

// Cancel implements [engine.Engine].
func (e *Engine) Cancel(ctx context.Context, ids []engine.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, id := range ids {
		if j := e.jobs.Get(id); j != nil && !j.State.Phase.Ended() {
			j.Cancelled = true
			errs = append(errs, e.terminate(ctx, id))
		}
	}
	return errors.Join(errs...)
}

// Fetch implements [engine.Engine]: the file system is seen here.
func (e *Engine) Fetch(context.Context, engine.ID) error { return nil }

// Close implements [engine.Engine]. Jobs go on.
func (e *Engine) Close() error { return nil }

func (e *Engine) terminate(ctx context.Context, id engine.ID) error {
	if strings.HasPrefix(string(id), "skipped-") {
		return nil
	}
	return e.aws(ctx, "terminate-job", object{"jobId": string(id), "reason": "cancelled"}, nil)
}

// described is what is read of a job.
type described struct {
	JobID     string `json:"jobId"`
	Status    string `json:"status"`
	Reason    string `json:"statusReason"`
	Container struct {
		Reason   string `json:"reason"`
		ExitCode *int   `json:"exitCode"`
		Host     string `json:"containerInstanceArn"`
	} `json:"container"`
}

// refresh asks about all jobs that have not ended. The caller holds e.mu.
func (e *Engine) refresh(ctx context.Context) error {
	if e.options.DryRun != nil {
		return nil
	}
	var open []string
	for _, j := range e.jobs.Open() {
		open = append(open, string(j.ID))
	}
	for some := range slices.Chunk(open, maxDescribed) {
		var answer struct {
			Jobs []described `json:"jobs"`
		}
		if err := e.aws(ctx, "describe-jobs", object{"jobs": some}, &answer); err != nil {
			return fmt.Errorf("aws-batch: %w", err)
		}
		for _, id := range some {
			j := e.jobs.Get(engine.ID(id))
			i := slices.IndexFunc(answer.Jobs, func(d described) bool { return d.JobID == id })
			if i < 0 {
				j.State = engine.State{Phase: engine.Unknown, Reason: "AWS Batch does not know it any more"}
				continue
			}
			j.State = stateOf(j, answer.Jobs[i])
		}
	}
	e.skip()
	return nil
}

// skip marks as skipped the jobs that AWS failed because of one that they need.
func (e *Engine) skip() {
	for _, j := range e.jobs.All() {
		if j.State.Phase != engine.Failed || !strings.Contains(strings.ToLower(j.State.Reason), "depend") {
			continue
		}
		if lost, _ := e.jobs.Needs(j.Job); lost != "" {
			j.State = engine.Lost(lost)
		}
	}
}

// stateOf turns AWS' words (docs.aws.amazon.com/batch/latest/userguide/job_states.html)
// into a state.
func stateOf(j *job, d described) engine.State {
	s := engine.State{Phase: engine.Waiting, Reason: d.Reason, Node: d.Container.Host}
	switch d.Status {
	case "RUNNING":
		s.Phase, s.Reason = engine.Running, ""
	case "SUCCEEDED":
		s.Phase, s.Reason = engine.Done, ""
	case "FAILED":
		s.Phase = engine.Failed
		if d.Container.Reason != "" {
			s.Reason += ": " + d.Container.Reason
		}
		if code := d.Container.ExitCode; code != nil {
			s.Reason += fmt.Sprintf(" (exit status %d)", *code)
		}
		if j.Cancelled {
			s.Phase, s.Reason = engine.Cancelled, "cancelled"
		}
	}
	return s
}

// maxAnswer bounds what aws may print, in bytes.
const maxAnswer = 64 << 20

var controls = regexp.MustCompile(`[[:cntrl:]]+`)

// aws runs that program with a document. Its messages become the error.
func (e *Engine) aws(ctx context.Context, command string, document object, answer any) error {
	b, err := json.Marshal(document)
	if err != nil {
		return err
	}
	args := append(slices.Clone(e.options.Extra), "--output", "json", "batch", command, "--cli-input-json", string(b))
	cmd := exec.CommandContext(ctx, "aws", args...)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(controls.ReplaceAllString(messages.String(), " "))
		return fmt.Errorf("aws batch %s: %w: %s", command, err, text[:min(len(text), 1000)])
	}
	if out.Len() > maxAnswer {
		return fmt.Errorf("aws batch %s: answers with more than %d bytes", command, maxAnswer)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(out.Bytes(), answer)
}
