//go:build linux

package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"repro/engine/slurm/slurmtest"
	"repro/format"
	"repro/format/manifest"
)

func TestMain(m *testing.M) { slurmtest.Main(m) }

// submitVariable has this test's program submit an image's steps to Slurm.
const submitVariable = "REPRO_TEST_SUBMIT"

func init() {
	image, dir, ok := strings.Cut(os.Getenv(submitVariable), "|")
	if !ok {
		return
	}
	if err := submitTo(image, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func submitTo(image, dir string) error {
	im, err := format.Open(image)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	rep, err := On(context.Background(), im, Options{Dir: dir}, Spread{Engine: "slurm:" + slurmtest.Partition, Patience: 10 * time.Second,
		Command: func(step, folder string) []string {
			return []string{"/usr/bin/env", "-u", submitVariable, fmt.Sprintf("%s=%s|%s|%s|", workerVariable, image, folder, step), self}
		}})
	if err != nil {
		return err
	}
	jobs := map[string]bool{}
	for _, s := range rep.Steps {
		if s.Place == nil || s.Place.Engine != "slurm" || s.Place.Job == "" {
			return fmt.Errorf("step %s ran at %+v", s.Name, s.Place)
		}
		jobs[s.Place.Job] = true
	}
	fmt.Printf("%d of %d by %d jobs as %d\n", rep.Counts.Reproduced, rep.Counts.Results, len(jobs), os.Getuid())
	return nil
}

// An ordinary user's steps run on the nodes of a real cluster, each as a job.
func TestOnSlurm(t *testing.T) {
	conf := slurmtest.Need(t)
	e := fixture{
		steps: []manifest.Step{
			sh("a", "echo 1 >a; echo x >hidden", "/paper/a"), sh("b", "echo 2 >b", "/paper/b"),
			after(sh("c", "cat a b hidden >c", "/paper/c"), "a", "b"),
		},
		published: map[string]string{"c": "1\n2\nx\n", "b": "2\n"},
	}
	im := e.build(t)
	dir, err := os.MkdirTemp("", "repro-slurm-user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, image := filepath.Join(dir, "test"), filepath.Join(dir, "paper.sif")
	b, err := os.ReadFile(im.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(copySelf(self), os.WriteFile(image, b, 0o644), os.Chmod(dir, 0o755), os.Chown(dir, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Dir = dir
	cmd.Env = []string{"SLURM_CONF=" + conf, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, submitVariable + "=" + image + "|" + filepath.Join(dir, "run")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "2 of 2 by 3 jobs as 65534\n" {
		logs, _ := exec.Command("sh", "-c", "tail -n 20 "+dir+"/run/jobs/*").CombinedOutput()
		t.Errorf("%s%v\n%s", out, err, logs)
	}
}
