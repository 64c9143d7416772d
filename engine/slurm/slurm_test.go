//go:build linux

package slurm

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"repro/engine"
	"repro/engine/enginetest"
	"repro/engine/slurm/slurmtest"
)

func TestMain(m *testing.M) { slurmtest.Main(m) }

func open(t *testing.T, o Options) *Engine {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestContract(t *testing.T) {
	slurmtest.Need(t)
	enginetest.Run(t, enginetest.Harness{
		Open:     func(t *testing.T) engine.Engine { return open(t, Options{Partition: slurmtest.Partition}) },
		Parallel: 3, Patience: 90 * time.Second,
	})
}

// A partition that is not there, or an account, is Slurm's own message; and
// nothing is left in its queue.
func TestRefusedBySlurm(t *testing.T) {
	slurmtest.Need(t)
	job := engine.Job{Name: "a", Resources: engine.Resources{CPUs: 1}, Args: []string{"true"}}
	if _, err := open(t, Options{Partition: "nowhere"}).Submit(t.Context(), []engine.Job{job}); err == nil || !strings.Contains(err.Error(), "nowhere") && !strings.Contains(err.Error(), "partition") {
		t.Errorf("an unknown partition: %v", err)
	}
	huge := job
	huge.Name, huge.Resources.CPUs = "b", 4096
	if _, err := open(t, Options{}).Submit(t.Context(), []engine.Job{job, huge}); err == nil {
		t.Error("4096 processors were promised")
	}
	out, err := exec.Command("squeue", "--noheader", "--format=%i %j %T").Output()
	if err != nil || len(strings.TrimSpace(string(out))) != 0 {
		t.Errorf("in the queue: %s, %v", out, err)
	}
}

func TestNotHere(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := New(Options{}); !errors.Is(err, engine.ErrMachine) {
		t.Error(err)
	}
}

func TestScript(t *testing.T) {
	for _, args := range [][]string{{"echo", "it's", "a b"}, {"printf", "%s\n", "$HOME", "`id`", "back\\slash", "", "'"}} {
		want, err := exec.Command(args[0], args[1:]...).Output()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh")
		cmd.Stdin = strings.NewReader(script(args))
		if got, err := cmd.Output(); err != nil || string(got) != string(want) {
			t.Errorf("%q: %q, want %q (%v)", args, got, want, err)
		}
	}
}

func TestArguments(t *testing.T) {
	e := &Engine{options: Options{Partition: "fat", Logs: "/logs/50%"}}
	got := e.arguments(engine.Job{Name: "fit", Resources: engine.Resources{CPUs: 8, Memory: 1<<30 + 1, Time: 61 * time.Second, GPU: true}}, []string{"7", "9"})
	for _, want := range []string{"--cpus-per-task=8", "--mem=1025M", "--time=7", "--gres=gpu:1", "--dependency=afterok:7:9", "--kill-on-invalid-dep=yes",
		"--partition=fat", "--job-name=fit", "--output=/logs/50%%/slurm-%j.log", "--hold"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not in %q", want, got)
		}
	}
	if got := strings.Join((&Engine{}).arguments(engine.Job{Name: "a"}, nil), " "); strings.Contains(got, "mem") || strings.Contains(got, "time") || strings.Contains(got, "dependency") || !strings.Contains(got, "--cpus-per-task=1") {
		t.Errorf("a job that asks for nothing: %s", got)
	}
}

// Slurm's words, of the releases that write them in either way.
func TestStates(t *testing.T) {
	e := &Engine{jobs: map[engine.ID]*job{"1": {state: engine.State{Phase: engine.Failed}}, "2": {state: engine.State{Phase: engine.Done}}}}
	after1, after2, mine := &job{needs: []engine.ID{"1"}}, &job{needs: []engine.ID{"2"}}, &job{cancelled: true}
	for _, tt := range []struct {
		text string
		job  *job
		want engine.Phase
	}{
		{"9|PENDING|Resources|", after2, engine.Waiting}, {"9|PENDING|Dependency|", after1, engine.Waiting}, {"9|PENDING|DependencyNeverSatisfied|", after1, engine.Skipped},
		{"9|RUNNING|None|n1", after2, engine.Running}, {"9|COMPLETING|None|n1", after2, engine.Running}, {"9|COMPLETED|None|n1", after2, engine.Done},
		{"9|FAILED|NonZeroExitCode|n1", after2, engine.Failed}, {"9|TIMEOUT|TimeLimit|n1", after2, engine.Failed}, {"9|OUT_OF_MEMORY|OutOfMemory|n1", after2, engine.Failed},
		{"9|NODE_FAIL|NodeDown|n1", after2, engine.Failed}, {"9|CANCELLED|Dependency|", after1, engine.Skipped}, {"9|CANCELLED|None|n1", after2, engine.Cancelled},
		{"9|CANCELLED|None|n1", mine, engine.Cancelled}, {"9|FAILED|None|n1", mine, engine.Cancelled}, {"9|cancelled|None|n1", after2, engine.Cancelled},
		{"9|SOMETHING_NEW|None|n1", after2, engine.Failed},
	} {
		l, ok := parseQueue("8|RUNNING|None|n3\ngarbage\n" + tt.text + "\n")["9"]
		if !ok {
			t.Fatalf("%q: not read", tt.text)
		}
		if got := e.stateOf(tt.job, l); got.Phase != tt.want {
			t.Errorf("%q: %+v, want %s", tt.text, got, tt.want)
		}
	}
	if l := parseQueue("12|RUNNING|a|b|c\n")["12"]; l.node != "b|c" {
		t.Errorf("%+v", l)
	}
}

// Jobs are asked about in the order in which they were submitted: what becomes of
// one may follow from those before.
func TestOpenJobs(t *testing.T) {
	e := &Engine{jobs: map[engine.ID]*job{}}
	for _, id := range []engine.ID{"100", "9", "10", "99"} {
		e.jobs[id] = &job{state: engine.State{Phase: engine.Waiting}}
	}
	e.jobs["5"] = &job{state: engine.State{Phase: engine.Done}}
	if got := fmt.Sprint(e.open()); got != "[9 10 99 100]" {
		t.Error(got)
	}
}

// Messages of Slurm's programs arrive without what a terminal would act on.
func TestMessages(t *testing.T) {
	_, err := output(exec.Command("sh", "-c", `printf 'sbatch: error: \033[31mno\nway\n' >&2; exit 1`))
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\n") || !strings.Contains(err.Error(), "sbatch: error:") {
		t.Errorf("%q", err)
	}
	if _, err := output(exec.Command("sh", "-c", "test $LC_ALL = C")); err != nil {
		t.Error(err)
	}
}
