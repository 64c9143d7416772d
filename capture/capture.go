package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"repro/capture/observe"
	"repro/internal/atomicfile"
	"repro/internal/filestat"
	"repro/internal/rmtree"
)

// Options say what to capture, and what becomes of it.
type Options struct {
	Command  []string
	Folder   string // of the experiment, where the command starts and the record lies
	Step     string // name of the step
	Env      []string
	Way      observe.Way // empty: the best that this machine offers
	Writable []string    // further folders that the command may write to
	Replace  bool        // results that were there before give way to new ones that differ

	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Compare says whether a new file reproduces the one that was there before;
	// both are names of files. Nil: never, if they differ.
	Compare func(ctx context.Context, name, before, after string) bool
}

// FailedName is what the record of a command that failed is called: it does not
// take the place of one that did not.
const FailedName = "repro.capture.failed.json"

// NewFolder is where, below the experiment's folder, what a step left is set
// aside if the file at its place stays as it was.
const NewFolder = "repro.new"

// Result is a record with the step that was captured last.
type Result struct {
	Record   *Record
	Step     *Step
	Status   int // exit status of the command as shells give it; 130 if it was interrupted and yet said 0
	Compared []Comparison
}

// Comparison is a result that was there before.
type Comparison struct {
	Path       string // below the experiment's folder
	Reproduced bool
}

// Run observes the command and puts the record of it into the experiment's
// folder. What the command wrote is then where it wrote it, but for results that
// were there before and differ, and for what it read before it changed it: these
// stay as they were, and what the command left is set aside in [NewFolder].
//
// The error is nil whenever the command ran, however it ended.
func Run(ctx context.Context, o Options) (*Result, error) {
	folder, err := filepath.Abs(o.Folder)
	if err == nil {
		folder, err = filepath.EvalSymlinks(folder)
	}
	if err != nil {
		return nil, err
	}
	release, err := claim(folder)
	if err != nil {
		return nil, err
	}
	defer release()
	record, err := openRecord(folder, o.Step)
	if err != nil {
		return nil, err
	}
	scratch, err := newScratch(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rmtree.Remove(scratch) }() // a command may close its folders to itself
	if working, err := claim(scratch); err == nil {
		defer working()
	}
	sweep(filepath.Dir(scratch), time.Now())
	seen, err := observe.Run(ctx, observe.Command{
		Args: o.Command, Dir: folder, Env: o.Env, Stdin: o.Stdin, Stdout: o.Stdout, Stderr: o.Stderr,
		Way: o.Way, Own: folder, Scratch: scratch, Writable: o.Writable,
	})
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // the command may have been interrupted; what was seen counts
	t := &taking{options: o, folder: folder, seen: seen, record: record}
	step, err := t.take(ctx)
	if err != nil {
		return nil, err
	}
	compared, err := t.settle(ctx, step)
	if err != nil {
		return nil, err
	}
	name := FileName
	if seen.Status() != 0 {
		name, record.Steps = FailedName, nil
	}
	record.put(*step)
	record.own()
	text, err := record.Marshal()
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Write(filepath.Join(folder, name), text, 0o666); err != nil {
		return nil, err
	}
	return &Result{Record: record, Step: record.Step(step.Name), Status: seen.Status(), Compared: compared}, nil
}

// openRecord reads the record of a folder, or begins one. A step that is about
// to be captured again may be of another folder; the others may not, if they name
// that by its path.
func openRecord(folder, step string) (*Record, error) {
	name := filepath.Join(folder, FileName)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &Record{Version: Version, Machine: thisMachine(), Folder: folder}, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := Parse(name, text)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(r.Steps, func(s Step) bool { return s.Absolute && s.Name != step }); i >= 0 && r.Folder != folder {
		return nil, fmt.Errorf("%s: is the record of %s, which step %q names by its path: remove it (rm %s) and capture each step again", name, r.Folder, r.Steps[i].Name, FileName)
	}
	r = r.moved(folder)
	r.Machine = thisMachine()
	return r, nil
}

func thisMachine() Machine {
	m := Machine{Arch: runtime.GOARCH, Kernel: strings.TrimSpace(string(readSome("/proc/sys/kernel/osrelease", maxHeader)))}
	if m.Kernel == "" {
		b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
		m.Kernel = strings.TrimSpace(string(b))
	}
	for line := range bytes.Lines(readSome("/etc/os-release", maxHeader)) {
		if value, ok := bytes.CutPrefix(line, []byte("PRETTY_NAME=")); ok {
			m.System = strings.Trim(strings.TrimSpace(string(value)), `"`)
		}
	}
	return m
}

// scratchName begins the names of folders for what commands write.
const scratchName = ".repro-capture-"

// sweep removes such folders of captures that were killed: nobody holds them any
// more. One that is younger than a minute may not be held yet.
func sweep(dir string, now time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), scratchName) {
			continue
		}
		name := filepath.Join(dir, e.Name())
		if info, err := e.Info(); err == nil && filestat.IsOurs(info) && now.Sub(info.ModTime()) >= time.Minute && abandoned(name) {
			_ = rmtree.Remove(name)
		}
	}
}

// newScratch makes a folder for what the command writes: on the disk of the
// experiment's folder where that is possible, so that nothing need be copied,
// but not in it, where the command might see it.
func newScratch(folder string) (string, error) {
	const pattern = scratchName
	for _, dir := range []string{os.TempDir(), filepath.Dir(folder)} {
		if !sameDisk(dir, folder) {
			continue
		}
		if scratch, err := os.MkdirTemp(dir, pattern); err == nil {
			return filepath.EvalSymlinks(scratch)
		}
	}
	scratch, err := os.MkdirTemp("", pattern)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(scratch)
}
