package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/report"
	"repro/run/shared"
)

// workerVariable has this test's program be a worker: the image, the run's
// folder, the step, and a folder that steps write to, between zero bytes.
const workerVariable = "REPRO_TEST_WORKER"

func init() {
	words := strings.Split(os.Getenv(workerVariable), "|")
	if len(words) != 4 {
		return
	}
	im, err := format.Open(words[0])
	if err == nil {
		var ran bool
		w := Worker{Step: words[2], Patience: 2400 * time.Millisecond}
		w.Engine, w.Job = EngineOfProcess()
		_, ran, err = Step(context.Background(), im, workerOptions(words[1], words[3]), w)
		if ran {
			fmt.Println("ran")
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func workerOptions(dir, bound string) Options {
	o := Options{Dir: dir}
	if bound != "" {
		o.Host.Binds = []local.Bind{{Source: bound, Target: "/mnt", Write: true}}
	}
	return o
}

// graph is an experiment of n steps of which most need some before. Each leaves
// a name that nobody else makes, and what the steps left that it needs.
func graph(n int, random *rand.Rand) fixture {
	var e fixture
	for i := range n {
		var needs []string
		script := fmt.Sprintf("sleep 0.%d; cat /proc/sys/kernel/random/uuid >u%d", random.Intn(4), i)
		for k := range random.Intn(4) {
			if i > 3 && k < i {
				name := fmt.Sprintf("s%d", random.Intn(i))
				if !strings.Contains(strings.Join(needs, " ")+" ", name+" ") {
					needs = append(needs, name)
					script += fmt.Sprintf("; cat u%s >>u%d", name[1:], i)
				}
			}
		}
		script += fmt.Sprintf("; echo end >>/mnt/end-%d", i)
		e.steps = append(e.steps, after(sh(fmt.Sprintf("s%d", i), script, fmt.Sprintf("/paper/u%d", i)), needs...))
	}
	return e
}

// crew starts workers and kills them.
type crew struct {
	t                 *testing.T
	image, dir, bound string
	ended             chan *exec.Cmd
	steps             map[*exec.Cmd]int
}

func (c *crew) start(step int) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|s%d|%s", workerVariable, c.image, c.dir, step, c.bound))
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.steps[cmd] = step
	go func() {
		_ = cmd.Wait()
		c.ended <- cmd
	}()
}

// killOne kills a worker that runs, as a power cut would.
func (c *crew) killOne(random *rand.Rand) bool {
	n := random.Intn(max(1, len(c.steps)))
	for cmd := range c.steps {
		if n--; n < 0 {
			return cmd.Process.Kill() == nil
		}
	}
	return false
}

// Workers are killed at random moments, and others take over. In the end each
// step has been done once, and no result is lost or mixed from two tries.
func TestWorkersKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	kills := 12
	if os.Getenv("REPRO_TEST_LONG") != "" {
		kills = 50
	}
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewSource(seed))
	e := graph(20, random)
	im := e.build(t)
	bound := t.TempDir()
	if err := os.Chmod(bound, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(bound), 0o755); err != nil {
		t.Fatal(err)
	}
	c := &crew{t: t, image: im.Name(), dir: filepath.Join(t.TempDir(), "run"), bound: bound, ended: make(chan *exec.Cmd, 100), steps: map[*exec.Cmd]int{}}
	ran := make([]int, len(e.steps))   // times that a worker said that it did the step
	done := make([]bool, len(e.steps)) // a worker did it or found it done, perhaps before we hear of who did
	reached := func() bool { return !slices.Contains(done, false) }
	killed, deadline := 0, time.Now().Add(5*time.Minute)
	for !reached() || killed < kills && len(c.steps) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("seed %d: not done after five minutes: %v", seed, done)
		}
		for len(c.steps) < 5 && !reached() {
			c.start(random.Intn(len(e.steps)))
		}
		select {
		case cmd := <-c.ended:
			i := c.steps[cmd]
			delete(c.steps, cmd)
			if cmd.Stdout.(*bytes.Buffer).String() == "ran\n" {
				ran[i]++
			}
			if s := cmd.Stderr.(*bytes.Buffer).String(); !cmd.ProcessState.Success() && s != "" && !strings.Contains(s, "nobody runs") && !strings.Contains(s, "taken over") {
				t.Errorf("seed %d: step %d: %s", seed, i, s)
			}
			done[i] = done[i] || cmd.ProcessState.Success()
		case <-time.After(time.Duration(random.Intn(250)) * time.Millisecond):
			if killed < kills && c.killOne(random) {
				killed++
			}
		}
	}
	for len(c.steps) > 0 {
		cmd := <-c.ended
		if cmd.Stdout.(*bytes.Buffer).String() == "ran\n" {
			ran[c.steps[cmd]]++
		}
		delete(c.steps, cmd)
	}
	checkKilled(t, im, e, c, ran, seed)
	t.Logf("%d workers were killed", killed)
}

func checkKilled(t *testing.T, im *format.Image, e fixture, c *crew, ran []int, seed int64) {
	rep, err := Collect(t.Context(), im, workerOptions(c.dir, c.bound))
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	again := 0
	for i, s := range e.steps {
		if ran[i] > 1 || rep.Steps[i].Status != report.StepDone {
			t.Errorf("seed %d: step %d was done %d times: %+v", seed, i, ran[i], rep.Steps[i])
		}
		again += strings.Count(readFile(t, filepath.Join(c.bound, fmt.Sprintf("end-%d", i))), "end\n") - 1
		got := readFile(t, filepath.Join(c.dir, fmt.Sprintf("outputs/paper/u%d", i)))
		own, rest, _ := strings.Cut(got, "\n")
		want := ""
		for _, n := range s.Needs {
			want += readFile(t, filepath.Join(c.dir, "outputs/paper/u"+n[1:]))
		}
		if len(own) != 36 || rest != want {
			t.Errorf("seed %d: step %d left %q, and the steps that it needs %q", seed, i, got, want)
		}
	}
	t.Logf("commands that reached their end, but whose worker was killed before it could say so: %d", again)
}

