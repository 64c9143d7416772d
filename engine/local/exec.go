package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"repro/engine"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/rmtree"
	"repro/internal/sandbox"
	"repro/run/rootfs"
)

// Program is one that a person wants to run in an image.
type Program struct {
	Args    []string          // empty: a shell
	Step    string            // the step whose variables and directory it has; empty: what all steps have alike
	Dir     string            // where it starts; empty: the step's, or /paper
	Env     map[string]string // over its variables
	Scratch string            // where what it writes goes; empty: TMPDIR
	Tools   string            // folder of this machine with programs, which are shown at ToolsFolder and looked for last; empty: none

	Stdin          io.Reader // nil: empty
	Stdout, Stderr io.Writer
	Terminal       *Terminal // in place of all three

	Sandbox *Sandbox // begun with the same network; nil: one is begun when it is needed
}

// ToolsFolder is where programs of this machine are shown, in an image that has
// none of that name.
const ToolsFolder = "/.repro-tools"

// Sandbox is one that waits for a program.
type Sandbox = sandbox.Process

// Begin starts a sandbox while its image is still being verified. The caller
// closes it.
func Begin(net bool) *Sandbox { return sandbox.Begin(net) }

// Terminal is where a person sits. What a program prints reaches it as it is,
// control sequences too.
type Terminal struct {
	In      io.Reader // raw: each key as it is pressed
	Out     io.Writer
	Kind    string                     // the value of TERM
	Size    func() (columns, rows int) // when the program starts, and
	Resized <-chan os.Signal           // whenever this receives
}

// Exec runs one program in the root that the image's steps see, isolated as
// they are. What it writes there is gone when it ends. The result is its exit
// status, or 128 plus the number of the signal that ended it. Errors are those
// of [Open], and those about a program that could not be started.
func Exec(ctx context.Context, im *format.Image, p Program, o Options) (int, error) {
	m, err := im.Manifest()
	if err != nil {
		return 0, err
	}
	if _, err := im.ContentID(); err != nil {
		return 0, err
	}
	if err := CheckArch(im, m); err != nil {
		return 0, err
	}
	step, err := stepFor(m, p)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", im.Name(), err)
	}
	scratch, err := os.MkdirTemp(p.Scratch, "repro-exec-")
	if err != nil {
		return 0, engine.NoScratch(p.Scratch, err)
	}
	defer rmtree.Remove(scratch)
	if err := CheckBinds(o.Binds, map[string]string{scratch: "what the program writes"}); err != nil {
		return 0, err
	}
	layers, err := im.RootLayers()
	if err != nil {
		return 0, err
	}
	root, err := rootfs.Compose(layers, m.Hiding(), nil, Identity())
	if err != nil {
		return 0, fmt.Errorf("%s: %w", im.Name(), err)
	}
	h, err := newHost(im, root, scratch, o)
	if err != nil {
		return 0, err
	}
	defer h.Close()
	result, err := h.exec(ctx, p, step)
	select {
	case damage := <-h.damaged:
		return 0, damage
	default:
	}
	if err != nil {
		return 0, machineError(diskError(scratch, err))
	}
	return result.Status(), nil
}

// ErrNoStep says that the image has no step of the name that was asked for.
var ErrNoStep = errors.New("the image has no such step")

// stepFor is the step as part of which p runs.
func stepFor(m *manifest.Manifest, p Program) (manifest.Step, error) {
	step := manifest.Step{Dir: "/paper", Env: m.CommonEnv()}
	if p.Step != "" {
		i := slices.IndexFunc(m.Steps, func(s manifest.Step) bool { return s.Name == p.Step })
		if i < 0 {
			return step, fmt.Errorf("step %q: %w", p.Step, ErrNoStep)
		}
		step = m.Steps[i]
		step.Env = maps.Clone(step.Env)
	}
	if step.Env == nil {
		step.Env = map[string]string{}
	}
	maps.Copy(step.Env, p.Env)
	if p.Dir != "" {
		step.Dir = p.Dir
	}
	return step, nil
}

