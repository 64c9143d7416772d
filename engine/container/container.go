// Package container runs jobs in containers, by podman or docker: for machines that
// have no user namespaces, or are no Linux. Each job is a container of its own, of
// one image, without a network and without privileges; it is started when those
// that it needs are done, as the local engine does it, and removed at its end.
package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"repro/engine"
	"repro/engine/local"
)

// Options say how containers are made.
type Options struct {
	Program string   // podman or docker, looked up in PATH
	Image   string   // that each container is made of, in the program's store
	Extra   []string // further arguments of its run command, such as --runtime=runc
	Job     string   // variable in which a job finds the name of its container; empty: none
	Logs    string   // existing folder for what jobs print; empty: nowhere
	Limits  local.Limits
}

// Mount shows a file or folder of this machine's to all containers.
type Mount struct {
	Source, Target string // absolute
	Write          bool
}

// Engine runs containers on this machine, or where the program does.
type Engine struct {
	*local.Engine
	options Options
	mounts  *[]Mount
	prefix  string // of the containers' names
	started atomic.Int64
}

// New returns an engine. Mounts, in place of those of o, may grow until jobs are
// submitted. It returns an [*engine.MachineError] if the program is not here or
// cannot reach its service.
func New(ctx context.Context, o Options, mounts *[]Mount) (*Engine, error) {
	if err := Check(ctx, o.Program); err != nil {
		return nil, err
	}
	return &Engine{Engine: local.NewEngine(o.Limits), options: o, mounts: mounts, prefix: fmt.Sprintf("repro-%d-%x", os.Getpid(), time.Now().UnixNano())}, nil
}

// Check reports whether podman or docker, program, can be used here.
func Check(ctx context.Context, program string) error {
	if _, err := exec.LookPath(program); err != nil {
		return &engine.MachineError{Err: err, Hint: "install " + program + ", or name another engine"}
	}
	if _, err := output(exec.CommandContext(ctx, program, "version")); err != nil {
		return &engine.MachineError{Err: err, Hint: "start " + program + "'s service"}
	}
	return nil
}

// Provide has the program's store hold the image called ref. If it does not yet,
// export writes it to a file as an archive that the program loads.
func Provide(ctx context.Context, program, ref string, export func(ctx context.Context, file string) error) error {
	if _, err := output(exec.CommandContext(ctx, program, "image", "inspect", ref)); err == nil {
		return nil
	}
	dir, err := os.MkdirTemp("", "repro-container-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "image.tar")
	if err := export(ctx, file); err != nil {
		return err
	}
	if _, err := output(exec.CommandContext(ctx, program, "load", "--input", file)); err != nil {
		return fmt.Errorf("hand the image to %s: %w", program, err)
	}
	return nil
}

// Submit implements [engine.Engine].
func (e *Engine) Submit(ctx context.Context, jobs []engine.Job) ([]engine.ID, error) {
	contained := make([]engine.Job, len(jobs))
	for i, j := range jobs {
		if len(j.Args) == 0 {
			return nil, fmt.Errorf("%s: job %q: has no command line", e.options.Program, j.Name)
		}
		j.Work = func(ctx context.Context, a engine.Allotment) error { return e.run(ctx, j, a) }
		contained[i] = j
	}
	return e.Engine.Submit(ctx, contained)
}

// run runs a job in a container until it ends, or ends it with ctx.
func (e *Engine) run(ctx context.Context, j engine.Job, a engine.Allotment) error {
	name := fmt.Sprintf("%s-%d", e.prefix, e.started.Add(1))
	cmd := exec.Command(e.options.Program, e.arguments(name, j, a)...)
	var messages tail
	cmd.Stdout, cmd.Stderr = &messages, &messages
	if e.options.Logs != "" {
		log, err := os.OpenFile(filepath.Join(e.options.Logs, name+".log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		defer log.Close()
		cmd.Stdout, cmd.Stderr = log, both{log, &messages}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer e.remove(name)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return explain(e.options.Program, err, messages.String())
	case <-ctx.Done():
		e.end(name, ended)
		return ctx.Err()
	}
}

// remove removes a container, whether it runs or not. With --rm podman does so
// itself, but waits twenty seconds where process 1 of the machine is slow to reap.
func (e *Engine) remove(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), endPatience)
	defer cancel()
	_, _ = output(exec.CommandContext(ctx, e.options.Program, "rm", "--force", name))
}

// endPatience is how long a container may take to be made, or to end.
const endPatience = 30 * time.Second

// end kills a container, which may be just being made, and waits for its end.
func (e *Engine) end(name string, ended <-chan error) {
	late := time.After(endPatience)
	for {
		e.remove(name)
		select {
		case <-ended:
			return
		case <-late:
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// arguments are those of the program for a container called name.
func (e *Engine) arguments(name string, j engine.Job, a engine.Allotment) []string {
	args := []string{"run", "--name", name, "--pull", "never", "--network", "none", "--hostname", "repro",
		"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--workdir", "/"}
	args = append(args, userArguments(e.options.Program, os.Geteuid(), os.Getegid())...)
	for _, m := range *e.mounts {
		mount := "type=bind,source=" + m.Source + ",target=" + m.Target
		if !m.Write {
			mount += ",readonly"
		}
		args = append(args, "--mount", mount)
	}
	if e.options.Job != "" {
		args = append(args, "--env", e.options.Job+"="+name)
	}
	if j.Resources.Memory > 0 {
		args = append(args, fmt.Sprintf("--memory=%d", j.Resources.Memory))
	}
	if n := len(a.CPUs); n > 0 {
		args = append(args, fmt.Sprintf("--cpus=%d", n))
	}
	args = append(args, e.options.Extra...)
	args = append(args, "--entrypoint", j.Args[0], e.options.Image)
	return append(args, j.Args[1:]...)
}

// userArguments have files that jobs make belong to the caller.
func userArguments(program string, uid, gid int) []string {
	switch {
	case uid <= 0 || runtime.GOOS != "linux": // root, or a machine whose containers run in another
		return nil
	case program == "podman":
		return []string{fmt.Sprintf("--userns=keep-id:uid=%d,gid=%d", local.Identity().UID, local.Identity().GID)}
	}
	return []string{fmt.Sprintf("--user=%d:%d", uid, gid)}
}

// explain turns what the program ended with into an error.
func explain(program string, err error, messages string) error {
	if err == nil {
		return nil
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if ok && exit.ExitCode() == 125 { // docker-run(1): its own error, not the job's
		return fmt.Errorf("%s: the container was not started: %s", program, clean(messages))
	}
	return fmt.Errorf("%s: %w: %s", program, err, clean(messages))
}

var controls = regexp.MustCompile(`[[:cntrl:]]+`)

func clean(text string) string {
	text = strings.TrimSpace(controls.ReplaceAllString(text, " "))
	return text[max(0, len(text)-1000):]
}

// maxOutput bounds what the program may answer, in bytes.
const maxOutput = 16 << 20

// output runs the program; its messages become the error.
func output(cmd *exec.Cmd) (string, error) {
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, clean(messages.String()))
	}
	if out.Len() > maxOutput {
		return "", fmt.Errorf("%s: answers with more than %d bytes", filepath.Base(cmd.Path), maxOutput)
	}
	return out.String(), nil
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-4096):]
	return len(p), nil
}

func (t *tail) String() string { return string(t.b) }

// both writes to a file and keeps the end.
type both struct {
	file *os.File
	end  *tail
}

func (b both) Write(p []byte) (int, error) {
	_, _ = b.end.Write(p)
	return b.file.Write(p)
}
