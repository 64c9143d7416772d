// Package htcondor runs jobs in an HTCondor pool (htcondor.org, releases 10 and
// later), through its own programs: condor_submit_dag, condor_submit and
// condor_rm.
//
// Each call of Submit is one DAG, with a submit file for each job. What became of
// a job is read from its event log, which HTCondor writes in a form that does not
// change; its queue is never asked. All of that lies in one folder:
//
//	run.dag             the DAG, and what DAGMan leaves beside it
//	pre.sh              says whether a job may start: it was not cancelled, and what it needs of earlier DAGs is done
//	N.sub, N.sh         submit file and command line of node N
//	N.log, N.out        event log, and what the job printed
//	N.json              what Fetch needs to know
//	N.cancelled         node N must not start
//	stage/              where nodes share no files: what jobs read and left
//
// A job whose node is lost, or that a signal ended, is started again, twice at
// most; one that is held because files could not be moved is released, twice at
// most. Then, and for any other reason that is no person's, it is removed, and its
// reason is why it failed.
package htcondor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"repro/engine"
)

// Options say how jobs are submitted.
type Options struct {
	Transfer bool     // machines do not share the folder of a run: files are moved
	Extra    []string // further lines of submit files, such as accounting_group = ligo.dev
	Dir      string   // existing folder, absolute, for DAGs
}

// Engine submits to the pool that the programs in PATH, and CONDOR_CONFIG, know.
type Engine struct {
	options Options

	mu    sync.Mutex
	jobs  engine.Table[own]
	ended map[string]bool // folders of DAGs that condor_rm was told of
}

// own is what else is known of a job.
type own struct {
	cluster string // what HTCondor calls it; empty: it has not submitted it
	removed bool   // condor_rm was told
}

type job = engine.Entry[own]

// New returns an engine, or an [*engine.MachineError] if there is no HTCondor
// here.
func New(o Options) (*Engine, error) {
	for _, program := range []string{"condor_submit_dag", "condor_submit", "condor_rm"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, &engine.MachineError{Err: fmt.Errorf("htcondor: %w", err), Hint: "run where HTCondor's programs are, on an access point of the pool"}
		}
	}
	if !filepath.IsAbs(o.Dir) {
		return nil, fmt.Errorf("htcondor: folder %q: not an absolute path", o.Dir)
	}
	for _, line := range o.Extra {
		if strings.ContainsAny(line, "\r\n") {
			return nil, fmt.Errorf("htcondor: option %q: more than one line", line)
		}
	}
	return &Engine{options: o, ended: map[string]bool{}}, nil
}

// jobVariable tells a job what HTCondor calls it.
const jobVariable = "REPRO_HTCONDOR_JOB"

// Job returns what HTCondor calls the job in which this process runs; empty if it
// runs in none.
func Job() string { return os.Getenv(jobVariable) }

// patience is how long HTCondor's programs may take.
const patience = 5 * time.Minute

// Submit implements [engine.Engine].
func (e *Engine) Submit(ctx context.Context, jobs []engine.Job) ([]engine.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	order, err := e.check(jobs)
	if err != nil {
		return nil, fmt.Errorf("htcondor: %w", err)
	}
	e.refresh()
	dir, err := os.MkdirTemp(e.options.Dir, "condor-")
	if err != nil {
		return nil, err
	}
	d := &dag{dir: dir, options: e.options}
	had := e.jobs.Len()
	for _, i := range order {
		if err = e.place(d, i, jobs[i]); err != nil {
			break
		}
	}
	if err == nil && len(d.nodes) > 0 {
		// What has begun is brought to an end, so that nothing is in the queue that
		// nobody here knows of.
		calm, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer stop()
		err = d.submit(calm)
	}
	if err != nil {
		e.jobs.Truncate(had)
		return nil, errors.Join(fmt.Errorf("htcondor: %w", err), os.RemoveAll(dir))
	}
	ids := make([]engine.ID, len(jobs))
	for i, j := range jobs {
		ids[i] = e.jobs.Named(j.Name).ID
	}
	return ids, nil
}

// check refuses jobs that cannot be, and returns their order.
func (e *Engine) check(jobs []engine.Job) ([]int, error) {
	for _, j := range jobs {
		if e.options.Transfer && j.Apart == nil {
			return nil, fmt.Errorf("job %q: cannot be done where the folder is not shared", j.Name)
		}
	}
	return e.jobs.Check(jobs)
}

// place makes a node of a job, or skips it if what it needs will not get done.
func (e *Engine) place(d *dag, i int, j engine.Job) error {
	id := engine.ID(fmt.Sprintf("%s/n%d-%s", filepath.Base(d.dir), i, odd.ReplaceAllString(j.Name, "_")))
	n := node{ID: id, Job: j}
	made := e.jobs.Add(j, id)
	lost, waits := e.jobs.Needs(j)
	if lost != "" {
		made.State = engine.Lost(lost)
		return d.note(n, made) // no node, so that it never starts
	}
	for _, need := range waits {
		if filepath.Dir(string(need.ID)) == filepath.Base(d.dir) {
			n.parents = append(n.parents, need.ID)
		} else {
			n.earlier = append(n.earlier, need.ID)
		}
	}
	d.nodes = append(d.nodes, n)
	return errors.Join(d.note(n, made), d.write(n))
}