// What a worker that was taken over makes counts for nothing.
func TestTakenOver(t *testing.T) {
	e := fixture{steps: []manifest.Step{sh("a", "echo started; sleep 600")}}
	im := e.build(t)
	o := Options{Dir: filepath.Join(t.TempDir(), "run")}
	o.Log = writerFunc(func(p []byte) {
		if strings.Contains(string(p), "started") { // somebody thinks that this worker is dead
			if err := os.WriteFile(filepath.Join(o.Dir, "steps/a/lease-2"), []byte("{}"), 0o644); err != nil {
				t.Error(err)
			}
		}
	})
	_, ran, err := Step(t.Context(), im, o, Worker{Step: "a", Patience: time.Second})
	if ran || err == nil || !strings.Contains(err.Error(), "another worker has taken over") {
		t.Errorf("%v, %v", ran, err)
	}
	if left, _ := filepath.Glob(filepath.Join(o.Dir, "steps/a/*.json")); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// A worker that is interrupted leaves no state, and the next one need not wait.
func TestWorkerInterrupted(t *testing.T) {
	e := fixture{steps: []manifest.Step{sh("a", "echo working; test -e /mnt/go || sleep 600; echo 1 >a", "/paper/a")}}
	im := e.build(t)
	door := t.TempDir()
	o := workerOptions(filepath.Join(t.TempDir(), "run"), door)
	o.Host.Binds[0].Write = false
	if err := errors.Join(os.Chmod(door, 0o755), os.Chmod(filepath.Dir(door), 0o755)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.Log = writerFunc(func([]byte) { cancel() })
	o.Scratch = t.TempDir()
	if _, ran, err := Step(ctx, im, o, Worker{Step: "a", Patience: time.Hour}); ran || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, %v", ran, err)
	}
	if left, _ := os.ReadDir(o.Scratch); len(left) != 0 {
		t.Errorf("left in the scratch directory: %v", left)
	}
	rewrite(t, filepath.Join(door, "go"), "")
	o.Log = io.Discard
	status, ran, err := Step(t.Context(), im, o, Worker{Step: "a", Engine: "test", Job: "7"})
	if err != nil || !ran || status.Status != report.StepDone {
		t.Fatalf("%+v, %v, %v", status, ran, err)
	}
	if p := status.Place; p == nil || p.Engine != "test" || p.Job != "7" || p.Node == "" || p.Machine.Kernel == "" {
		t.Errorf("%+v", p)
	}
}

// Any layers that a worker can have give the next step the same.
func TestWorkersLayers(t *testing.T) {
	e := fixture{
		code: map[string]string{"paper/d/old": "old\n", "paper/gone": "x"},
		steps: []manifest.Step{
			sh("a", "echo 1 >hidden; rm gone; rm -r d; mkdir d; echo new >d/new; chmod 700 d; ln hidden other; ln -s hidden link"),
			after(sh("b", "cat hidden other link d/new >out; ls d >>out; test ! -e gone", "/paper/out"), "a"),
		},
	}
	im := e.build(t)
	for _, way := range provisions {
		o := Options{Dir: filepath.Join(t.TempDir(), "run")}
		o.Host.Layers = way
		for _, step := range []string{"a", "b"} {
			if _, ran, err := Step(t.Context(), im, o, Worker{Step: step}); err != nil || !ran {
				skipUnprovided(t, way, err)
				t.Fatalf("%s: step %s: %v, %v", way, step, ran, err)
			}
		}
		if _, err := Collect(t.Context(), im, o); err != nil {
			t.Fatal(err)
		}
		if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/out")); got != "1\n1\n1\nnew\nnew\n" {
			t.Errorf("%s: %q", way, got)
		}
	}
	o := Options{Dir: t.TempDir()}
	o.Host.Layers = local.LayersKernel
	if _, _, err := Step(t.Context(), im, o, Worker{Step: "a"}); err == nil || !strings.Contains(err.Error(), "cannot be shared") {
		t.Errorf("kernel: %v", err)
	}
}

// Isolation says what holds for all steps.
func TestWeakest(t *testing.T) {
	strong := report.Isolation{Level: "namespaces", Namespaces: []string{"user", "time"}, Landlock: 7, Layers: "fuse", Limits: report.Limits{By: "control group"}, Notes: []string{"x"}}
	weak := report.Isolation{Level: "no-proc", Namespaces: []string{"user"}, Landlock: 2, Layers: "extracted", Reason: "none", Limits: report.Limits{By: "repro", Reason: "r"}, Notes: []string{"y", "x"}}
	for _, got := range []report.Isolation{weakest(strong, weak), weakest(weak, strong)} {
		if got.Level != "no-proc" || len(got.Namespaces) != 1 || got.Landlock != 2 || got.Layers != "extracted" || got.Limits.By != "repro" || len(got.Notes) != 2 {
			t.Errorf("%+v", got)
		}
	}
	place := func(node, kernel string) *shared.State {
		return &shared.State{Status: report.StepStatus{Place: &report.Place{Node: node, Machine: report.Machine{Kernel: kernel}}}}
	}
	for want, states := range map[string][]*shared.State{
		"": {place("a", "1"), nil, place("a", "1")}, "2 machines of one kind": {place("a", "1"), place("b", "1")}, "2 machines of 2 kinds": {place("a", "1"), place("b", "2")},
	} {
		if got := placesNote(states); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
