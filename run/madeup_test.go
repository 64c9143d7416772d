package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"repro/engine"
	"repro/engine/enginetest"
	"repro/format/manifest"
	"repro/internal/progress"
	"repro/report"
)

// This is what another engine takes: a type with five methods, and a row. It
// starts each job as a process of its own, all at once.

func init() {
	engines = append(engines, engineRow{name: "madeup", about: "processes: madeup", job: func() string { return os.Getenv("MADEUP_JOB") },
		open: func(where string, options []string, _ string) (engine.Engine, error) {
			if where != "" || slices.Contains(options, "broken") {
				return nil, &engine.MachineError{Err: errors.New("madeup: broken")}
			}
			m := &madeUp{jobs: map[engine.ID]*madeUpJob{}}
			m.hasty = slices.Contains(options, "hasty")
			if slices.Contains(options, "deaf") {
				m.deaf = 3
			}
			return m, nil
		}})
}

type madeUp struct {
	mu   sync.Mutex
	jobs map[engine.ID]*madeUpJob
	all  sync.WaitGroup
	deaf int // times that it does not answer

	hasty bool // it takes jobs for failed that end well
}

type madeUpJob struct {
	state  engine.State
	cancel context.CancelFunc
	over   chan struct{} // closed when it has ended
}

func (m *madeUp) Submit(ctx context.Context, jobs []engine.Job) ([]engine.ID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := engine.Order(jobs, func(name string) bool { return m.jobs[engine.ID(name)] != nil })
	if err := errors.Join(err, ctx.Err()); err != nil {
		return nil, err
	}
	var ids []engine.ID
	for _, j := range jobs {
		if len(j.Args) == 0 {
			return nil, fmt.Errorf("job %q: no command line", j.Name)
		}
		ids = append(ids, engine.ID(j.Name))
	}
	for _, j := range jobs {
		m.jobs[engine.ID(j.Name)] = &madeUpJob{state: engine.State{Phase: engine.Waiting}, over: make(chan struct{})}
	}
	for _, j := range jobs {
		one := m.jobs[engine.ID(j.Name)]
		ctx, cancel := context.WithCancel(context.Background())
		one.cancel = cancel
		m.all.Go(func() { m.run(ctx, j, one) })
	}
	return ids, nil
}

func (m *madeUp) run(ctx context.Context, j engine.Job, one *madeUpJob) {
	set := func(p engine.Phase, why string) {
		m.mu.Lock()
		defer m.mu.Unlock()
		one.state = engine.State{Phase: p, Reason: why}
	}
	defer close(one.over)
	for _, n := range j.Needs {
		m.mu.Lock()
		need := m.jobs[engine.ID(n)]
		m.mu.Unlock()
		select {
		case <-ctx.Done():
			set(engine.Cancelled, "")
			return
		case <-need.over:
		}
		m.mu.Lock()
		phase := need.state.Phase
		m.mu.Unlock()
		if phase != engine.Done {
			set(engine.Skipped, "needs "+n)
			return
		}
	}
	set(engine.Running, "")
	cmd := exec.CommandContext(ctx, j.Args[0], j.Args[1:]...)
	cmd.Env = append(os.Environ(), "MADEUP_JOB=job-of-"+j.Name)
	cmd.WaitDelay = time.Second
	switch err := cmd.Run(); {
	case ctx.Err() != nil:
		set(engine.Cancelled, "")
	case err != nil:
		set(engine.Failed, err.Error())
	case m.hasty:
		set(engine.Failed, "it ended in haste")
	default:
		set(engine.Done, "")
	}
}

func (m *madeUp) State(_ context.Context, ids []engine.ID) ([]engine.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deaf > 0 {
		m.deaf--
		return nil, errors.New("madeup: no answer")
	}
	states := make([]engine.State, len(ids))
	for i, id := range ids {
		states[i].Phase = engine.Unknown
		if j := m.jobs[id]; j != nil {
			states[i] = j.state
		}
	}
	return states, nil
}

