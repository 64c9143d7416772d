package htcondor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"repro/engine"
)

// dag is what one call of Submit submits.
type dag struct {
	dir     string
	options Options
	nodes   []node // each after those that it needs
}

// node is a job in a DAG.
type node struct {
	engine.Job
	ID      engine.ID
	parents []engine.ID // in the same DAG
	earlier []engine.ID // in earlier ones, that had not ended
}

func (n node) name() string { return filepath.Base(string(n.ID)) }

const (
	dagName   = "run.dag"
	preName   = "pre.sh"
	stageName = "stage"
)

// pre is a script that DAGMan starts before a node. Status 1 has it ask again.
const pre = `#!/bin/sh
# pre.sh NODE [DAG/NODE...]: may NODE start? 0: yes, 1: not yet, 2: never
[ ! -e "$1.cancelled" ] || exit 2
shift
for need; do
	log=../$need.log
	if grep -q '^005 ' "$log" 2>/dev/null; then
		grep -q 'Normal termination (return value 0)' "$log" || exit 2
	elif grep -q '^009 ' "$log" 2>/dev/null || [ -e "../$need.cancelled" ]; then
		exit 2
	elif grep -qE '^(005|009) ' "$(dirname "$log")/run.dag.dagman.log" 2>/dev/null; then
		exit 2 # its DAG is over, without it
	else
		exit 1
	fi
done
`

// settings are DAGMan's: it looks for events each second, not each five, and
// takes it for no error that a folder is in /tmp.
const settings = "DAGMAN_USER_LOG_SCAN_INTERVAL = 1\nDAGMAN_SUBMIT_DELAY = 0\nDAGMAN_USE_STRICT = 0\n"

// text is the DAG.
func (d *dag) text() string {
	var b strings.Builder
	b.WriteString("CONFIG dagman.config\n")
	for _, n := range d.nodes {
		fmt.Fprintf(&b, "JOB %s %[1]s.sub\n", n.name())
		deferred := ""
		if len(n.earlier) > 0 {
			deferred = "DEFER 1 5 "
		}
		fmt.Fprintf(&b, "SCRIPT %sPRE %s ./%s %[2]s", deferred, n.name(), preName)
		for _, e := range n.earlier {
			fmt.Fprintf(&b, " %s", e)
		}
		b.WriteString("\n")
		for _, p := range n.parents {
			fmt.Fprintf(&b, "PARENT %s CHILD %s\n", filepath.Base(string(p)), n.name())
		}
	}
	return b.String()
}

// note writes N.json.
func (d *dag) note(n node, made *job) error {
	about := note{Name: n.Name}
	if made.State.Phase == engine.Skipped {
		about.Skipped = made.State.Reason
	}
	if d.options.Transfer {
		about.Folder, about.Leaves = n.Apart.Folder, n.Apart.Leaves
	}
	b, err := json.Marshal(about)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, n.name()+".json"), append(b, '\n'), 0o644)
}

// write writes the submit file and the command line of a node.
func (d *dag) write(n node) error {
	text, err := d.submitFile(n)
	if err != nil {
		return fmt.Errorf("job %q: %w", n.Name, err)
	}
	at := filepath.Join(d.dir, n.name())
	return errors.Join(os.WriteFile(at+".sub", []byte(text), 0o644), os.WriteFile(at+".sh", []byte(d.script(n)), 0o755))
}

// script executes a job's command line.
func (d *dag) script(n node) string {
	if !d.options.Transfer {
		return "#!/bin/sh\nexec 2>&1\nexec " + quote(n.Args) + "\n"
	}
	// What the job leaves must be there when it ends, else HTCondor holds it.
	return "#!/bin/sh\nexec 2>&1\nmkdir -p " + quote(n.Apart.Leaves) + "\nchmod u+x " + quote(n.Apart.Args[:1]) + "\nexec " + quote(n.Apart.Args) + "\n"
}

