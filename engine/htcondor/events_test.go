package htcondor

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"repro/engine"
)

// Events as HTCondor 23.9 wrote them; the second time is as releases before 9 wrote it.
const (
	submitted  = "000 (002.000.000) 2026-11-29 12:22:43 Job submitted from host: <127.0.0.1:17401?addrs=127.0.0.1-17401&alias=localhost>\n...\n"
	executing  = "001 (002.000.000) 11/29 12:22:51 Job executing on host: <127.0.0.1:32565?addrs=127.0.0.1-32565&alias=node7>\n\tSlotName: slot1_1@localhost\n\tCpus = 1\n...\n"
	images     = "006 (002.000.000) 2026-11-29 12:22:52 Image size of job updated: 1\n\t5  -  MemoryUsage of job (MB)\n...\n"
	evicted    = "004 (002.000.000) 2026-11-29 12:22:52 Job was evicted.\n\t(0) CPU times\n...\n"
	held       = "012 (002.000.000) 2026-11-29 12:54:44 Job was held.\n\tError from slot1: Failed to execute 'n0.sh'\n\tCode 6 Subcode 2\n...\n"
	released   = "013 (002.000.000) 2026-11-29 12:54:50 Job was released.\n\tPeriodicRelease\n...\n"
	removed    = "009 (002.000.000) 2026-11-29 12:54:51 Job was aborted.\n\tThe job attribute PeriodicRemove expression 'JobStatus == 5' evaluated to TRUE\n...\n"
	rm         = "009 (002.000.000) 2026-11-29 12:54:51 Job was aborted.\n\tvia condor_rm (by user alice)\n...\n"
	well       = "005 (002.000.000) 2026-11-29 12:22:53 Job terminated.\n\t(1) Normal termination (return value 0)\n\t\tUsr 0 00:00:00\n...\n"
	badly      = "005 (002.000.000) 2026-11-29 12:22:53 Job terminated.\n\t(1) Normal termination (return value 7)\n...\n"
	bySignal   = "005 (002.000.000) 2026-11-29 12:22:53 Job terminated.\n\t(0) Abnormal termination (signal 9)\n\t(0) No core file\n...\n"
	unfinished = "005 (002.000.000) 2026-11-29 12:22:53 Job terminated.\n\t(1) Normal"
)

func TestStates(t *testing.T) {
	for _, tt := range []struct {
		name, log string
		phase     engine.Phase
		reason    string
		node      string
	}{
		{"submitted", submitted, engine.Waiting, "", ""},
		{"executing", submitted + executing + images, engine.Running, "", "slot1_1@localhost"},
		{"evicted", submitted + executing + evicted, engine.Waiting, "is to be started again: Job was evicted.", "slot1_1@localhost"},
		{"held", submitted + executing + held, engine.Waiting, "held: Error from slot1: Failed to execute 'n0.sh'", "slot1_1@localhost"},
		{"released", submitted + held + released, engine.Waiting, "was held: Error from slot1: Failed to execute 'n0.sh'", ""},
		{"held for good", submitted + held + removed, engine.Failed, "was held: Error from slot1: Failed to execute 'n0.sh'", ""},
		{"removed", submitted + executing + rm, engine.Cancelled, "via condor_rm (by user alice)", "slot1_1@localhost"},
		{"removed while held", submitted + held + rm, engine.Cancelled, "via condor_rm (by user alice)", ""},
		{"well", submitted + executing + well, engine.Done, "", "slot1_1@localhost"},
		{"badly", submitted + executing + badly, engine.Failed, "failed with exit status 7", "slot1_1@localhost"},
		{"by a signal", submitted + executing + bySignal, engine.Failed, "ended by signal 9", "slot1_1@localhost"},
		{"half an event", submitted + executing + unfinished, engine.Running, "", "slot1_1@localhost"},
		{"garbage between", submitted + "x\n...\n" + executing + "garbage\n" + well, engine.Done, "", "slot1_1@localhost"},
	} {
		s, cluster, ok := stateOf(parseEvents(tt.log))
		if !ok || s.Phase != tt.phase || s.Reason != tt.reason || s.Node != tt.node || cluster != "2.0" {
			t.Errorf("%s: %+v %q %v", tt.name, s, cluster, ok)
		}
	}
	if _, _, ok := stateOf(parseEvents(images + "nothing\n")); ok {
		t.Error("a log without an event that counts has a state")
	}
}

