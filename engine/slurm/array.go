package slurm

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"repro/engine"
)

// A group is one or more jobs that ask for the same and need the same. None of
// them needs another. More than one are submitted as an array.
type group []engine.Job

// groups cuts jobs into groups of at most largest, in an order in which each
// comes after those that it needs. Order is that of [engine.Order].
func groups(jobs []engine.Job, order []int, largest int) (all []group) {
	open := map[string]int{} // what is asked for → the group that still grows
	for _, i := range order {
		j := jobs[i]
		needs := slices.Sorted(slices.Values(j.Needs))
		key := fmt.Sprintf("%+v %q", j.Resources, slices.Compact(needs))
		g, ok := open[key]
		if !ok || len(all[g]) >= largest {
			g = len(all)
			open[key], all = g, append(all, nil)
		}
		all[g] = append(all[g], j)
	}
	return all
}

var maxArrayLine = regexp.MustCompile(`(?m)^MaxArraySize\s*=\s*([0-9]+)\s*$`)

// usualArray is Slurm's default of MaxArraySize.
const usualArray = 1001

// maxArray is how many elements the cluster allows an array to have, at least 1.
func maxArray(ctx context.Context) int {
	out, err := output(exec.CommandContext(ctx, "scontrol", "show", "config"))
	if err != nil {
		return 1 // sbatch will say what the matter is
	}
	return parseMaxArray(out)
}

func parseMaxArray(config string) int {
	m := maxArrayLine.FindStringSubmatch(config)
	if m == nil {
		return 1
	}
	n, err := strconv.Atoi(m[1]) // indices are below it
	if err != nil {
		return 1
	}
	return min(max(1, n), usualArray)
}

// batch is what one call of Submit submits.
type batch struct {
	*Engine
	had   int            // jobs that were there before
	whole map[string]int // elements of each array
}

// made are the jobs of this call, so far.
func (b *batch) made() []*job { return b.jobs.All()[b.had:] }

// submit submits a group, held. One whose needs have failed already is not
// submitted: its jobs are skipped.
func (b *batch) submit(ctx context.Context, g group) error {
	lost, waits := b.jobs.Needs(g[0])
	if lost != "" {
		for _, j := range g {
			b.skipped++
			b.jobs.Add(j, engine.ID(fmt.Sprint(skippedPrefix, b.skipped))).State = engine.Lost(lost)
		}
		return nil
	}
	open := make([]engine.ID, len(waits))
	for i, need := range waits {
		open[i] = need.ID
	}
	cmd := exec.CommandContext(ctx, "sbatch", append(b.arguments(g, after(open, b.whole)), b.options.Extra...)...)
	cmd.Stdin = strings.NewReader(script(g))
	out, err := output(cmd)
	if err != nil {
		return err
	}
	number, _, _ := strings.Cut(strings.TrimSpace(out), ";") // ID;cluster
	if _, err := strconv.ParseUint(number, 10, 64); err != nil {
		return fmt.Errorf("sbatch answers %q, which is no job", out)
	}
	for i, j := range g {
		id := engine.ID(number)
		if len(g) > 1 {
			id = engine.ID(fmt.Sprintf("%s_%d", number, i))
			b.whole[number]++
		}
		b.jobs.Add(j, id)
	}
	return nil
}

const skippedPrefix = "skipped-"

func isSkipped(id engine.ID) bool { return strings.HasPrefix(string(id), skippedPrefix) }

// undo cancels what was submitted, and forgets it. What cannot be cancelled is named: it is held
// in Slurm's queue.
func (b *batch) undo(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	ids := arrays(numbers(b.made()))
	if err := scancel(ctx, ids); err != nil {
		return errors.Join(fmt.Errorf("slurm: these jobs are held and could not be cancelled: %s", strings.Join(ids, " ")), err)
	}
	return nil
}

// after names jobs for --dependency: an array by its number if all its elements
// are meant, of which whole says how many there are.
func after(ids []engine.ID, whole map[string]int) (names []string) {
	meant := map[string]int{}
	for _, id := range ids {
		number, _, _ := strings.Cut(string(id), "_")
		meant[number]++
	}
	for _, id := range ids {
		number, _, element := strings.Cut(string(id), "_")
		name := string(id)
		if element && meant[number] == whole[number] {
			name = number
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// arguments are those of sbatch for a group, which starts after the jobs called
// after.
func (e *Engine) arguments(g group, after []string) []string {
	r := g[0].Resources
	name, log := g[0].Name, "slurm-%j.log"
	args := []string{"--parsable", "--hold", "--requeue", "--open-mode=append", "--ntasks=1", fmt.Sprintf("--cpus-per-task=%d", max(1, r.CPUs)), "--input=/dev/null"}
	if n := len(g) - 1; n > 0 {
		args = append(args, fmt.Sprintf("--array=0-%d", n))
		name, log = fmt.Sprintf("%s+%d", name, n), "slurm-%A_%a.log"
	}
	args = append(args, "--job-name="+name)
	if e.options.Logs != "" {
		args = append(args, "--output="+filepath.Join(strings.ReplaceAll(e.options.Logs, "%", "%%"), log))
	} else {
		args = append(args, "--output=/dev/null")
	}
	if e.options.Partition != "" {
		args = append(args, "--partition="+e.options.Partition)
	}
	if r.Memory > 0 {
		args = append(args, fmt.Sprintf("--mem=%dM", (r.Memory+1<<20-1)>>20))
	}
	if r.Time > 0 { // Slurm counts minutes; the step's own limit is stricter
		args = append(args, fmt.Sprintf("--time=%d", int64((r.Time+time.Minute-1)/time.Minute)+5))
	}
	if r.GPU {
		args = append(args, "--gres=gpu:1")
	}
	if len(after) > 0 {
		args = append(args, "--dependency=afterok:"+strings.Join(after, ":"), "--kill-on-invalid-dep=yes")
	}
	return args
}

// script is a batch script that executes the command line of a job, or that of
// its element of an array.
func script(g group) string {
	if len(g) == 1 {
		return "#!/bin/sh\nexec " + quote(g[0].Args) + "\n"
	}
	var b strings.Builder
	b.WriteString("#!/bin/sh\ncase $SLURM_ARRAY_TASK_ID in\n")
	for i, j := range g {
		fmt.Fprintf(&b, "%d) exec %s ;;\n", i, quote(j.Args))
	}
	b.WriteString("esac\nexit 127\n")
	return b.String()
}

// quote writes a command line for a shell.
func quote(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}

var idForm = regexp.MustCompile(`^(` + skippedPrefix + `)?[0-9]+(_[0-9]+)?$`)

func isID(id engine.ID) bool { return idForm.MatchString(string(id)) }

// numbers are the jobs that Slurm has a number for, in their order.
func numbers(jobs []*job) (ids []string) {
	for _, j := range jobs {
		if !isSkipped(j.ID) {
			ids = append(ids, string(j.ID))
		}
	}
	return ids
}

// arrays names jobs of which all elements are meant: an array by its number.
func arrays(ids []string) (names []string) {
	for _, id := range ids {
		number, _, _ := strings.Cut(id, "_")
		names = append(names, number)
	}
	return slices.Compact(names)
}
