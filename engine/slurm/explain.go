package slurm

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"repro/engine"
)

// meanings are Slurm's states of jobs that failed, in words.
var meanings = map[string]string{
	"TIMEOUT":       "ran longer than its time limit",
	"DEADLINE":      "reached its deadline",
	"OUT_OF_MEMORY": "ran out of memory",
	"NODE_FAIL":     "its node failed",
	"BOOT_FAIL":     "its node did not start",
	"PREEMPTED":     "had to give way to another job",
	"LAUNCH_FAILED": "could not be started on its node",
	"FAILED":        "failed",
}

// explain says why a job failed, as far as Slurm knows and the job printed. Both
// may be gone, or not there yet; that is no error.
func (e *Engine) explain(ctx context.Context, id engine.ID, l line) string {
	out, _ := output(exec.CommandContext(ctx, "scontrol", "--oneliner", "show", "job", string(id)))
	text := reasonOf(l, parseFields(out))
	if e.options.Logs == "" {
		return text
	}
	if said := engine.LastWords(filepath.Join(e.options.Logs, "slurm-"+string(id)+".log")); said != "" {
		text += fmt.Sprintf("; it printed %q", said)
	}
	return text
}

// reasonOf says why a job failed, by squeue's line and scontrol's fields.
func reasonOf(l line, fields map[string]string) string {
	text := cmp.Or(meanings[l.state], strings.ToLower(l.state))
	var details []string
	switch status, signal, _ := strings.Cut(fields["ExitCode"], ":"); {
	case l.state == "TIMEOUT":
		if limit := fields["TimeLimit"]; limit != "" {
			details = append(details, "of "+limit)
		}
	case signal != "" && signal != "0":
		details = append(details, "by signal "+signal)
	case status != "" && status != "0":
		details = append(details, "with exit status "+status)
	}
	if l.state == "OUT_OF_MEMORY" {
		if asked := memoryAsked.FindStringSubmatch(cmp.Or(fields["ReqTRES"], fields["TRES"])); asked != nil {
			details = []string{"of " + asked[1]}
		}
	}
	if r := l.reason; r != "" && r != "None" && r != "NonZeroExitCode" && r != "TimeLimit" && r != "OutOfMemory" {
		details = append(details, "("+r+")")
	}
	return strings.Join(append([]string{text}, details...), " ")
}

var memoryAsked = regexp.MustCompile(`(?:^|,)mem=([0-9.]+[KMGT]?)`)

// parseFields reads the words KEY=VALUE of scontrol's line. Of a key that is there
// twice the first counts.
func parseFields(out string) map[string]string {
	fields := map[string]string{}
	for word := range strings.FieldsSeq(out) {
		key, value, ok := strings.Cut(word, "=")
		if _, twice := fields[key]; ok && !twice {
			fields[key] = value
		}
	}
	return fields
}