// engineWith is an engine in a folder with one DAG, of jobs a and b, which needs a.
func engineWith(t *testing.T) (*Engine, []engine.ID) {
	t.Helper()
	e := &Engine{options: Options{Dir: t.TempDir()}, ended: map[string]bool{}}
	ids := []engine.ID{"condor-1/n0-a", "condor-1/n1-b"}
	write(t, e.file(ids[0], ".json"), `{"name":"a"}`)
	write(t, e.file(ids[1], ".json"), `{"name":"b"}`)
	if err := e.Adopt([]engine.Job{{Name: "a"}, {Name: "b", Needs: []string{"a"}}}, ids); err != nil {
		t.Fatal(err)
	}
	return e, ids
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRefresh(t *testing.T) {
	const over = submitted + badly
	for _, tt := range []struct {
		name  string
		files map[string]string
		a, b  engine.Phase
	}{
		{"nothing yet", nil, engine.Waiting, engine.Waiting},
		{"done", map[string]string{"n0-a.log": submitted + well}, engine.Done, engine.Waiting},
		{"failed", map[string]string{"n0-a.log": submitted + badly}, engine.Failed, engine.Skipped},
		{"cancelled before it began", map[string]string{"n0-a.cancelled": ""}, engine.Cancelled, engine.Skipped},
		{"cancelled, and it failed", map[string]string{"n0-a.cancelled": "", "n0-a.log": submitted + bySignal}, engine.Cancelled, engine.Skipped},
		{"cancelled, and it was done", map[string]string{"n0-a.cancelled": "", "n0-a.log": submitted + well}, engine.Done, engine.Waiting},
		{"the second was cancelled", map[string]string{"n1-b.cancelled": ""}, engine.Waiting, engine.Cancelled},
		{"the DAG is over, without either", map[string]string{"run.dag.dagman.log": over}, engine.Failed, engine.Skipped},
		{"the DAG was removed", map[string]string{"run.dag.dagman.log": submitted + rm, "n0-a.log": submitted + executing}, engine.Cancelled, engine.Skipped},
	} {
		e, ids := engineWith(t)
		for name, text := range tt.files {
			write(t, filepath.Join(e.options.Dir, "condor-1", name), text)
		}
		e.refresh()
		if a, b := e.jobs.Get(ids[0]).State, e.jobs.Get(ids[1]).State; a.Phase != tt.a || b.Phase != tt.b {
			t.Errorf("%s: %+v, %+v; want %s, %s", tt.name, a, b, tt.a, tt.b)
		}
	}
}

// A DAG of which every open job was cancelled is removed itself, once.
func TestEmptyDAGs(t *testing.T) {
	e, ids := engineWith(t)
	write(t, filepath.Join(e.options.Dir, "condor-1", "run.dag.dagman.log"), strings.ReplaceAll(submitted+executing, "(002.", "(009."))
	e.jobs.Get(ids[0]).Cancelled = true
	if got := e.emptyDAGs(); len(got) > 0 {
		t.Errorf("%q, though a job is open", got)
	}
	e.jobs.Get(ids[1]).Cancelled = true
	if got := fmt.Sprint(e.emptyDAGs(), e.emptyDAGs()); got != "[9.0] []" {
		t.Error(got)
	}
}

// A person reads why: what the job printed, and what DAGMan complains of.
func TestReasons(t *testing.T) {
	e, ids := engineWith(t)
	dir := filepath.Join(e.options.Dir, "condor-1")
	write(t, filepath.Join(dir, "n0-a.log"), submitted+badly)
	write(t, filepath.Join(dir, "n0-a.out"), "repro: error: no room\nrepro: hint: move\n")
	e.refresh()
	if got, want := e.jobs.Get(ids[0]).State.Reason, `failed with exit status 7 (HTCondor calls it 2.0); it printed "no room"`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	e, ids = engineWith(t)
	dir = filepath.Join(e.options.Dir, "condor-1")
	write(t, filepath.Join(dir, "run.dag.dagman.log"), submitted+badly)
	write(t, filepath.Join(dir, "run.dag.dagman.out"), "11/29 started\n11/29 ERROR: submit attempt failed\n11/29 ERROR: second\n")
	e.refresh()
	if got, want := e.jobs.Get(ids[0]).State.Reason, "DAGMan did not submit it: submit attempt failed"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAdoptRefused(t *testing.T) {
	e := &Engine{options: Options{Dir: t.TempDir()}, ended: map[string]bool{}}
	for _, id := range []engine.ID{"../x/n0-a", "condor-1/../n0-a", "condor-1", "/condor-1/n0-a", "condor-1/n0-a/b", ""} {
		if err := e.Adopt([]engine.Job{{Name: "a"}}, []engine.ID{id}); err == nil {
			t.Errorf("%q was adopted", id)
		}
	}
}

func TestSubmitFile(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "run.json"), "{}")
	write(t, filepath.Join(folder, "image.sif"), strings.Repeat("x", 1<<20))
	d := &dag{dir: t.TempDir()}
	n := node{ID: "condor-1/n3-fit", Job: engine.Job{Name: "fit", Args: []string{"true"},
		Resources: engine.Resources{CPUs: 4, Memory: 1<<30 + 1, Time: time.Minute, GPU: true},
		Apart: &engine.Apart{Args: []string{"./repro", "run"}, Files: []string{filepath.Join(folder, "image.sif")}, Folder: folder,
			Reads: []string{"run.json", "steps/other"}, Leaves: []string{"steps/fit"}}}}
	d.options.Extra = []string{"accounting_group = ligo.dev"}
	text, err := d.submitFile(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"request_cpus = 4", "request_memory = 1025", "request_gpus = 1", "allowed_execute_duration = 360", "should_transfer_files = NO",
		"accounting_group = ligo.dev", "queue", "environment = \"REPRO_HTCONDOR_JOB=$(Cluster).$(Process)\"", "log = " + d.dir + "/n3-fit.log"} {
		if !slices.Contains(strings.Split(text, "\n"), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	d.options.Transfer = true
	if text, err = d.submitFile(n); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"should_transfer_files = YES", "preserve_relative_paths = true", "transfer_input_files = " + folder + "/image.sif, run.json, steps/other",
		"transfer_output_files = steps/fit", fmt.Sprintf("request_disk = %d", 1<<20+1<<10)} {
		if !slices.Contains(strings.Split(text, "\n"), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if b, err := os.ReadFile(filepath.Join(d.dir, "stage/run.json")); err != nil || string(b) != "{}" {
		t.Errorf("staged %q, %v", b, err)
	}
	for _, odd := range [][]string{{"/x/a,b"}, {"/a/x", "/b/x"}, {filepath.Join(folder, "none")}} {
		n.Apart.Files = odd
		if _, err := d.submitFile(n); err == nil {
			t.Errorf("%q was taken", odd)
		}
	}
}

// What a job left comes whole, in place of what was there, and nothing from
// outside of the run's folder.
func TestFetch(t *testing.T) {
	e, ids := engineWith(t)
	e.options.Transfer = true
	folder := t.TempDir()
	stage := filepath.Join(e.options.Dir, "condor-1/stage")
	write(t, e.file(ids[0], ".json"), fmt.Sprintf(`{"name":"a","folder":%q,"leaves":["steps/a"]}`, folder))
	write(t, filepath.Join(folder, "steps/a/try-1/old"), "old")
	if err := e.Fetch(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "steps/a/try-1/old")); err != nil {
		t.Errorf("a job that left nothing: %v", err)
	}
	write(t, filepath.Join(stage, "steps/a/try-1/outputs/x"), "new")
	write(t, filepath.Join(stage, "steps/a/done.json"), "{}")
	for range 2 {
		if err := e.Fetch(t.Context(), ids[0]); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(folder, "steps/a/try-1/outputs/x")); err != nil || string(b) != "new" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(folder, "steps/a/try-1/old")); err == nil {
		t.Error("what was there before is there still")
	}
	if left, err := filepath.Glob(filepath.Join(folder, "steps/.fetch-*")); err != nil || len(left) > 0 {
		t.Errorf("left %q", left)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(stage, "steps/a/link")); err != nil {
		t.Fatal(err)
	}
	if err := e.Fetch(t.Context(), ids[0]); err == nil {
		t.Error("a link was fetched")
	}
	write(t, e.file(ids[0], ".json"), fmt.Sprintf(`{"name":"a","folder":%q,"leaves":["../a"]}`, folder))
	if err := e.Fetch(t.Context(), ids[0]); err == nil {
		t.Error("a folder outside was replaced")
	}
	if err := e.Fetch(t.Context(), "condor-2/n0-none"); err != nil {
		t.Errorf("a job that is not known: %v", err)
	}
}

// FuzzEvents reads any log: its states are states, and more of it never undoes an
// end.
func FuzzEvents(f *testing.F) {
	for _, log := range []string{submitted + executing + well, submitted + held + removed, submitted + unfinished, "...\n005 (1.2.3) x y\n..."} {
		f.Add(log)
	}
	f.Fuzz(func(t *testing.T, log string) {
		events := parseEvents(log)
		s, cluster, ok := stateOf(events)
		if ok != (s.Phase != "") || ok != (cluster != "") {
			t.Errorf("%+v %q %v", s, cluster, ok)
		}
		if len(events) > strings.Count(log, "...") {
			t.Errorf("%d events of %d ends", len(events), strings.Count(log, "..."))
		}
	})
}