var odd = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

var idForm = regexp.MustCompile(`^condor-[0-9]+/n[0-9]+-[A-Za-z0-9_-]*$`)

// Adopt implements [engine.Adopter].
func (e *Engine) Adopt(jobs []engine.Job, ids []engine.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.jobs.Adopt(jobs, ids, func(id engine.ID) error {
		if !idForm.MatchString(string(id)) {
			return fmt.Errorf("%q is no node of a DAG", id)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("htcondor: %w", err)
	}
	for _, id := range ids {
		if n, err := e.read(id); err == nil && n.Skipped != "" {
			e.jobs.Get(id).State = engine.State{Phase: engine.Skipped, Reason: n.Skipped}
		}
	}
	return nil
}

// State implements [engine.Engine].
func (e *Engine) State(ctx context.Context, ids []engine.ID) ([]engine.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refresh()
	if err := e.remove(ctx); err != nil {
		return nil, err
	}
	return e.jobs.States(ids), nil
}

// Cancel implements [engine.Engine].
func (e *Engine) Cancel(ctx context.Context, ids []engine.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refresh()
	for _, id := range ids {
		j := e.jobs.Get(id)
		if j == nil || j.State.Phase.Ended() {
			continue
		}
		j.Cancelled = true
		if err := os.WriteFile(e.file(id, ".cancelled"), nil, 0o644); err != nil {
			return err
		}
	}
	e.refresh()
	return e.remove(ctx)
}

// remove tells HTCondor to remove the jobs that were cancelled and that it has
// submitted, be it since; and DAGs of which nothing else is open, so that DAGMan
// submits nothing when nobody looks any more.
func (e *Engine) remove(ctx context.Context) error {
	clusters := e.emptyDAGs()
	for _, j := range e.jobs.Open() {
		if j.Cancelled && !j.Own.removed && j.Own.cluster != "" {
			clusters, j.Own.removed = append(clusters, j.Own.cluster), true
		}
	}
	if len(clusters) == 0 {
		return nil
	}
	slices.Sort(clusters)
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	_, err := output(exec.CommandContext(ctx, "condor_rm", clusters...))
	if err != nil && gone.MatchString(err.Error()) { // they ended meanwhile
		return nil
	}
	return err
}

// emptyDAGs returns what HTCondor calls the DAGs in which jobs were cancelled and
// no other is open.
func (e *Engine) emptyDAGs() (clusters []string) {
	open, cancelled := map[string]bool{}, map[string]bool{}
	for _, j := range e.jobs.All() {
		dir := filepath.Dir(e.file(j.ID, ""))
		open[dir] = open[dir] || !j.Cancelled && !j.State.Phase.Ended()
		cancelled[dir] = cancelled[dir] || j.Cancelled
	}
	for dir := range cancelled {
		s, cluster, ok := stateOf(readEvents(filepath.Join(dir, dagName+".dagman.log")))
		if cancelled[dir] && !open[dir] && !e.ended[dir] && ok && !s.Phase.Ended() {
			clusters, e.ended[dir] = append(clusters, cluster), true
		}
	}
	return clusters
}

var gone = regexp.MustCompile(`(?i)couldn't find/remove|not found`)

// Close implements [engine.Engine]. Jobs go on.
func (e *Engine) Close() error { return nil }

func (e *Engine) file(id engine.ID, suffix string) string {
	return filepath.Join(e.options.Dir, filepath.FromSlash(string(id))+suffix)
}

// note is N.json.
type note struct {
	Name    string   `json:"name"`
	Skipped string   `json:"skipped,omitempty"` // why there is no node
	Folder  string   `json:"folder,omitempty"`  // of the run
	Leaves  []string `json:"leaves,omitempty"`
}

// maxNote bounds N.json, in bytes.
const maxNote = 1 << 20

func (e *Engine) read(id engine.ID) (n note, err error) {
	b, err := os.ReadFile(e.file(id, ".json"))
	if err == nil && len(b) > maxNote {
		err = fmt.Errorf("%s: more than %d bytes", e.file(id, ".json"), maxNote)
	}
	if err != nil {
		return n, err
	}
	return n, json.Unmarshal(b, &n)
}

var controls = regexp.MustCompile(`[[:cntrl:]]+`)

// output runs one of HTCondor's programs. Its messages become the error.
func output(cmd *exec.Cmd) (string, error) {
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(controls.ReplaceAllString(messages.String()+" "+out.String(), " "))
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, text[:min(len(text), 1000)])
	}
	return out.String(), nil
}
