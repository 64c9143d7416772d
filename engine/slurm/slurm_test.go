//go:build linux

package slurm

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// at is a job that runs a shell script in dir.
func at(dir, name, script string, needs ...string) engine.Job {
	return engine.Job{Name: name, Needs: needs, Resources: engine.Resources{CPUs: 1, Memory: 64 << 20}, Args: []string{"/bin/sh", "-c", "cd " + dir + " && " + script}}
}

func wait(t *testing.T, e *Engine, ids []engine.ID) []engine.State {
	t.Helper()
	states, err := engine.Wait(t.Context(), e, ids, 300*time.Millisecond, time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	return states
}

// Like jobs are elements of arrays, of as many as the cluster allows; others can
// need all of them, or one.
func TestArrays(t *testing.T) {
	slurmtest.Need(t)
	dir := t.TempDir()
	e := open(t, Options{Logs: dir})
	var jobs []engine.Job
	var names []string
	for i := range 14 {
		names = append(names, fmt.Sprint("fit-", i))
		jobs = append(jobs, at(dir, names[i], fmt.Sprintf("echo %d >out-%d; echo $SLURM_ARRAY_JOB_ID >array-%d; test %d != 3", i, i, i, i)))
	}
	jobs = append(jobs, at(dir, "one", "cat out-5 >one", "fit-5"), at(dir, "second", "cat out-1? >second", names[11:]...),
		at(dir, "never", "echo 1 >never", names...), at(dir, "never-either", "echo 1 >never", names...), at(dir, "after", "echo 1 >never", "never"))
	ids, err := e.Submit(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	states := wait(t, e, ids)
	for i, s := range states {
		want := engine.Done
		if i == 3 {
			want = engine.Failed
		} else if i >= 16 {
			want = engine.Skipped
		}
		if s.Phase != want {
			t.Errorf("job %s is %s (%s), want %s", jobs[i].Name, s.Phase, s.Reason, want)
		}
	}
	if !strings.Contains(states[3].Reason, "exit status 1") {
		t.Errorf("why it failed: %q", states[3].Reason)
	}
	text, err := exec.Command("sh", "-c", "cd "+dir+"; cat array-* | sort | uniq -c | awk '{print $1}'; cat one second; ls never 2>&1 >/dev/null | wc -l").Output()
	if err != nil || string(text) != "11\n3\n5\n10\n11\n12\n13\n1\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// What a job printed last, how long it might run and that its node failed is what
// a person wants to know.
func TestReasons(t *testing.T) {
	slurmtest.Need(t)
	dir := t.TempDir()
	e := open(t, Options{Logs: dir, Extra: []string{"--time=1"}})
	ids, err := e.Submit(t.Context(), []engine.Job{at(dir, "long", "sleep 300"), at(dir, "says", "echo 'repro: error: no room' >&2; echo 'repro: hint: move' >&2; exit 7"),
		at(dir, "again", "echo 1 >>again; test -e twice || exec sleep 300")})
	if err != nil {
		t.Fatal(err)
	}
	state := func(i int) engine.State {
		states, err := e.State(t.Context(), ids[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		return states[0]
	}
	until := func(what string, ready func() bool) {
		t.Helper()
		for deadline := time.Now().Add(90 * time.Second); !ready(); time.Sleep(200 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not within 90 s: %s", what)
			}
		}
	}
	until("a job that says what is wrong", func() bool { return state(1).Phase == engine.Failed })
	if got := state(1).Reason; !strings.Contains(got, "exit status 7") || !strings.Contains(got, `"no room"`) {
		t.Errorf("a job that says what is wrong: %q", got)
	}
	again := filepath.Join(dir, "again")
	until("a job that is started again", func() bool {
		b, err := os.ReadFile(again)
		return err == nil && string(b) == "1\n" && state(2).Node != ""
	})
	node := state(2).Node
	for _, as := range []string{"down", "resume"} {
		if as == "resume" {
			if err := os.WriteFile(filepath.Join(dir, "twice"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := exec.Command("scontrol", "update", "NodeName="+node, "State="+as, "Reason=test").CombinedOutput(); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
	}
	until("the end of a job whose node had failed", func() bool { return state(2).Phase == engine.Done })
	if b, err := os.ReadFile(again); err != nil || string(b) != "1\n1\n" {
		t.Errorf("started %q, %v", b, err)
	}
	until("the end of a job without time", func() bool { return state(0).Phase == engine.Failed || state(0).Phase == engine.Done })
	if got := state(0); !strings.Contains(got.Reason, "longer than its time limit of 00:01:00") || got.Node == "" {
		t.Errorf("a job without time: %+v", got)
	}
}

// A job that takes more memory than it asked for.
func TestOutOfMemory(t *testing.T) {
	slurmtest.Need(t)
	if !slurmtest.HoldsMemory() {
		t.Skip("needs control groups of version 1, for Slurm to bound memory")
	}
	dir := t.TempDir()
	e := open(t, Options{Logs: dir})
	hog := at(dir, "hog", `awk 'BEGIN { s = "0123456789abcdef"; for (i = 0; i < 24; i++) s = s s; while (1) n++ }'; echo survived >survived`)
	ids, err := e.Submit(t.Context(), []engine.Job{hog, at(dir, "after", "echo 1 >after", "hog")})
	if err != nil {
		t.Fatal(err)
	}
	states := wait(t, e, ids)
	if states[0].Phase != engine.Failed || !strings.HasPrefix(states[0].Reason, "ran out of memory of 64M") || states[1].Phase != engine.Skipped {
		t.Errorf("%+v", states)
	}
}

// A job that asks for more time than its partition ever gives.
func TestStuck(t *testing.T) {
	slurmtest.Need(t)
	dir := t.TempDir()
	short := open(t, Options{Partition: slurmtest.Short})
	patient := at(dir, "patient", "true")
	patient.Resources.Time = time.Hour
	ids, err := short.Submit(t.Context(), []engine.Job{patient})
	if err != nil {
		t.Fatal(err)
	}
	var states []engine.State
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if states, err = short.State(t.Context(), ids); err != nil || time.Now().After(deadline) {
			t.Fatalf("%+v, %v", states, err)
		}
		if states[0].Stuck {
			break
		}
	}
	if states[0] != (engine.State{Phase: engine.Waiting, Reason: "PartitionTimeLimit", Stuck: true}) {
		t.Errorf("%+v", states[0])
	}
	if err := short.Cancel(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	if states := wait(t, short, ids); states[0].Phase != engine.Cancelled || states[0].Stuck {
		t.Errorf("cancelled: %+v", states[0])
	}
}

// Slurm forgets jobs some time after their end (MinJobAge). What was seen stays
// known; whoever comes later is told that nobody knows.
func TestForgotten(t *testing.T) {
	slurmtest.Need(t)
	slurmtest.Configure(t, "MinJobAge=300", "MinJobAge=2")
	dir := t.TempDir()
	e := open(t, Options{})
	jobs := []engine.Job{at(dir, "a", "true"), at(dir, "b", "exit 1"), at(dir, "long", "while ! test -e go; do sleep 0.2; done")}
	ids, err := e.Submit(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	wait(t, e, ids[:2])
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Second) {
		out, err := exec.Command("squeue", "--noheader", "--states=all", "--me", "--array", "--format=%i").Output()
		if err == nil && !slices.Contains(strings.Fields(string(out)), string(ids[0])) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("Slurm does not forget")
		}
	}
	heir := open(t, Options{})
	if err := heir.Adopt(jobs, ids); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		e           *Engine
		a, b, third engine.Phase
	}{{e, engine.Done, engine.Failed, engine.Running}, {heir, engine.Unknown, engine.Unknown, engine.Running}} {
		states, err := tt.e.State(t.Context(), ids)
		if err != nil || states[0].Phase != tt.a || states[1].Phase != tt.b || states[2].Phase != tt.third {
			t.Errorf("%+v, %v", states, err)
		}
	}
	late, err := e.Submit(t.Context(), []engine.Job{at(dir, "late", "true", "a")})
	if err != nil {
		t.Fatalf("after one that Slurm has forgotten: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wait(t, heir, ids[2:])
	wait(t, e, late)
}

// While the controller is down the engine says so; then it knows its jobs again.
func TestControllerDown(t *testing.T) {
	slurmtest.Need(t)
	dir := t.TempDir()
	e := open(t, Options{})
	ids, err := e.Submit(t.Context(), []engine.Job{at(dir, "a", "echo 1 >a; while ! test -e go; do sleep 0.1; done"), at(dir, "b", "cat a >b", "a")})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "a")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the job did not start")
		}
	}
	slurmtest.WithoutController(t, func() {
		if states, err := e.State(t.Context(), ids); err == nil || !strings.Contains(err.Error(), "squeue") {
			t.Errorf("%+v, %v", states, err)
		}
		if _, err := e.Submit(t.Context(), []engine.Job{at(dir, "c", "echo 1 >c")}); err == nil {
			t.Error("submitted")
		}
		if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	})
	if states := wait(t, e, ids); states[0].Phase != engine.Done || states[1].Phase != engine.Done {
		t.Errorf("%+v", states)
	}
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
		cmd.Stdin = strings.NewReader(script(group{{Args: args}}))
		if got, err := cmd.Output(); err != nil || string(got) != string(want) {
			t.Errorf("%q: %q, want %q (%v)", args, got, want, err)
		}
	}
}

func TestArguments(t *testing.T) {
	e := &Engine{options: Options{Partition: "fat", Logs: "/logs/50%"}}
	got := e.arguments(group{{Name: "fit", Resources: engine.Resources{CPUs: 8, Memory: 1<<30 + 1, Time: 61 * time.Second, GPU: true}}}, []string{"7", "9"})
	for _, want := range []string{"--cpus-per-task=8", "--mem=1025M", "--time=7", "--gres=gpu:1", "--dependency=afterok:7:9", "--kill-on-invalid-dep=yes",
		"--partition=fat", "--job-name=fit", "--output=/logs/50%%/slurm-%j.log", "--hold"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not in %q", want, got)
		}
	}
	if got := strings.Join((&Engine{}).arguments(group{{Name: "a"}}, nil), " "); strings.Contains(got, "mem") || strings.Contains(got, "time") || strings.Contains(got, "dependency") || !strings.Contains(got, "--cpus-per-task=1") {
		t.Errorf("a job that asks for nothing: %s", got)
	}
}

// Slurm's words, of the releases that write them in either way.
func TestStates(t *testing.T) {
	e := &Engine{}
	e.jobs.Add(engine.Job{Name: "a"}, "1").State.Phase = engine.Failed
	e.jobs.Add(engine.Job{Name: "b"}, "2").State.Phase = engine.Done
	after1, after2, mine := &job{Job: engine.Job{Needs: []string{"a"}}}, &job{Job: engine.Job{Needs: []string{"b"}}}, &job{Cancelled: true}
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
		if got, _ := e.stateOf(tt.job, l); got.Phase != tt.want || got.Stuck {
			t.Errorf("%q: %+v, want %s", tt.text, got, tt.want)
		}
	}
	for _, reason := range stuckReasons {
		if got, _ := e.stateOf(after2, line{state: "PENDING", reason: reason}); !got.Stuck || got.Reason != reason {
			t.Errorf("%s: %+v", reason, got)
		}
	}
	if l := parseQueue("12|RUNNING|a|b|c\n")["12"]; l.node != "b|c" {
		t.Errorf("%+v", l)
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
