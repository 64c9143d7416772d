//go:build linux

package kubernetes

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
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

func options(kubeconfig string) Options {
	return Options{Namespace: "lab", Image: "registry.example/paper:1", Claim: "papers", Target: "/.repro", Job: "REPRO_JOB", Extra: []string{"--kubeconfig=" + kubeconfig}}
}

// TestContract holds the engine against the contract on a fake cluster: see
// fakeCluster for what that does not show.
func TestContract(t *testing.T) {
	_, kubeconfig := startFake(t)
	enginetest.Run(t, enginetest.Harness{
		Open:     func(t *testing.T) engine.Engine { return open(t, options(kubeconfig)) },
		Parallel: 3, Patience: 90 * time.Second,
	})
}

// TestRealCluster does the same on the cluster that script/kubernetes starts, of
// which this variable names the kubeconfig, and the folder that its claim "papers"
// is.
func TestRealCluster(t *testing.T) {
	kubeconfig, folder, ok := strings.Cut(os.Getenv("REPRO_TEST_KUBERNETES"), ",")
	if !ok {
		t.Skip("needs the cluster of script/kubernetes")
	}
	o := options(kubeconfig)
	o.Image, o.Target = "localhost/busybox:1", folder
	enginetest.Run(t, enginetest.Harness{
		Open: func(t *testing.T) engine.Engine { return open(t, o) },
		Folder: func(t *testing.T) string {
			dir, err := os.MkdirTemp(folder, "test-")
			if err == nil {
				err = os.Chmod(dir, 0o777)
			}
			if err != nil {
				t.Fatal(err)
			}
			return dir
		},
		Parallel: 2, Patience: 5 * time.Minute,
	})
}

