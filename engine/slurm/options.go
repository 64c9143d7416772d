package slurm

import (
	"fmt"
	"strings"
)

// taken are the options of sbatch (sbatch(1)) that say what a job is, or what sbatch
// does with it. Another value would have it do something else than its step.
var taken = []string{
	"array", "a", "dependency", "d", "parsable", "hold", "H", "wrap", "wait", "W", "test-only", "ntasks", "n", "cpus-per-task", "c",
	"output", "o", "input", "i", "job-name", "J", "kill-on-invalid-dep", "requeue", "no-requeue", "help", "h", "usage", "version", "V",
}

// CheckOptions refuses what would not be an option of sbatch, or one that is this
// package's to give.
func CheckOptions(options []string) error {
	for _, o := range options {
		name, _, _ := strings.Cut(strings.TrimLeft(o, "-"), "=")
		switch {
		case !strings.HasPrefix(o, "-") || name == "":
			return fmt.Errorf("slurm: option %q: begins with no hyphen: write --NAME=VALUE", o)
		case !strings.HasPrefix(o, "--") && isTaken(name[:1]), isTaken(name):
			return fmt.Errorf("slurm: option %q: is set for each step; the recipe says what it asks for", o)
		}
	}
	return nil
}

// isTaken reports whether an option, or what it abbreviates, is this package's.
func isTaken(name string) bool {
	for _, t := range taken {
		if name == t || len(name) > 2 && len(t) > 1 && strings.HasPrefix(t, name) {
			return true
		}
	}
	return false
}
