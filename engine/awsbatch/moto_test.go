//go:build linux

package awsbatch

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"repro/engine"
)

// TestMoto sends what this package sends through the real aws-cli, which checks it
// against its model of the service, to moto, an imitation of AWS that runs nothing
// and lets each job succeed. Whether AWS would run the jobs, it does not show.
func TestMoto(t *testing.T) {
	needMoto(t)
	e := open(t, options())
	jobs := []engine.Job{
		{Name: "fit", Args: []string{"/.repro/repro", "run", "it's"}, Resources: engine.Resources{CPUs: 2, Memory: 1 << 30, Time: time.Hour}},
		{Name: "plöt", Args: []string{"true"}, Needs: []string{"fit"}},
		{Name: "both", Args: []string{"true"}, Needs: []string{"fit", "plöt"}},
	}
	ids, err := e.Submit(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	states, err := engine.Wait(t.Context(), e, ids, time.Second, time.Minute, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range states {
		if s.Phase != engine.Done {
			t.Errorf("job %d: %+v", i, s)
		}
	}
	if states, err := e.State(t.Context(), []engine.ID{"no-such-job"}); err != nil || states[0].Phase != engine.Unknown {
		t.Errorf("%+v, %v", states, err)
	}
	if _, err := open(t, Options{Queue: "nowhere", Image: "x", EFS: "fs-1", Target: "/x"}).Submit(t.Context(), jobs[:1]); err == nil {
		t.Error("submitted to a queue that is not there")
	}
	if err := e.aws(t.Context(), "submit-job", object{"jobName": "x", "jobQueue": "papers", "nonsense": 1}, nil); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a field that is not of the service: %v", err)
	}
}

// twoSteps is a paper whose second step needs its first.
const twoSteps = `repro: 1
title: Two steps
licence: CC0-1.0
authors: [{name: Ada Author}]
date: 2026-01-02
environment: {host: [sh, cat]}
steps:
  - {name: fit, command: "echo 1 >out/fit.txt", outputs: [out/fit.txt], cpus: 2, memory: 300MiB, time: 2h}
  - {name: plot, command: "cat out/fit.txt >out/plot.txt", inputs: [out/fit.txt], outputs: [out/plot.txt]}
results:
  - {name: plot, output: out/plot.txt, published: published/plot.txt}
`

// TestMotoPlan has the program itself submit the jobs of an image, through aws-cli,
// to moto, and asks moto what it was given. What AWS would make of it, it does not
// show.
func TestMotoPlan(t *testing.T) {
	needMoto(t)
	dir := t.TempDir() // the storage that containers see
	program, image, run := filepath.Join(dir, "repro"), filepath.Join(dir, "paper.sif"), filepath.Join(dir, "paper.run")
	build := exec.Command("go", "build", "-o", program, "repro/cmd/repro")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	writePaper(t, filepath.Join(dir, "paper"))
	if out, err := exec.Command(program, "build", "-o", image, filepath.Join(dir, "paper")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	args := []string{"run", "--on", "aws-batch:papers", "--detach", "-o", run}
	for _, o := range []string{"image=registry.example/paper:1", "efs=fs-12345678", "mount=" + dir, "user=1234"} {
		args = append(args, "--engine-option="+o)
	}
	if out, err := exec.Command(program, append(args, image)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ids := submittedJobs(t, run)
	fit, plot := motoJob(t, ids["fit"]), motoJob(t, ids["plot"])
	if want := []motoNeed{{ids["fit"]}}; len(fit.DependsOn) != 0 || !reflect.DeepEqual(plot.DependsOn, want) {
		t.Errorf("fit needs %v, plot needs %v, want %v", fit.DependsOn, plot.DependsOn, want)
	}
	for step, d := range map[string]motoDefinition{"fit": motoDefined(t, fit.JobDefinition), "plot": motoDefined(t, plot.JobDefinition)} {
		c := d.ContainerProperties
		want := []string{"/.repro/repro", "run", "--only=" + step, "--from=/.repro/paper.run", "--isolation=container", "/.repro/paper.sif"}
		if !reflect.DeepEqual(c.Command, want) || c.Image != "registry.example/paper:1" || c.User != "1234:1234" {
			t.Errorf("%s: %q in %s as %s, want %q", step, c.Command, c.Image, c.User, want)
		}
		cpus, memory, seconds := "2", "556", 2*60*60+grace // with 256 MiB for the worker
		if step == "plot" {
			cpus, memory, seconds = "1", "2048", 0
		}
		if got := c.ResourceRequirements; !reflect.DeepEqual(got, []motoResource{{"VCPU", cpus}, {"MEMORY", memory}}) || d.Timeout.Seconds != seconds {
			t.Errorf("%s: asks for %v for %d s", step, got, d.Timeout.Seconds)
		}
	}
}

// writePaper writes the folder of a paper of two steps.
func writePaper(t *testing.T, dir string) {
	t.Helper()
	for name, text := range map[string]string{"repro.yaml": twoSteps, "published/plot.txt": "1\n"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// submittedJobs returns the names of AWS's jobs by step, as they are in the run's folder.
func submittedJobs(t *testing.T, run string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(run, "submitted.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s struct{ Jobs []struct{ Step, ID string } }
	if err := json.Unmarshal(b, &s); err != nil || len(s.Jobs) != 2 {
		t.Fatalf("%v: %s", err, b)
	}
	ids := map[string]string{}
	for _, j := range s.Jobs {
		ids[j.Step] = j.ID
	}
	return ids
}

type motoNeed struct{ JobID string }

type motoResource struct{ Type, Value string }

// motoDescribed is what moto says of a job.
type motoDescribed struct {
	JobDefinition string
	DependsOn     []motoNeed
}

// motoDefinition is what it says of a job's definition.
type motoDefinition struct {
	ContainerProperties struct {
		Image, User          string
		Command              []string
		ResourceRequirements []motoResource
	}
	Timeout struct {
		Seconds int `json:"attemptDurationSeconds"`
	}
}

func motoJob(t *testing.T, id string) motoDescribed {
	t.Helper()
	var a struct{ Jobs []motoDescribed }
	askMoto(t, &a, "describe-jobs", "--jobs", id)
	if len(a.Jobs) != 1 {
		t.Fatalf("%d jobs are %q", len(a.Jobs), id)
	}
	return a.Jobs[0]
}

func motoDefined(t *testing.T, name string) motoDefinition {
	t.Helper()
	var a struct{ JobDefinitions []motoDefinition }
	askMoto(t, &a, "describe-job-definitions", "--job-definitions", name)
	if len(a.JobDefinitions) != 1 {
		t.Fatalf("%d definitions are %q", len(a.JobDefinitions), name)
	}
	return a.JobDefinitions[0]
}

func askMoto(t *testing.T, answer any, args ...string) {
	t.Helper()
	out, err := exec.Command("aws", append([]string{"--output", "json", "batch"}, args...)...).Output()
	if err == nil {
		err = json.Unmarshal(out, answer)
	}
	if err != nil {
		t.Fatalf("aws batch %q: %v: %s", args, err, out)
	}
}

// needMoto starts moto, and has this package find the real aws-cli. Both are
// installed with the first test that needs them.
func needMoto(t *testing.T) {
	t.Helper()
	dir := os.Getenv("REPRO_WORKFLOWS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(cache, "repro-workflows")
	}
	if os.Getenv("REPRO_TEST_NETWORK") == "" {
		t.Skip("needs REPRO_TEST_NETWORK=1 to install moto and aws-cli")
	}
	if out, err := exec.Command("../../script/workflows", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	startMoto(t, filepath.Join(dir, "moto", "bin", "moto_server"))
	t.Setenv("PATH", filepath.Join(dir, "aws", "bin")+":"+os.Getenv("PATH"))
}

// startMoto starts moto's server with a queue called papers.
func startMoto(t *testing.T, program string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	l.Close()
	server := exec.Command(program, "-H", "127.0.0.1", "-p", port)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_ENDPOINT_URL": "http://" + address, "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	script := `set -e
for i in $(seq 100); do curl -sf -X POST http://$1/moto-api/config -d '{"batch":{"use_docker":false}}' && break; sleep 0.3; done
role=$($2 iam create-role --role-name r --assume-role-policy-document '{}' --query Role.Arn --output text)
env=$($2 batch create-compute-environment --compute-environment-name cenv --type UNMANAGED --state ENABLED --service-role $role --query computeEnvironmentArn --output text)
$2 batch create-job-queue --job-queue-name papers --state ENABLED --priority 1 --compute-environment-order order=1,computeEnvironment=$env`
	aws := filepath.Join(filepath.Dir(program), "..", "..", "aws", "bin", "aws")
	if out, err := exec.Command("sh", "-c", script, "sh", address, aws).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
