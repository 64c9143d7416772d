package slurm

import (
	"fmt"
	"strings"
	"testing"

	"repro/engine"
)

func TestGroups(t *testing.T) {
	one, two := engine.Resources{CPUs: 1}, engine.Resources{CPUs: 2}
	jobs := []engine.Job{
		{Name: "a", Resources: one}, {Name: "b", Resources: one}, {Name: "c", Resources: two}, {Name: "d", Resources: one},
		{Name: "e", Resources: one, Needs: []string{"a", "b"}}, {Name: "f", Resources: one, Needs: []string{"b", "a", "a"}}, {Name: "g", Resources: one, Needs: []string{"a"}},
	}
	order, err := engine.Order(jobs, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	for largest, want := range map[int]string{11: "a+b+d c e+f g", 2: "a+b c d e+f g", 1: "a b c d e f g"} {
		var got []string
		for _, g := range groups(jobs, order, largest) {
			var names []string
			for _, j := range g {
				names = append(names, j.Name)
			}
			got = append(got, strings.Join(names, "+"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("of at most %d: %q, want %q", largest, got, want)
		}
	}
}

func TestAfter(t *testing.T) {
	whole := map[string]int{"7": 3, "9": 2}
	for _, tt := range []struct{ ids, want string }{
		{"", ""}, {"5", "5"}, {"7_0 7_2", "7_0 7_2"}, {"7_0 7_1 7_2", "7"}, {"7_0 5 7_1 9_1 7_2", "7 5 9_1"}, {"8_0", "8_0"},
	} {
		var ids []engine.ID
		for id := range strings.FieldsSeq(tt.ids) {
			ids = append(ids, engine.ID(id))
		}
		if got := strings.Join(after(ids, whole), " "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.ids, got, tt.want)
		}
	}
}

func TestMaxArray(t *testing.T) {
	for config, want := range map[string]int{
		"MaxArraySize            = 11\nMaxJobCount = 5\n": 11, "MaxArraySize = 4000001\n": 1001, "MaxArraySize = 0\n": 1, "MaxJobCount = 5\n": 1, "": 1,
		"MaxArraySize = 99999999999999999999\n": 1,
	} {
		if got := parseMaxArray(config); got != want {
			t.Errorf("%q: %d, want %d", config, got, want)
		}
	}
}

func TestIDs(t *testing.T) {
	for id, want := range map[engine.ID]bool{"12": true, "12_0": true, "skipped-3": true, "": false, "-1": false, "12_": false, "12;x": false, "--all": false, "1_2_3": false} {
		if isID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
	if got := fmt.Sprint(arrays([]string{"9_0", "9_1", "10", "11_0"})); got != "[9 10 11]" {
		t.Error(got)
	}
	if got := fmt.Sprint(numbers([]*job{{ID: "9_0"}, {ID: "skipped-1"}, {ID: "9_1"}})); got != "[9_0 9_1]" {
		t.Error(got)
	}
}

func TestJob(t *testing.T) {
	for _, tt := range []struct{ job, array, index, want string }{{"", "", "", ""}, {"7", "", "", "7"}, {"8", "7", "1", "7_1"}} {
		t.Setenv("SLURM_JOB_ID", tt.job)
		t.Setenv("SLURM_ARRAY_JOB_ID", tt.array)
		t.Setenv("SLURM_ARRAY_TASK_ID", tt.index)
		if got := Job(); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}

// Why a job failed, by the words of Slurm 22.05.
func TestReasonOf(t *testing.T) {
	for _, tt := range []struct{ line, fields, want string }{
		{"TIMEOUT|TimeLimit|n1", "JobId=1 ExitCode=0:15 TimeLimit=00:06:00", "ran longer than its time limit of 00:06:00"},
		{"FAILED|NonZeroExitCode|n1", "ExitCode=7:0", "failed with exit status 7"},
		{"FAILED|RaisedSignal:9(Killed)|n1", "ExitCode=0:9", "failed by signal 9 (RaisedSignal:9(Killed))"},
		{"OUT_OF_MEMORY|OutOfMemory|n1", "ExitCode=0:125 TRES=cpu=1,mem=320M,node=1", "ran out of memory of 320M"},
		{"NODE_FAIL|NodeDown|n1", "ExitCode=0:0", "its node failed (NodeDown)"},
		{"FAILED|None|n1", "", "failed"},
		{"SOMETHING_NEW|None|n1", "", "something_new"},
	} {
		f := strings.Split(tt.line, "|")
		if got := reasonOf(line{f[0], f[1], f[2]}, parseFields(tt.fields)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.line, got, tt.want)
		}
	}
	if got := parseFields("A=1 B A=2 C=x=y")["A"] + parseFields("C=x=y")["C"]; got != "1x=y" {
		t.Error(got)
	}
}

func TestScripts(t *testing.T) {
	jobs := []engine.Job{
		{Name: "plot 1", Needs: []string{"fit", "fit"}, Resources: engine.Resources{CPUs: 1}, Args: []string{"plot", "it's"}},
		{Name: "fit", Resources: engine.Resources{CPUs: 4, Memory: 1 << 30, GPU: true}, Args: []string{"fit"}},
	}
	files, err := Scripts(jobs, &engine.Job{Name: "collect", Args: []string{"collect"}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "01-fit.sbatch 02-plot_1.sbatch 03-collect.sbatch submit.sh" {
		t.Fatal(got)
	}
	for i, wants := range [][]string{
		{"#!/bin/sh\n#SBATCH ", "\n#SBATCH --cpus-per-task=4\n", "\n#SBATCH --mem=1024M\n", "\n#SBATCH --gres=gpu:1\n", "\n#SBATCH --job-name=fit\n", "\nexec 'fit'\n"},
		{`exec 'plot' 'it'\''s'`, "--job-name=plot_1"},
		{"exec 'collect'"},
		{`sbatch --parsable "$@" 01-fit.sbatch`, `--dependency=afterok:${job_1} --kill-on-invalid-dep=yes "$@" 02-plot_1.sbatch`, `--dependency=afterany:${job_1}:${job_2} "$@" 03-collect`},
	} {
		for _, want := range wants {
			if !strings.Contains(files[i].Text, want) {
				t.Errorf("%s: %q is not in\n%s", files[i].Name, want, files[i].Text)
			}
		}
		if strings.Contains(files[i].Text, "--hold") {
			t.Errorf("%s is held", files[i].Name)
		}
	}
	if _, err := Scripts(jobs[:1], nil); err == nil {
		t.Error("a need that is not there")
	}
}

// A node that failed may have its job started again; a job that was cancelled
// before it began leaves no trace.
func TestMayReturn(t *testing.T) {
	e := &Engine{}
	for state, want := range map[string]bool{"NODE_FAIL": true, "PREEMPTED": true, "FAILED": false, "TIMEOUT": false, "COMPLETED": false, "PENDING": false} {
		if _, back := e.stateOf(&job{}, line{state: state}); back != want {
			t.Errorf("%s: %v", state, back)
		}
	}
	if _, back := e.stateOf(&job{Cancelled: true}, line{state: "NODE_FAIL"}); back {
		t.Error("one that was cancelled comes back")
	}
	one, two := e.jobs.Add(engine.Job{Name: "a"}, "1"), e.jobs.Add(engine.Job{Name: "b"}, "2")
	one.State.Phase, one.Own.back, two.State.Phase = engine.Failed, true, engine.Failed
	if got := e.open(); len(got) != 1 || got[0] != one {
		t.Error(got)
	}
}