// What a job asks for is in its manifest, and what the pod security standard
// "restricted" asks (kubernetes.io/docs/concepts/security/pod-security-standards).
func TestManifest(t *testing.T) {
	var out bytes.Buffer
	o := options("")
	o.DryRun = &out
	e := open(t, o)
	jobs := []engine.Job{
		{Name: "fit", Args: []string{"/.repro/repro", "run", "$(HOME)"}, Resources: engine.Resources{CPUs: 4, Memory: 1 << 30, Time: time.Hour}},
		{Name: "plot", Args: []string{"x"}, Needs: []string{"fit"}},
	}
	if _, err := e.Submit(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(&out)
	var manifests []object
	for d.More() {
		var m object
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		if err := readSchema(t).check("io.k8s.api.batch.v1.Job", "", m); err != nil {
			t.Error(err)
		}
		manifests = append(manifests, m)
	}
	if len(manifests) != 2 {
		t.Fatalf("%d manifests", len(manifests))
	}
	text, err := json.Marshal(manifests[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"suspend":false`, `"cpu":"4"`, `"memory":"1073741824"`, `"activeDeadlineSeconds":4200`, `"$$(HOME)"`, `"repro/step":"fit"`, `"claimName":"papers"`,
		`"runAsNonRoot":true`, `"allowPrivilegeEscalation":false`, `"drop":["ALL"]`, `"type":"RuntimeDefault"`, `"automountServiceAccountToken":false`,
		`"values":[1,2,3,4,5,6,7]`, `"restartPolicy":"Never"`, `"type":"DisruptionTarget"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	if text, _ = json.Marshal(manifests[1]); !strings.Contains(string(text), `"suspend":true`) || !strings.Contains(string(text), `"repro/needs":"fit"`) {
		t.Errorf("a job that waits: %s", text)
	}
	if strings.Contains(string(text), "activeDeadlineSeconds") || strings.Contains(string(text), `"memory"`) {
		t.Errorf("limits that nobody asked for: %s", text)
	}
}

// The schema refuses what a server would.
func TestSchema(t *testing.T) {
	good := func() object {
		b, err := json.Marshal(options("").manifest("repro-a-0", "a", engine.Job{Name: "fit", Args: []string{"x"}}))
		if err != nil {
			t.Fatal(err)
		}
		var m object
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for want, spoil := range map[string]func(m object){
		"":                          func(object) {},
		`unknown field ".spec.foo"`: func(m object) { m["spec"].(object)["foo"] = "x" },
		"is boolean":                func(m object) { m["spec"].(object)["suspend"] = "yes" },
		"is integer":                func(m object) { m["spec"].(object)["backoffLimit"] = "3" },
		`"template" is missing`:     func(m object) { delete(m["spec"].(object), "template") },
	} {
		m := good()
		spoil(m)
		if err := readSchema(t).check("io.k8s.api.batch.v1.Job", "", m); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// The cluster's own words, and silence.
func TestReasons(t *testing.T) {
	f, kubeconfig := startFake(t)
	e := open(t, options(kubeconfig))
	f.unable = true
	ids, err := e.Submit(t.Context(), []engine.Job{{Name: "a", Args: []string{"true"}}})
	if err != nil {
		t.Fatal(err)
	}
	states, err := e.State(t.Context(), ids)
	if err != nil || states[0].Phase != engine.Waiting || states[0].Reason != "0/3 nodes are available" {
		t.Errorf("%+v, %v", states, err)
	}
	f.mu.Lock()
	f.fail = true
	f.mu.Unlock()
	if _, err := e.State(t.Context(), ids); err == nil || strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("a server that is out of order: %v", err)
	}
	if _, err := e.Submit(t.Context(), []engine.Job{{Name: "b", Args: []string{"true"}}}); err == nil {
		t.Error("submitted to a server that is out of order")
	}
	f.mu.Lock()
	f.fail = false
	f.jobs = map[string]object{}
	f.mu.Unlock()
	if states, err := e.State(t.Context(), ids); err != nil || states[0].Phase != engine.Unknown {
		t.Errorf("forgotten: %+v, %v", states, err)
	}
}

// Admission's reasons, of which the Job itself says nothing.
func TestRefusedPods(t *testing.T) {
	security := `Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsUser=0`
	full := `Error creating: pods "x" is forbidden: exceeded quota: q, requested: limits.cpu=1,limits.memory=1Gi, used: limits.cpu=4,limits.memory=0, limited: limits.cpu=4,limits.memory=2Gi`
	f, kubeconfig := startFake(t)
	e := open(t, options(kubeconfig))
	f.refuse = []string{security}
	ids, err := e.Submit(t.Context(), []engine.Job{{Name: "a", Args: []string{"true"}}, {Name: "b", Args: []string{"true"}, Needs: []string{"a"}}})
	if err != nil {
		t.Fatal(err)
	}
	look := func(refuse []string, secret bool) []engine.State {
		t.Helper()
		f.mu.Lock()
		f.refuse, f.secret = refuse, secret
		f.mu.Unlock()
		states, err := e.State(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		return states
	}
	s := look([]string{security}, false)
	if want := "the cluster makes no pod of it: " + security; s[0] != (engine.State{Phase: engine.Waiting, Reason: want, Stuck: true}) || s[1] != (engine.State{Phase: engine.Waiting}) {
		t.Errorf("%+v", s)
	}
	if s := look([]string{full}, false); s[0].Stuck || !strings.Contains(s[0].Reason, "exceeded quota") {
		t.Errorf("a quota that is used up for now: %+v", s[0])
	}
	if s := look([]string{full, security}, false); !s[0].Stuck {
		t.Errorf("two reasons: %+v", s[0])
	}
	if s := look([]string{security}, true); s[0] != (engine.State{Phase: engine.Waiting}) {
		t.Errorf("events that may not be read: %+v", s[0])
	}
}

func TestStaysRefused(t *testing.T) {
	quota := func(asked, limit string) string {
		return "exceeded quota: q, requested: " + asked + ", used: limits.cpu=1, limited: " + limit
	}
	for message, want := range map[string]bool{
		"violates PodSecurity":                                 true,
		"failed quota: q: must specify limits.memory":          true,
		quota("limits.cpu=2", "limits.cpu=2"):                  false,
		quota("limits.cpu=2001m", "limits.cpu=2"):              true,
		quota("limits.cpu=1,pods=1", "limits.cpu=4,pods=0"):    true,
		quota("limits.memory=1Gi", "limits.memory=1073741824"): false,
		quota("limits.memory=1Gi", "limits.memory=1073741823"): true,
		quota("limits.memory=1G", "limits.memory=1Gi"):         false,
		quota("limits.memory=2e9", "limits.memory=1G"):         true,
		quota("limits.memory=x", "limits.memory=1G"):           false,
		quota("limits.memory=5Gi", "limits.cpu=1"):             false,
	} {
		if got := staysRefused(message); got != want {
			t.Errorf("%s: %v, want %v", message, got, want)
		}
	}
}

// Another process goes on with jobs that wait.
func TestAdopt(t *testing.T) {
	f, kubeconfig := startFake(t)
	dir := t.TempDir()
	jobs := []engine.Job{
		{Name: "a", Args: []string{"/bin/sh", "-c", "while ! test -e " + dir + "/go; do sleep 0.1; done"}},
		{Name: "b", Args: []string{"true"}, Needs: []string{"a"}},
	}
	ids, err := open(t, options(kubeconfig)).Submit(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	heir := open(t, options(kubeconfig))
	if err := heir.Adopt([]engine.Job{{Name: "a"}, {Name: "b", Needs: []string{"a"}}}, ids); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	states, err := engine.Wait(t.Context(), heir, ids, 100*time.Millisecond, time.Minute, nil)
	if err != nil || states[0].Phase != engine.Done || states[1].Phase != engine.Done {
		t.Errorf("%+v, %v", states, err)
	}
	for _, id := range []engine.ID{"", "repro-x-1", "repro-ab-1/../pods", "other-ab-1"} {
		if err := open(t, options(kubeconfig)).Adopt([]engine.Job{{Name: "a"}}, []engine.ID{id}); err == nil {
			t.Errorf("%q was adopted", id)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.jobs) != 2 {
		t.Errorf("%d jobs", len(f.jobs))
	}
}

func TestStates(t *testing.T) {
	pod := func(text string) (p podStatus) {
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, tt := range []struct {
		conditions []condition
		pod        string
		want       engine.State
	}{
		{nil, `{}`, engine.State{Phase: engine.Waiting}},
		{nil, `{"spec":{"nodeName":"n"},"status":{"phase":"Running"}}`, engine.State{Phase: engine.Running, Node: "n"}},
		{nil, `{"status":{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ErrImagePull","message":"no such image"}}}]}}`,
			engine.State{Phase: engine.Waiting, Reason: "ErrImagePull: no such image", Stuck: true}},
		{nil, `{"status":{"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ContainerCreating","message":""}}}]}}`,
			engine.State{Phase: engine.Waiting, Reason: "ContainerCreating: "}},
		{nil, `{"status":{"phase":"Running","containerStatuses":[{"state":{"waiting":{"reason":"ErrImagePull"}}}]}}`, engine.State{Phase: engine.Running}},
		{nil, `{"status":{"conditions":[{"type":"PodScheduled","status":"False","message":"0/3 nodes are available: 3 Insufficient cpu."}]}}`,
			engine.State{Phase: engine.Waiting, Reason: "0/3 nodes are available: 3 Insufficient cpu."}},
		{nil, `{"status":{"conditions":[{"type":"PodScheduled","status":"False","message":"0/3 nodes: persistentvolumeclaim \"p\" not found."}]}}`,
			engine.State{Phase: engine.Waiting, Reason: `0/3 nodes: persistentvolumeclaim "p" not found.`, Stuck: true}},
		{[]condition{{Type: "Complete", Status: "True"}}, `{"status":{"phase":"Succeeded"}}`, engine.State{Phase: engine.Done}},
		{[]condition{{Type: "Complete", Status: "False"}}, `{}`, engine.State{Phase: engine.Waiting}},
		{[]condition{{Type: "Suspended", Status: "True"}}, `{}`, engine.State{Phase: engine.Waiting}},
		{[]condition{{Type: "Failed", Status: "True", Reason: "PodFailurePolicy", Message: "m"}}, `{}`, engine.State{Phase: engine.Failed, Reason: "PodFailurePolicy: m"}},
	} {
		if got := stateOf(tt.conditions, pod(tt.pod)); got != tt.want {
			t.Errorf("%+v %s: %+v, want %+v", tt.conditions, tt.pod, got, tt.want)
		}
	}
}

func TestNotHere(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := New(Options{}); !errors.Is(err, engine.ErrMachine) {
		t.Error(err)
	}
}
