//go:build linux

package awsbatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"repro/engine"
	"repro/engine/enginetest"
)

func open(t *testing.T, o Options) *Engine {
	t.Helper()
	e, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func options() Options {
	return Options{Queue: "papers", Image: "registry.example/paper:1", EFS: "fs-12345678", Target: "/.repro", Job: "REPRO_JOB"}
}

// TestContract holds the engine against the contract with a fake program aws, which
// runs commands as processes of this machine: see fakeBatch for what that does not
// show.
func TestContract(t *testing.T) {
	startFake(t)
	enginetest.Run(t, enginetest.Harness{
		Open:     func(t *testing.T) engine.Engine { return open(t, options()) },
		Parallel: 3, Patience: 90 * time.Second,
	})
}

func TestDocuments(t *testing.T) {
	var out bytes.Buffer
	o := options()
	o.DryRun = &out
	jobs := []engine.Job{{Name: "fit it", Args: []string{"x"}, Resources: engine.Resources{CPUs: 4, Memory: 1<<30 + 1, Time: time.Second}}, {Name: "b", Args: []string{"y"}, Needs: []string{"fit it"}}}
	if _, err := open(t, o).Submit(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(&out)
	var texts []string
	for d.More() {
		var m object
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	if len(texts) != 2 {
		t.Fatal(texts)
	}
	for _, want := range []string{`{"type":"VCPU","value":"4"}`, `{"type":"MEMORY","value":"1025"}`, `"attemptDurationSeconds":601`, `"fileSystemId":"fs-12345678"`,
		`"initProcessEnabled":false`, `"user":"1000:1000"`, `"privileged":false`, `"repro-step":"fit_it"`, `"containerPath":"/.repro"`, `{"action":"EXIT","onReason":"*"}`} {
		if !strings.Contains(texts[0], want) {
			t.Errorf("%s is not in %s", want, texts[0])
		}
	}
	if !strings.Contains(texts[1], `"dependsOn":[{"jobId":"repro-`) || strings.Contains(texts[0], "dependsOn") {
		t.Error(texts[1])
	}
	if strings.Contains(texts[1], "timeout") || !strings.Contains(texts[1], `"value":"2048"`) {
		t.Errorf("a job that asks for nothing: %s", texts[1])
	}
	o.EFS, o.HostFolder = "", "/mnt/lustre"
	if b, err := json.Marshal(o.definition("a", jobs[0])); err != nil || !strings.Contains(string(b), `"host":{"sourcePath":"/mnt/lustre"}`) {
		t.Errorf("%s, %v", b, err)
	}
}

// Needs that others imply are left out; too many are an error, and nothing runs.
func TestManyNeeds(t *testing.T) {
	f := startFake(t)
	e := open(t, options())
	var jobs []engine.Job
	var all []string
	for i := range 25 { // a chain
		jobs = append(jobs, engine.Job{Name: fmt.Sprint("c", i), Args: []string{"sleep", "60"}, Needs: append([]string{}, all...)})
		all = append(all, fmt.Sprint("c", i))
	}
	ids, err := e.Submit(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Cancel(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	jobs, all = nil, nil
	for i := range 21 {
		jobs = append(jobs, engine.Job{Name: fmt.Sprint("i", i), Args: []string{"sleep", "60"}})
		all = append(all, fmt.Sprint("i", i))
	}
	jobs = append(jobs, engine.Job{Name: "last", Args: []string{"true"}, Needs: all})
	if _, err := e.Submit(t.Context(), jobs); err == nil || !strings.Contains(err.Error(), "needs 21 jobs") {
		t.Error(err)
	}
	for deadline := time.Now().Add(20 * time.Second); f.living() > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d jobs run", f.living())
		}
	}
}

func TestStates(t *testing.T) {
	one := 1
	for _, tt := range []struct {
		d         described
		cancelled bool
		want      engine.Phase
		reason    string
	}{
		{described{Status: "SUBMITTED"}, false, engine.Waiting, ""}, {described{Status: "RUNNABLE", Reason: "MISCONFIGURATION:JOB"}, false, engine.Waiting, "MISCONFIGURATION"},
		{described{Status: "STARTING"}, false, engine.Waiting, ""}, {described{Status: "RUNNING"}, true, engine.Running, ""}, {described{Status: "SUCCEEDED"}, true, engine.Done, ""},
		{described{Status: "FAILED", Reason: "Essential container exited"}, false, engine.Failed, "Essential"}, {described{Status: "FAILED"}, true, engine.Cancelled, "cancelled"},
		{described{Status: "NEW WORD"}, false, engine.Waiting, ""},
	} {
		if tt.d.Status == "FAILED" {
			tt.d.Container.ExitCode = &one
		}
		got := stateOf(&job{Cancelled: tt.cancelled}, tt.d)
		if got.Phase != tt.want || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%+v: %+v", tt.d, got)
		}
	}
}

func TestNotHere(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := New(Options{}); !errors.Is(err, engine.ErrMachine) {
		t.Error(err)
	}
}