func (m *madeUp) Cancel(_ context.Context, ids []engine.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if j := m.jobs[id]; j != nil {
			j.cancel()
		}
	}
	return nil
}

func (m *madeUp) Fetch(context.Context, engine.ID) error { return nil }

func (m *madeUp) Close() error { m.all.Wait(); return nil }

func TestMadeUpEngineKeepsTheContract(t *testing.T) {
	enginetest.Run(t, enginetest.Harness{Parallel: 3, Patience: 20 * time.Second,
		Open: func(*testing.T) engine.Engine { return &madeUp{jobs: map[engine.ID]*madeUpJob{}} }})
}

// spreadTo runs e by the made-up engine.
func spreadTo(t *testing.T, ctx context.Context, e fixture, dir string, options ...string) (*report.Run, error) {
	t.Helper()
	im := e.build(t)
	return On(ctx, im, Options{Dir: dir}, Spread{Engine: "madeup", Options: options, Patience: 4 * time.Second, Command: workerCommand(t, im.Name())})
}

// workerCommand has this test's program run a step.
func workerCommand(t *testing.T, image string) func(step, folder string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return func(step, folder string) []string {
		return []string{"/usr/bin/env", fmt.Sprintf("%s=%s|%s|%s|", workerVariable, image, folder, step), self}
	}
}

func TestSpread(t *testing.T) {
	e := fixture{
		steps:     []manifest.Step{sh("a", "echo 1 >a; echo x >hidden", "/paper/a"), after(sh("b", "cat a hidden >b", "/paper/b"), "a"), sh("aside", "echo 2 >c", "/paper/c")},
		published: map[string]string{"b": "1\nx\n", "c": "3\n"},
	}
	dir := filepath.Join(t.TempDir(), "run")
	rep, err := spreadTo(t, t.Context(), e, dir)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Counts.Results != 2 || rep.Counts.Reproduced != 1 {
		t.Errorf("%+v", rep.Counts)
	}
	for _, s := range rep.Steps {
		if s.Status != report.StepDone || s.Place == nil || s.Place.Engine != "madeup" || s.Place.Job != "job-of-"+s.Name {
			t.Errorf("%+v %+v", s, s.Place)
		}
	}
	if got := readFile(t, filepath.Join(dir, "outputs/paper/b")); got != "1\nx\n" {
		t.Errorf("%q", got)
	}
}

