package slurm

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"repro/engine"
)

// Script is a file that Scripts makes.
type Script struct{ Name, Text string }

var odd = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// Scripts returns batch scripts that do jobs without this program's help, and
// submit.sh, which submits them in their order with sbatch. Last is a job that
// starts when the others have ended, however they did; nil: there is none.
func Scripts(jobs []engine.Job, last *engine.Job) ([]Script, error) {
	order, err := engine.Order(jobs, func(string) bool { return false })
	if err != nil {
		return nil, fmt.Errorf("slurm: %w", err)
	}
	var files []Script
	var submit strings.Builder
	submit.WriteString(`#!/bin/sh
# Submits all steps. Arguments are handed on to sbatch: sh submit.sh --partition=short
set -eu
cd "$(dirname "$0")"
`)
	variable := map[string]string{}
	var all []string
	add := func(j engine.Job, dependency string) {
		n := len(files) + 1
		name := fmt.Sprintf("%02d-%s.sbatch", n, odd.ReplaceAllString(j.Name, "_"))
		files = append(files, Script{name, batchScript(j)})
		variable[j.Name] = fmt.Sprintf("job_%d", n)
		fmt.Fprintf(&submit, "job_%d=$(sbatch --parsable%s \"$@\" %s); job_%[1]d=${job_%[1]d%%%%;*}\n", n, dependency, name)
		all = append(all, fmt.Sprintf("${job_%d}", n))
	}
	for _, i := range order {
		j := jobs[i]
		var after []string
		for _, need := range slices.Compact(slices.Sorted(slices.Values(j.Needs))) {
			after = append(after, "${"+variable[need]+"}")
		}
		dependency := ""
		if len(after) > 0 {
			dependency = " --dependency=afterok:" + strings.Join(after, ":") + " --kill-on-invalid-dep=yes"
		}
		add(j, dependency)
	}
	if last != nil {
		add(*last, " --dependency=afterany:"+strings.Join(all, ":"))
	}
	fmt.Fprintf(&submit, "echo \"submitted %s\"\n", strings.Join(all, " "))
	return append(files, Script{"submit.sh", submit.String()}), nil
}

// batchScript is a batch script with what the job asks for in its head.
func batchScript(j engine.Job) string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	for _, a := range (&Engine{}).arguments(group{j}, nil) {
		if a == "--parsable" || a == "--hold" || strings.HasPrefix(a, "--output=") || strings.HasPrefix(a, "--job-name=") {
			continue
		}
		fmt.Fprintf(&b, "#SBATCH %s\n", a)
	}
	name := odd.ReplaceAllString(j.Name, "_")
	fmt.Fprintf(&b, "#SBATCH --job-name=%s\n#SBATCH --output=%[1]s-%%j.log\nexec %s\n", name, quote(j.Args))
	return b.String()
}
