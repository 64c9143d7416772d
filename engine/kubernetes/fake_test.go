package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// fakeCluster answers the requests of this package as an API server and a node
// would, as far as the contract of engines goes: it checks fields against the schema
// of a real API server (testdata/job.schema.json, written by script/kubernetes), and
// runs commands as processes of this machine. It knows no pod security, no
// admission, no scheduling and no containers, so it does not show that a cluster
// takes the jobs: TestRealCluster does.
type fakeCluster struct {
	t *testing.T

	mu     sync.Mutex
	jobs   map[string]object
	runs   map[string]*exec.Cmd
	ended  map[string]int // exit statuses
	fail   bool           // answer nothing
	unable bool           // no node takes a pod
	refuse []string       // why no pod is made; nil: they are
	secret bool           // events may not be read
}

func startFake(t *testing.T) (f *fakeCluster, kubeconfig string) {
	t.Helper()
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("needs kubectl")
	}
	f = &fakeCluster{t: t, jobs: map[string]object{}, runs: map[string]*exec.Cmd{}, ended: map[string]int{}}
	s := httptest.NewServer(f)
	t.Cleanup(func() {
		s.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		for name := range f.runs {
			f.kill(name)
		}
	})
	kubeconfig = filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"x","clusters":[{"name":"c","cluster":{"server":%q}}],