// holds are the lines about jobs that HTCondor holds. Of its reasons
// (HoldReasonCode) 1 is a person's, who has to release the job; 6 to 14 say that
// files could not be moved, or the job not be started on that machine.
const holds = `periodic_release = (JobStatus == 5) && (NumHolds <= 2) && (HoldReasonCode >= 6) && (HoldReasonCode <= 14) && (time() - EnteredCurrentStatus > 30)
periodic_remove = (JobStatus == 5) && (HoldReasonCode =!= 1) && (NumHolds > 2 || HoldReasonCode < 6 || HoldReasonCode > 14) && (time() - EnteredCurrentStatus > 10)
max_retries = 2
retry_until = (ExitBySignal =?= false)
`

// submitFile is the submit file of a node.
func (d *dag) submitFile(n node) (string, error) {
	var b strings.Builder
	line := func(key, value string) { fmt.Fprintf(&b, "%s = %s\n", key, value) }
	at := filepath.Join(d.dir, n.name())
	line("universe", "vanilla")
	line("batch_name", "repro "+odd.ReplaceAllString(n.Name, "_"))
	line("executable", at+".sh")
	line("log", at+".log")
	line("output", at+".out")
	line("error", "/dev/null")
	line("environment", `"`+jobVariable+`=$(Cluster).$(Process)"`)
	r := n.Resources
	line("request_cpus", fmt.Sprint(max(1, r.CPUs)))
	if r.Memory > 0 {
		line("request_memory", fmt.Sprint((r.Memory+1<<20-1)>>20))
	}
	if r.GPU {
		line("request_gpus", "1")
	}
	if r.Time > 0 { // the step's own limit is stricter
		line("allowed_execute_duration", fmt.Sprint(int64((r.Time+5*time.Minute)/time.Second)))
	}
	b.WriteString(holds)
	if strings.ContainsAny(d.dir, "\r\n\"") {
		return "", fmt.Errorf("path %q: HTCondor takes no quotes and line ends in names", d.dir)
	}
	if d.options.Transfer {
		if err := d.transfer(&b, n); err != nil {
			return "", err
		}
	} else {
		line("should_transfer_files", "NO")
		line("initialdir", d.dir)
	}
	for _, extra := range d.options.Extra {
		b.WriteString(extra + "\n")
	}
	b.WriteString("queue\n")
	return b.String(), nil
}

// transfer writes the lines about files that are moved, and puts those of the
// run's folder into the stage.
func (d *dag) transfer(b *strings.Builder, n node) error {
	a := n.Apart
	seen := map[string]bool{}
	need := int64(1 << 30) // for what the step writes
	for _, f := range a.Files {
		if base := filepath.Base(f); seen[base] {
			return fmt.Errorf("two files are called %q", base)
		} else {
			seen[base] = true
		}
		info, err := os.Stat(f)
		if err != nil {
			return err
		}
		need += info.Size()
	}
	stage := filepath.Join(d.dir, stageName)
	for _, r := range a.Reads {
		err := copyInto(filepath.Join(a.Folder, filepath.FromSlash(r)), filepath.Join(stage, filepath.FromSlash(r)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it is yet to be left by another node
			return err
		}
	}
	in := append(append([]string{}, a.Files...), a.Reads...)
	for _, path := range append(in, a.Leaves...) {
		if strings.ContainsAny(path, "\r\n,\"") {
			return fmt.Errorf("path %q: HTCondor takes no commas, quotes and line ends in names", path)
		}
	}
	fmt.Fprintf(b, `initialdir = %s
should_transfer_files = YES
when_to_transfer_output = ON_EXIT
preserve_relative_paths = true
transfer_input_files = %s
transfer_output_files = %s
request_disk = %d
`, stage, strings.Join(in, ", "), strings.Join(a.Leaves, ", "), need>>10)
	return nil
}

// submit hands the DAG to HTCondor. It has the first submit file checked before:
// DAGMan would only write into a log what is wrong with it.
func (d *dag) submit(ctx context.Context) error {
	for name, text := range map[string]string{dagName: d.text(), preName: pre, "dagman.config": settings} {
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o755); err != nil {
			return err
		}
	}
	check := exec.CommandContext(ctx, "condor_submit", "-dry-run", os.DevNull, d.nodes[0].name()+".sub")
	run := exec.CommandContext(ctx, "condor_submit_dag", "-f", dagName)
	for _, cmd := range []*exec.Cmd{check, run} {
		cmd.Dir = d.dir
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	return nil
}

// quote writes words for a shell.
func quote(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}
