package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"repro/engine"
	"repro/engine/htcondor"
	"repro/engine/local"
	"repro/engine/slurm"
)

// engineRow is an engine that starts workers elsewhere.
type engineRow struct {
	name  string // as --on has it, and as reports name it
	about string // in a few words, for help

	// job returns what the engine calls the job in which this process runs;
	// empty if it runs in none.
	job func() string

	// open returns the engine. Where is what stands behind the name, such as a
	// partition; options are handed on as they are; logs is a folder for what
	// jobs print that is no step's.
	open func(where string, options []string, logs string) (engine.Engine, error)

	dryRun bool // contain heeds Container.DryRun

	// contain returns an engine that runs workers in containers, in place of open.
	contain func(placement) (*contained, error)
}

// engines are those that can be named. Another one is a package and a row.
var engines = []engineRow{
	{name: "local", about: "this machine, as workers that others may join: local", job: func() string { return "" },
		open: func(where string, options []string, _ string) (engine.Engine, error) {
			if where != "" || len(options) > 0 {
				return nil, errors.New("local: takes neither a place nor options")
			}
			return local.NewEngine(limits(Options{})), nil
		}},
	{name: "slurm", about: "a Slurm cluster: slurm, or slurm:PARTITION; options are those of sbatch", job: slurm.Job,
		open: func(where string, options []string, logs string) (engine.Engine, error) {
			if err := slurm.CheckOptions(options); err != nil {
				return nil, err
			}
			return slurm.New(slurm.Options{Partition: where, Extra: options, Logs: logs})
		}},
	{name: "htcondor", about: "an HTCondor pool: htcondor, or htcondor:transfer where its machines do not share the folder; options are lines of submit files", job: htcondor.Job,
		open: func(where string, options []string, logs string) (engine.Engine, error) {
			if where != "" && where != "transfer" {
				return nil, fmt.Errorf("htcondor: %q: want transfer, or nothing", where)
			}
			return htcondor.New(htcondor.Options{Transfer: where == "transfer", Extra: options, Dir: logs})
		}},
	{name: "podman", about: "containers of the image on this machine: podman; options are those of podman run", job: jobIn("podman"), contain: openContainers("podman")},
	{name: "kubernetes", about: "a Kubernetes cluster: kubernetes, or kubernetes:NAMESPACE; options are claim=NAME, mount=FOLDER, image=NAME, program=FILE, user=NUMBER, and those of kubectl", job: jobIn("kubernetes"), contain: openKubernetes, dryRun: true},
	{name: "aws-batch", about: "AWS Batch: aws-batch:QUEUE; options are efs=ID or host=FOLDER, mount=FOLDER, image=NAME, program=FILE, user=NUMBER, and those of aws", job: jobIn("aws-batch"), contain: openAWSBatch, dryRun: true},
	{name: "docker", about: "the same by docker; options are those of docker run", job: jobIn("docker"), contain: openContainers("docker")},
}

// Engines describes the engines that can be named, one a line.
func Engines() (lines []string) {
	for _, e := range engines {
		lines = append(lines, e.about)
	}
	return lines
}

func engineNames() (names []string) {
	for _, e := range engines {
		names = append(names, e.name)
	}
	return names
}

// EngineForms lists what can be named, in a line, for help.
func EngineForms() string {
	return "local, slurm, slurm:PARTITION, htcondor, htcondor:transfer, podman, docker, kubernetes:NAMESPACE or aws-batch:QUEUE"
}

// CheckEngine refuses a name, such as slurm:PARTITION, of which there is no
// engine.
func CheckEngine(name string) error {
	_, _, err := findEngine(name)
	return err
}

// CanDryRun reports whether an engine can say what it would submit.
func CanDryRun(name string) bool {
	row, _, err := findEngine(name)
	return err == nil && row.dryRun
}

func findEngine(name string) (row engineRow, where string, err error) {
	name, where, _ = strings.Cut(name, ":")
	i := slices.IndexFunc(engines, func(e engineRow) bool { return e.name == name })
	if i < 0 {
		return row, "", fmt.Errorf("engine %q: not one of %s", name, strings.Join(engineNames(), ", "))
	}
	return engines[i], where, nil
}

// EngineOfProcess returns the name of the engine that started this process, and
// what it calls the job; both are empty if a person or a script did.
func EngineOfProcess() (engine, job string) {
	for _, e := range engines {
		if id := e.job(); id != "" {
			return e.name, id
		}
	}
	return "", ""
}