"users":[{"name":"a","user":{"token":"t"}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"a"}}]}`, s.URL)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return f, kubeconfig
}

func (f *fakeCluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	jobs, name := "/apis/batch/v1/namespaces/lab/jobs", ""
	if rest, ok := strings.CutPrefix(r.URL.Path, jobs+"/"); ok {
		name = rest
	}
	switch {
	case f.fail:
		refuse(w, http.StatusServiceUnavailable, "out of order")
	case r.Method == "GET" && r.URL.Path == "/api/v1/namespaces/lab/pods":
		answerJSON(w, object{"items": f.pods()})
	case r.Method == "GET" && r.URL.Path == "/api/v1/namespaces/lab/events":
		f.events(w, r)
	case r.URL.Path != jobs && name == "":
		refuse(w, http.StatusNotFound, "NotFound")
	case r.Method == "POST":
		f.create(w, r)
	case r.Method == "GET" && name == "":
		f.list(w, r.URL.Query().Get("labelSelector"))
	case f.jobs[name] == nil:
		refuse(w, http.StatusNotFound, "NotFound")
	case r.Method == "GET":
		answerJSON(w, f.jobs[name])
	case r.Method == "PUT":
		var m object
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			f.t.Error(err)
		}
		f.jobs[name] = m
		f.start(name)
		answerJSON(w, m)
	case r.Method == "DELETE":
		if got := r.URL.Query().Get("propagationPolicy"); got != "Background" {
			f.t.Errorf("pods of a removed job would stay: propagationPolicy %q", got)
		}
		f.kill(name)
		delete(f.jobs, name)
		answerJSON(w, object{"kind": "Status", "apiVersion": "v1", "status": "Success"})
	}
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": why, "message": why, "code": status})
}

func (f *fakeCluster) create(w http.ResponseWriter, r *http.Request) {
	var m object
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if r.URL.Query().Get("fieldValidation") != "Strict" {
		f.t.Error("fields are not checked strictly")
	}
	if err := readSchema(f.t).check("io.k8s.api.batch.v1.Job", "", m); err != nil {
		refuse(w, http.StatusBadRequest, "strict decoding error: "+err.Error())
		return
	}
	name := m["metadata"].(object)["name"].(string)
	f.jobs[name] = m
	f.start(name)
	answerJSON(w, m)
}

// start runs a job that is not suspended.
func (f *fakeCluster) start(name string) {
	spec := f.jobs[name]["spec"].(object)
	if spec["suspend"] == true || f.runs[name] != nil || f.unable || f.refuse != nil {
		return
	}
	c := spec["template"].(object)["spec"].(object)["containers"].([]any)[0].(object)
	var args []string
	for _, a := range c["command"].([]any) {
		args = append(args, strings.ReplaceAll(a.(string), "$$(", "$("))
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		f.ended[name] = 128
		return
	}
	f.runs[name] = cmd
	go func() {
		err := cmd.Wait()
		f.mu.Lock()
		defer f.mu.Unlock()
		var exit *exec.ExitError
		f.ended[name] = 0
		if errors.As(err, &exit) {
			f.ended[name] = exit.ExitCode()
		}
	}()
}

func (f *fakeCluster) kill(name string) {
	if cmd := f.runs[name]; cmd != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

func (f *fakeCluster) list(w http.ResponseWriter, selector string) {
	items := []object{}
	for name, m := range f.jobs {
		for key, value := range m["metadata"].(object)["labels"].(object) {
			if key+"="+value.(string) != selector {
				continue
			}
			status := object{}
			if exit, over := f.ended[name]; over {
				status["conditions"] = []object{f.condition(m, exit)}
			}
			items = append(items, object{"metadata": m["metadata"], "spec": m["spec"], "status": status})
		}
	}
	answerJSON(w, object{"items": items})
}

func (f *fakeCluster) condition(m object, exit int) object {
	if exit == 0 {
		return object{"type": "Complete", "status": "True"}
	}
	for _, r := range m["spec"].(object)["podFailurePolicy"].(object)["rules"].([]any) {
		if on, ok := r.(object)["onExitCodes"].(object); ok && slices.Contains(on["values"].([]any), any(float64(exit))) {
			return object{"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": fmt.Sprintf("exit code %d", exit)}
		}
	}
	return object{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "it was started again, and again"}
}

func (f *fakeCluster) events(w http.ResponseWriter, r *http.Request) {
	if want, got := "involvedObject.kind=Job,reason=FailedCreate", r.URL.Query().Get("fieldSelector"); got != want {
		f.t.Errorf("events are chosen by %q, want %q", got, want)
	}
	if f.secret {
		refuse(w, http.StatusForbidden, "Forbidden")
		return
	}
	items := []object{{"reason": "FailedCreate", "message": "of another", "involvedObject": object{"name": "other"}}}
	for name := range f.jobs {
		for _, why := range f.refuse {
			items = append(items, object{"reason": "FailedCreate", "message": why, "involvedObject": object{"name": name}})
		}
	}
	answerJSON(w, object{"items": items})
}

func (f *fakeCluster) pods() (items []object) {
	for name, m := range f.jobs {
		if f.refuse != nil {
			continue
		}
		labels := object{"batch.kubernetes.io/job-name": name}
		pod := object{"metadata": object{"labels": labels}, "spec": object{"nodeName": "node-1"}, "status": object{"phase": "Running"}}
		switch spec := m["spec"].(object); {
		case spec["suspend"] == true:
			continue
		case f.unable:
			pod["spec"] = object{}
			pod["status"] = object{"phase": "Pending", "conditions": []object{{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}}}
		}
		items = append(items, pod)
	}
	return items
}

// schema is part of the OpenAPI document of a real API server: the definitions that
// a Job refers to.
type schema map[string]definition

type definition struct {
	Type       any                   `json:"type"`
	Ref        string                `json:"$ref"`
	Properties map[string]definition `json:"properties"`
	Items      *definition           `json:"items"`
	AllOf      []definition          `json:"allOf"`
	More       *definition           `json:"additionalProperties"`
	Required   []string              `json:"required"`
}

var readSchema = func() func(*testing.T) schema {
	var once sync.Once
	var s schema
	return func(t *testing.T) schema {
		once.Do(func() {
			b, err := os.ReadFile("testdata/job.schema.json")
			if err == nil {
				err = json.Unmarshal(b, &s)
			}
			if err != nil {
				t.Error(err)
			}
		})
		return s
	}
}()

// check refuses fields that a definition has not, values of another type, and
// required ones that are missing.
func (s schema) check(name, at string, v any) error {
	d, ok := s[name]
	if !ok {
		return fmt.Errorf("no definition of %s", name)
	}
	return s.value(d, at, v)
}

func (s schema) value(d definition, at string, v any) error {
	if len(d.AllOf) == 1 {
		d = d.AllOf[0]
	}
	if d.Ref != "" {
		return s.check(d.Ref[strings.LastIndex(d.Ref, "/")+1:], at, v)
	}
	switch v := v.(type) {
	case object:
		if d.Properties == nil && d.More == nil {
			return fmt.Errorf("%s: is no object", at)
		}
		for _, name := range d.Required {
			if _, ok := v[name]; !ok {
				return fmt.Errorf("%s: field %q is missing", at, name)
			}
		}
		for name, inner := range v {
			sub, ok := d.Properties[name]
			if !ok && d.More != nil {
				sub, ok = *d.More, true
			}
			if !ok {
				return fmt.Errorf("unknown field %q", at+"."+name)
			}
			if err := s.value(sub, at+"."+name, inner); err != nil {
				return err
			}
		}
	case []any:
		if d.Items == nil {
			return fmt.Errorf("%s: is no list", at)
		}
		for i, inner := range v {
			if err := s.value(*d.Items, fmt.Sprintf("%s[%d]", at, i), inner); err != nil {
				return err
			}
		}
	case string:
		return is(d, at, "string")
	case bool:
		return is(d, at, "boolean")
	case float64:
		return is(d, at, "integer", "number")
	}
	return nil
}

func is(d definition, at string, kinds ...string) error {
	if text, ok := d.Type.(string); d.Type != nil && (!ok || !slices.Contains(kinds, text)) {
		return fmt.Errorf("%s: is %v, not one of %q", at, d.Type, kinds)
	}
	return nil
}