// An engine that does not answer for a while is asked again; whoever watches is
// told.
func TestSpreadWithoutAnswer(t *testing.T) {
	e := fixture{steps: []manifest.Step{sh("a", "echo one; printf two; echo 1 >a", "/paper/a")}, published: map[string]string{"a": "1\n"}}
	im := e.build(t)
	var told, shown strings.Builder
	var mu sync.Mutex
	o := Options{Dir: t.TempDir(), Log: &shown, Progress: func(e progress.Event) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&told, e.Task, e.Done, e.Total)
	}}
	rep, err := On(t.Context(), im, o, Spread{Engine: "madeup", Options: []string{"deaf"}, Patience: 4 * time.Second, Command: workerCommand(t, im.Name())})
	if err != nil || rep.Counts.Reproduced != 1 {
		t.Fatalf("%+v, %v", rep, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(told.String(), "madeup does not answer, jobs go on: madeup: no answer") || !strings.Contains(told.String(), "1 1") {
		t.Errorf("told %q", told.String())
	}
	if shown.String() != "a: one\na: two\n" {
		t.Errorf("shown %q", shown.String())
	}
}

func TestSpreadFails(t *testing.T) {
	e := fixture{steps: []manifest.Step{sh("a", "exit 3"), after(sh("b", "true"), "a"), sh("aside", "true")}}
	rep, err := spreadTo(t, t.Context(), e, filepath.Join(t.TempDir(), "run"))
	if step, ok := errors.AsType[*StepError](err); !ok || step.Step != "a" {
		t.Errorf("%v", err)
	}
	var got []string
	for _, s := range rep.Steps {
		got = append(got, s.Name+" "+s.Status)
	}
	if strings.Join(got, ", ") != "a failed, b skipped, aside done" || !strings.Contains(rep.Steps[1].Problem, `needs step "a"`) {
		t.Errorf("%q %+v", got, rep.Steps[1])
	}
}

// What workers leave counts: steps that the engine skips because it takes a job for
// failed that did its work are submitted again.
func TestSpreadByHastyEngine(t *testing.T) {
	e := fixture{
		steps:     []manifest.Step{sh("a", "echo 1 >a", "/paper/a"), after(sh("b", "cat a >b; echo 2 >>b", "/paper/b"), "a"), after(sh("c", "cat b >c", "/paper/c"), "b")},
		published: map[string]string{"c": "1\n2\n"},
	}
	rep, err := spreadTo(t, t.Context(), e, filepath.Join(t.TempDir(), "run"), "hasty")
	if err != nil || rep.Counts.Reproduced != 1 {
		t.Errorf("%+v, %v", rep, err)
	}
	e.steps = append([]manifest.Step{sh("a", "exit 3"), after(sh("b", "true"), "a"), after(sh("c", "true"), "b")}, after(sh("d", "true"), "c"))
	e.published = nil
	rep, err = spreadTo(t, t.Context(), e, filepath.Join(t.TempDir(), "run"), "hasty")
	if step, ok := errors.AsType[*StepError](err); !ok || step.Step != "a" {
		t.Fatal(err)
	}
	var why []string
	for _, s := range rep.Steps[1:] {
		why = append(why, s.Problem)
	}
	if got, want := strings.Join(why, "; "), `needs step "a", which failed; needs step "b", which is not done; needs step "b", which is not done`; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

// A run that is stopped cancels its jobs; the same command goes on from there.
func TestSpreadInterrupted(t *testing.T) {
	e := fixture{steps: []manifest.Step{sh("a", "cat /proc/sys/kernel/random/uuid >a", "/paper/a"), after(sh("b", "cat a; sleep 600", "/paper/b"), "a")}}
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if logs, _ := filepath.Glob(filepath.Join(dir, "steps/b/try-1/step.log")); len(logs) > 0 {
				if info, err := os.Stat(logs[0]); err == nil && info.Size() > 0 {
					cancel()
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	start := time.Now()
	if _, err := spreadTo(t, ctx, e, dir); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("the end took %v", took)
	}
	if _, err := os.Stat(filepath.Join(dir, "steps/a/done.json")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "steps/b/done.json")); err == nil {
		t.Error("a step that was cancelled is done")
	}
}

func TestEngineNames(t *testing.T) {
	if err := CheckEngine("slurm:fat"); err != nil {
		t.Error(err)
	}
	if err := CheckEngine("cray"); err == nil || !strings.Contains(err.Error(), `"cray": not one of`) || !strings.Contains(err.Error(), ", slurm, ") {
		t.Error(err)
	}
	if _, err := spreadTo(t, t.Context(), fixture{steps: []manifest.Step{sh("a", "true")}}, t.TempDir(), "broken"); !errors.Is(err, ErrMachine) {
		t.Errorf("an engine that is not here: %v", err)
	}
	for _, name := range []string{"SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "MADEUP_JOB"} {
		t.Setenv(name, "")
	}
	if name, job := EngineOfProcess(); name != "" || job != "" {
		t.Errorf("%q %q", name, job)
	}
	t.Setenv("SLURM_JOB_ID", "7")
	if name, job := EngineOfProcess(); name != "slurm" || job != "7" {
		t.Errorf("%q %q", name, job)
	}
	t.Setenv("SLURM_ARRAY_JOB_ID", "5")
	t.Setenv("SLURM_ARRAY_TASK_ID", "2")
	if name, job := EngineOfProcess(); name != "slurm" || job != "5_2" {
		t.Errorf("an element of an array: %q %q", name, job)
	}
}
