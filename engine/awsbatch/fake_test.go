//go:build linux

package awsbatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// fakeVariable has this test's program, under the name aws, hand its arguments to
// the server of that address.
const fakeVariable = "REPRO_TEST_FAKE_AWS"

func TestMain(m *testing.M) {
	if url := os.Getenv(fakeVariable); url != "" && filepath.Base(os.Args[0]) == "aws" {
		b, err := json.Marshal(os.Args[1:])
		if err == nil {
			var r *http.Response
			if r, err = http.Post(url, "application/json", strings.NewReader(string(b))); err == nil {
				_, err = io.Copy(os.Stdout, r.Body)
				if r.StatusCode != http.StatusOK {
					err = errors.New(r.Status)
				}
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(254)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fakeBatch answers as AWS Batch would, as far as the contract of engines goes: it
// knows definitions, jobs and their dependencies, and runs commands as processes of
// this machine. It checks no field, knows no queue, image, volume, limit or user,
// and never loses an instance.
type fakeBatch struct {
	mu          sync.Mutex
	definitions map[string]object
	jobs        []*fakeJob
}

type fakeJob struct {
	id, status, reason string
	args               []string
	needs              []string
	exit               *int
	cmd                *exec.Cmd
	terminated         bool
}

func startFake(t *testing.T) *fakeBatch {
	t.Helper()
	f := &fakeBatch{definitions: map[string]object{}}
	s := httptest.NewServer(f)
	dir := t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, "aws"))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(fakeVariable, s.URL)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Cleanup(func() {
		s.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, j := range f.jobs {
			j.kill()
		}
	})
	return f
}

func (f *fakeBatch) living() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, j := range f.jobs {
		if j.status != "SUCCEEDED" && j.status != "FAILED" {
			n++
		}
	}
	return n
}

func (f *fakeBatch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var args []string
	var in object
	if err := json.NewDecoder(r.Body).Decode(&args); err != nil || len(args) < 3 || json.Unmarshal([]byte(args[len(args)-1]), &in) != nil {
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.step()
	out := object{}
	switch args[len(args)-3] {
	case "register-job-definition":
		f.definitions[in["jobDefinitionName"].(string)] = in
	case "submit-job":
		definition := f.definitions[in["jobDefinition"].(string)]
		j := &fakeJob{id: fmt.Sprintf("job-%d", len(f.jobs)), status: "SUBMITTED"}
		for _, a := range definition["containerProperties"].(object)["command"].([]any) {
			j.args = append(j.args, a.(string))
		}
		needs, _ := in["dependsOn"].([]any)
		for _, n := range needs {
			j.needs = append(j.needs, n.(object)["jobId"].(string))
		}
		f.jobs = append(f.jobs, j)
		out["jobId"] = j.id
	case "describe-jobs":
		list := []object{}
		for _, id := range in["jobs"].([]any) {
			if j := f.find(id.(string)); j != nil {
				list = append(list, object{"jobId": j.id, "status": j.status, "statusReason": j.reason, "container": object{"exitCode": j.exit}})
			}
		}
		out["jobs"] = list
	case "terminate-job":
		if j := f.find(in["jobId"].(string)); j != nil {
			j.terminated = true
			j.kill()
		}
	}
	f.step()
	_ = json.NewEncoder(w).Encode(out)
}

func (f *fakeBatch) find(id string) *fakeJob {
	for _, j := range f.jobs {
		if j.id == id {
			return j
		}
	}
	return nil
}

func (j *fakeJob) kill() {
	if j.cmd != nil {
		_ = syscall.Kill(-j.cmd.Process.Pid, syscall.SIGKILL)
	}
}

// step starts and fails what waits.
func (f *fakeBatch) step() {
	for _, j := range f.jobs {
		if j.status != "SUBMITTED" {
			continue
		}
		ready := true
		for _, id := range j.needs {
			switch f.find(id).status {
			case "SUCCEEDED":
			case "FAILED":
				j.status, j.reason = "FAILED", "Dependent Job failed"
			default:
				ready = false
			}
		}
		switch {
		case j.terminated:
			j.status, j.reason = "FAILED", "cancelled"
		case j.status == "SUBMITTED" && ready:
			f.start(j)
		}
	}
}

func (f *fakeBatch) start(j *fakeJob) {
	j.cmd = exec.Command(j.args[0], j.args[1:]...)
	j.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := j.cmd.Start(); err != nil {
		j.status, j.reason, j.cmd = "FAILED", err.Error(), nil
		return
	}
	j.status = "RUNNING"
	go func() {
		err := j.cmd.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		code := j.cmd.ProcessState.ExitCode()
		j.exit = &code
		if j.status, j.reason = "SUCCEEDED", ""; err != nil {
			j.status, j.reason = "FAILED", "Essential container in task exited"
		}
		f.step()
	}()
}
