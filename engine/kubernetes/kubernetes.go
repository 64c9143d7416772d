// Package kubernetes runs jobs on a Kubernetes cluster (1.31 and later), through
// the program kubectl, which knows the cluster and how to log in to it. Of that
// program it uses raw requests only.
//
// Each job is a Job of batch/v1 with one pod of one container, which fits the pod
// security standard "restricted". It is made suspended, and let start when those
// that it needs are done; that takes a process which asks for states. A volume
// claim holds the folder of the run and what workers need; it must be seen on this
// machine too.
package kubernetes

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"

	"repro/engine"
)

// Options say how jobs are submitted.
type Options struct {
	Namespace string
	Image     string   // of the containers
	Claim     string   // name of the volume claim
	Target    string   // where containers see it
	User      int      // whom jobs run as; 0: 1000
	Job       string   // variable in which a job finds its name; empty: none
	Extra     []string // further arguments of kubectl, such as --context=lab

	// DryRun, if not nil, gets the manifests in place of the cluster.
	DryRun io.Writer
}

// Engine submits to one namespace of a cluster.
type Engine struct {
	options Options
	run     string // label of its jobs

	mu   sync.Mutex
	jobs engine.Table[struct{}]
}

// New returns an engine, or an [*engine.MachineError] if there is no kubectl here.
func New(o Options) (*Engine, error) {
	if _, err := exec.LookPath("kubectl"); err != nil && o.DryRun == nil {
		return nil, &engine.MachineError{Err: fmt.Errorf("kubernetes: %w", err), Hint: "install kubectl, and set it up for the cluster"}
	}
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	run := make([]byte, 5)
	if _, err := rand.Read(run); err != nil {
		return nil, err
	}
	return &Engine{options: o, run: hex.EncodeToString(run)}, nil
}

// Submit implements [engine.Engine]. No job starts before all are there.
func (e *Engine) Submit(ctx context.Context, jobs []engine.Job) ([]engine.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	order, err := e.jobs.Check(jobs)
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	ids := make([]engine.ID, len(jobs))
	for n, i := range order {
		name := jobName(e.run, e.jobs.Len()+n)
		if err := e.create(ctx, name, jobs[i]); err != nil {
			for _, made := range ids {
				if made != "" {
					err = errors.Join(err, e.remove(context.WithoutCancel(ctx), made))
				}
			}
			return nil, fmt.Errorf("kubernetes: job %q: %w", jobs[i].Name, err)
		}
		ids[i] = engine.ID(name)
	}
	for _, i := range order {
		e.jobs.Add(jobs[i], ids[i])
	}
	if e.options.DryRun != nil {
		return ids, nil
	}
	return ids, e.refresh(ctx)
}

// Adopt implements [engine.Adopter].
func (e *Engine) Adopt(jobs []engine.Job, ids []engine.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	run := e.run
	err := e.jobs.Adopt(jobs, ids, func(id engine.ID) error {
		of, _, ok := strings.Cut(strings.TrimPrefix(string(id), "repro-"), "-")
		switch {
		case !ok || !validName.MatchString(string(id)):
			return fmt.Errorf("%q is none of its jobs", id)
		case (e.jobs.Len() > 0 || id != ids[0]) && of != run:
			return fmt.Errorf("%q is of another run than jobs before it", id)
		}
		run = of
		return nil
	})
	if err != nil {
		return fmt.Errorf("kubernetes: %w", err)
	}
	e.run = run
	return nil
}

var validName = regexp.MustCompile(`^repro-[0-9a-f]{1,32}-[0-9]{1,9}$`)

// State implements [engine.Engine]. It also lets jobs start whose needs are done.
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
		j := e.jobs.Get(id)
		if j == nil || j.State.Phase.Ended() {
			continue
		}
		if err := e.remove(ctx, id); err != nil {
			errs = append(errs, err)
			continue
		}
		j.Cancelled, j.State = true, engine.State{Phase: engine.Cancelled, Reason: "cancelled"}
	}
	return errors.Join(errs...)
}

// Fetch implements [engine.Engine]: the claim is seen here.
func (e *Engine) Fetch(context.Context, engine.ID) error { return nil }

// Close implements [engine.Engine]. Jobs go on.
func (e *Engine) Close() error { return nil }

// create makes a Job.
func (e *Engine) create(ctx context.Context, name string, j engine.Job) error {
	m := e.options.manifest(name, e.run, j)
	if e.options.DryRun != nil {
		m["spec"].(object)["suspend"] = len(j.Needs) > 0
		b, err := json.MarshalIndent(m, "", "  ")
		if err == nil {
			_, err = fmt.Fprintf(e.options.DryRun, "%s\n", b)
		}
		return err
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = e.kubectl(ctx, b, "create", "--raw", e.path("/apis/batch/v1", "jobs", "", url.Values{"fieldValidation": {"Strict"}}), "-f", "-")
	return err
}

// remove deletes a Job and its pod.
func (e *Engine) remove(ctx context.Context, id engine.ID) error {
	_, err := e.kubectl(ctx, nil, "delete", "--raw", e.path("/apis/batch/v1", "jobs", string(id), url.Values{"propagationPolicy": {"Background"}}))
	if err != nil && strings.Contains(err.Error(), "NotFound") {
		return nil
	}
	return err
}

// release lets a Job start.
func (e *Engine) release(ctx context.Context, id engine.ID) error {
	at := e.path("/apis/batch/v1", "jobs", string(id), nil)
	b, err := e.kubectl(ctx, nil, "get", "--raw", at)
	if err != nil {
		return err
	}
	var m object
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	spec, ok := m["spec"].(object)
	if !ok {
		return fmt.Errorf("%s: has no spec", id)
	}
	spec["suspend"] = false
	if b, err = json.Marshal(m); err != nil {
		return err
	}
	_, err = e.kubectl(ctx, b, "replace", "--raw", at, "-f", "-")
	return err
}

// path is that of a request.
func (e *Engine) path(group, kind, name string, query url.Values) string {
	p := group + "/namespaces/" + url.PathEscape(e.options.Namespace) + "/" + kind
	if name != "" {
		p += "/" + url.PathEscape(name)
	}
	if len(query) > 0 {
		p += "?" + query.Encode()
	}
	return p
}

// maxAnswer bounds what the cluster may say of this run's jobs, in bytes.
const maxAnswer = 64 << 20

var controls = regexp.MustCompile(`[[:cntrl:]]+`)

// kubectl runs that program. Its messages become the error.
func (e *Engine) kubectl(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "kubectl", append(slices.Clone(e.options.Extra), args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(controls.ReplaceAllString(messages.String(), " "))
		return nil, fmt.Errorf("kubectl: %w: %s", err, text[:min(len(text), 1000)])
	}
	if out.Len() > maxAnswer {
		return nil, fmt.Errorf("kubectl: answers with more than %d bytes", maxAnswer)
	}
	return out.Bytes(), nil
}
