//go:build linux

package container

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"repro/engine"
	"repro/engine/enginetest"
	"repro/engine/local"
)

// podmanHere has podman keep images in a folder of the test's, and run containers by
// runc, without limits that a process without CAP_SYS_RESOURCE may not set.
func podmanHere(t *testing.T) {
	t.Helper()
	for _, program := range []string{"podman", "runc", "/bin/busybox"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("needs podman, runc and busybox")
		}
	}
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	dir := t.TempDir()
	files := map[string]string{
		"containers.conf": "[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\n[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n",
		"storage.conf":    "[storage]\ndriver = \"overlay\"\ngraphroot = \"" + dir + "/storage\"\nrunroot = \"" + dir + "/runroot\"\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CONTAINERS_CONF", dir+"/containers.conf")
	t.Setenv("CONTAINERS_STORAGE_CONF", dir+"/storage.conf")
	t.Cleanup(func() { _ = exec.Command("podman", "rm", "--all", "--force").Run() })
	script := `set -e; mkdir -p $1/root/bin $1/root/tmp; cp /bin/busybox $1/root/bin/
for a in sh cat sleep ls wc test printf echo true; do ln -s busybox $1/root/bin/$a; done
tar -C $1/root -c . | podman import - localhost/busybox:1`
	if out, err := exec.Command("sh", "-c", script, "sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestContract holds the engine against the contract with a real podman.
func TestContract(t *testing.T) {
	podmanHere(t)
	base := t.TempDir()
	enginetest.Run(t, enginetest.Harness{
		Open: func(t *testing.T) engine.Engine {
			e, err := New(t.Context(), Options{Program: "podman", Image: "localhost/busybox:1", Limits: local.Limits{CPUs: []int{0, 1, 2}}},
				&[]Mount{{Source: base, Target: base, Write: true}})
			if err != nil {
				t.Fatal(err)
			}
			return e
		},
		Folder: func(t *testing.T) string {
			dir, err := os.MkdirTemp(base, "test-")
			if err != nil {
				t.Fatal(err)
			}
			return dir
		},
		Parallel: 3, Patience: 2 * time.Minute,
	})
	out, err := exec.Command("podman", "ps", "--all", "--quiet").Output()
	if err != nil || len(strings.TrimSpace(string(out))) != 0 {
		t.Errorf("containers are left: %s, %v", out, err)
	}
}

func TestArguments(t *testing.T) {
	e := &Engine{options: Options{Program: "docker", Image: "paper:1", Extra: []string{"--init=false"}, Job: "JOB"},
		mounts: &[]Mount{{Source: "/a", Target: "/.repro/image.sif"}, {Source: "/b c", Target: "/.repro/run", Write: true}}}
	got := e.arguments("n", engine.Job{Args: []string{"/.repro/repro", "run", "x"}, Resources: engine.Resources{Memory: 7}}, engine.Allotment{CPUs: []int{4, 5}})
	text := strings.Join(got, " ")
	for _, want := range []string{"--network none", "--cap-drop ALL", "--security-opt no-new-privileges", "--mount type=bind,source=/a,target=/.repro/image.sif,readonly",
		"--mount type=bind,source=/b c,target=/.repro/run --", "--memory=7", "--cpus=2", "--env JOB=n", "--init=false --entrypoint /.repro/repro paper:1 run x"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	if slices.Contains(got, "--rm") || !slices.Contains(got, "never") {
		t.Error(text)
	}
}

func TestUsers(t *testing.T) {
	for _, tt := range []struct {
		program string
		uid     int
		want    string
	}{{"docker", 0, ""}, {"podman", 0, ""}, {"docker", 501, "--user=501:20"}, {"podman", 501, "--userns=keep-id:uid=1000,gid=1000"}} {
		if got := strings.Join(userArguments(tt.program, tt.uid, 20), " "); got != tt.want {
			t.Errorf("%s as %d: %q, want %q", tt.program, tt.uid, got, tt.want)
		}
	}
}

// What the program says is in the error, and nothing that a terminal would act on.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	if err := Check(t.Context(), "no-such-program"); !errors.Is(err, engine.ErrMachine) {
		t.Error(err)
	}
	script := "#!/bin/sh\ncase $1 in version|load) exit 0;; image) test -e " + dir + "/loaded;; run) printf 'Error: \\033[31mno\\n' >&2; exit $CODE;; esac\n"
	if err := os.WriteFile(dir+"/fakepod", []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	exported := 0
	export := func(_ context.Context, file string) error {
		exported++
		return os.WriteFile(dir+"/loaded", nil, 0o644)
	}
	for range 2 {
		if err := Provide(t.Context(), "fakepod", "paper:1", export); err != nil {
			t.Error(err)
		}
	}
	if exported != 1 {
		t.Errorf("exported %d times", exported)
	}
	for code, want := range map[string]string{"125": "the container was not started: Error:", "3": "exit status 3: Error:"} {
		t.Setenv("CODE", code)
		e, err := New(t.Context(), Options{Program: "fakepod", Image: "paper:1", Limits: local.Limits{CPUs: []int{0}}}, &[]Mount{})
		if err != nil {
			t.Fatal(err)
		}
		err = e.run(t.Context(), engine.Job{Args: []string{"x"}}, engine.Allotment{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%s: %q", code, err)
		}
	}
}