// exec starts the program at once where layers are served: that is the trial of
// the sandbox, too.
func (h *Host) exec(ctx context.Context, p Program, step manifest.Step) (sandbox.Result, error) {
	if h.options.Layers == LayersKernel {
		return h.execKernel(ctx, p, step)
	}
	if h.options.Layers != LayersExtract {
		l := h.serving()
		result, err := h.execOn(ctx, sandbox.Command{Serve: l.serve}, p, step, "scratch")
		if _, ok := h.unserved(err); !ok {
			return result, err
		}
		p.Sandbox = nil // it is used up
	}
	l, err := h.provideExtracted(ctx, "")
	h.layers = l
	if err != nil {
		return sandbox.Result{}, err
	}
	if l.shared {
		return h.execOn(ctx, sandbox.Command{Lower: []string{l.dir}}, p, step, "")
	}
	return h.execOn(ctx, sandbox.Command{Lower: []string{l.dir}}, p, step, "scratch-extracted")
}

// execKernel has the kernel mount the layers.
func (h *Host) execKernel(ctx context.Context, p Program, step manifest.Step) (result sandbox.Result, err error) {
	if h.layers, err = h.provideKernel(ctx); err != nil {
		return result, err
	}
	result, err = h.execOn(ctx, sandbox.Command{Lower: []string{h.layers.dir}, Mounts: h.layers.mounts}, p, step, "scratch")
	return result, errors.Join(h.CheckImage(ctx), err)
}

// execOn runs the program on the layers of c.
func (h *Host) execOn(ctx context.Context, c sandbox.Command, p Program, step manifest.Step, scratch string) (sandbox.Result, error) {
	if p.Terminal != nil {
		if knownTerminal().MatchString(p.Terminal.Kind) {
			step.Env["TERM"] = p.Terminal.Kind
		}
		c.Terminal = p.Terminal.talk
	}
	c.Args = p.Args
	if len(c.Args) == 0 {
		c.Args = []string{"/bin/sh", "-c", "if command -v bash >/dev/null; then exec bash; fi; exec sh"}
	}
	c.Dir, c.Env, c.Net = step.Dir, environ(step, h.manifest.Paper.Date, ""), h.options.Net
	c.Stdin, c.Stdout, c.Stderr = p.Stdin, p.Stdout, p.Stderr
	c.Binds, c.Limits.Disk = sandboxBinds(h.options.Binds), h.options.Disk
	if p.Tools != "" {
		c.Binds = append(c.Binds, sandbox.Bind{Source: p.Tools, Target: ToolsFolder})
		for i, v := range c.Env {
			if value, ok := strings.CutPrefix(v, "PATH="); ok {
				c.Env[i] = "PATH=" + value + ":" + ToolsFolder
			}
		}
	}
	c.WithoutProc = h.options.Isolation == IsolationNoProc
	c.Process = p.Sandbox
	defer h.readAhead(ctx, &c)()
	if scratch != "" {
		c.Scratch = filepath.Join(h.scratch, scratch)
		if err := sandbox.Prepare(c.Scratch); err != nil {
			return sandbox.Result{}, err
		}
		if h.options.Net {
			if err := addResolver(sandbox.Upper(c.Scratch)); err != nil {
				return sandbox.Result{}, err
			}
		}
	}
	return sandbox.Run(ctx, c)
}

// knownTerminal is what TERM may be: it becomes part of file names.
var knownTerminal = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+-]{0,62}$`) })

// talk copies between the person's terminal and the program's.
func (t *Terminal) talk(master *os.File) {
	defer master.Close()
	resize := func() {
		if columns, rows := t.Size(); columns > 0 {
			_ = sandbox.Resize(master, columns, rows)
		}
	}
	resize()
	over := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-t.Resized:
				resize()
			}
		}
	})
	go func() { _, _ = io.Copy(master, t.In) }() // ends with the key after the program's end
	_, _ = io.Copy(t.Out, master)                // an error is how a terminal says that nobody is there
	close(over)
	watch.Wait()
}
