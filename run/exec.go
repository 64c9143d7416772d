package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/sandbox"
)

// ExecOptions say what a person wants to do in an image.
type ExecOptions struct {
	Args      []string // the program; empty: a shell
	Dir       string   // where it starts; empty: /paper
	Net       bool     // let it use the machine's network
	Binds     []Bind   // files of the machine's that it sees
	Layers    Layers
	Scratch   string    // as in Options
	Isolation Isolation // as in Options
	Disk      int64     // bytes that it may write there; 0: what the disk has, less a reserve
	Keep      bool      // keep layers that are extracted in the user's cache, within its default size

	Stdin          io.Reader // nil: empty
	Stdout, Stderr io.Writer
	Terminal       *Terminal // in place of all three

	Sandbox *Sandbox // begun with the same Net; nil: one is begun when it is needed
}

// Sandbox is one that waits for a program.
type Sandbox = sandbox.Process

// Begin starts a sandbox while its image is still being verified. It must be
// closed.
func Begin(net bool) *Sandbox { return sandbox.Begin(net) }

// Bind shows a file or directory of the machine's to programs.
type Bind struct {
	Source string // absolute
	Target string // absolute, in the image
	Write  bool
}

// String is the bind as a command line has it.
func (b Bind) String() string {
	if b.Write {
		return b.Source + ":" + b.Target + ":rw"
	}
	return b.Source + ":" + b.Target
}

func bindTexts(binds []Bind) (texts []string) {
	for _, b := range binds {
		texts = append(texts, b.String())
	}
	return texts
}

func sandboxBinds(binds []Bind) (out []sandbox.Bind) {
	for _, b := range binds {
		out = append(out, sandbox.Bind(b))
	}
	return out
}

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
// status, or 128 and the number of the signal that ended it. Errors are those
// of [Image], and those about a program that could not be started.
func Exec(ctx context.Context, im *format.Image, o ExecOptions) (int, error) {
	m, err := im.Manifest()
	if err != nil {
		return 0, err
	}
	r := &runner{image: im, manifest: m, damaged: make(chan error, 1),
		options: Options{Layers: o.Layers, Net: o.Net, Isolation: o.Isolation, NoCache: !o.Keep}}
	if r.id, err = im.ContentID(); err != nil {
		return 0, err
	}
	if err := otherMachine(im, m); err != nil {
		return 0, err
	}
	defer r.cleanUp()
	if r.scratch, err = os.MkdirTemp(o.Scratch, "repro-exec-"); err != nil {
		return 0, fmt.Errorf("scratch directory: %w", err)
	}
	if err := checkBinds(o.Binds, map[string]string{r.scratch: "what the program writes"}); err != nil {
		return 0, err
	}
	if err := r.shape(nil); err != nil {
		return 0, err
	}
	result, err := r.exec(ctx, o)
	select {
	case damage := <-r.damaged:
		return 0, damage
	default:
	}
	if err != nil {
		return 0, machineError(r.diskError(err))
	}
	return result.Status(), nil
}

// exec starts at once where layers are served: that is the trial too.
func (r *runner) exec(ctx context.Context, o ExecOptions) (sandbox.Result, error) {
	if o.Layers == LayersKernel {
		return r.execKernel(ctx, o)
	}
	if o.Layers != LayersExtract {
		l, err := r.serving()
		if err != nil {
			return sandbox.Result{}, err
		}
		result, err := r.execOn(ctx, sandbox.Command{Serve: l.serve}, o, "scratch")
		if _, ok := r.unserved(err); !ok {
			return result, err
		}
		o.Sandbox = nil // it is used up
	}
	l, err := r.provideExtracted(ctx, "")
	r.layers = l
	if err != nil {
		return sandbox.Result{}, err
	}
	if l.shared {
		return r.execOn(ctx, sandbox.Command{Lower: []string{l.root}}, o, "")
	}
	return r.execOn(ctx, sandbox.Command{Lower: []string{l.root}}, o, "scratch-extracted")
}

// execKernel has the kernel mount the layers.
func (r *runner) execKernel(ctx context.Context, o ExecOptions) (result sandbox.Result, err error) {
	if r.layers, err = r.provideKernel(ctx); err != nil {
		return result, err
	}
	result, err = r.execOn(ctx, sandbox.Command{Lower: []string{r.layers.root}, Mounts: r.layers.mounts}, o, "scratch")
	return result, errors.Join(r.stillWhole(ctx), err)
}

// execOn runs the program on the layers of c.
func (r *runner) execOn(ctx context.Context, c sandbox.Command, o ExecOptions, scratch string) (sandbox.Result, error) {
	step := manifest.Step{Dir: o.Dir, Env: map[string]string{}}
	if step.Dir == "" {
		step.Dir = "/paper"
	}
	if o.Terminal != nil {
		if knownTerminal().MatchString(o.Terminal.Kind) {
			step.Env["TERM"] = o.Terminal.Kind
		}
		c.Terminal = o.Terminal.talk
	}
	c.Args = o.Args
	if len(c.Args) == 0 {
		c.Args = []string{"/bin/sh", "-c", "if command -v bash >/dev/null; then exec bash; fi; exec sh"}
	}
	c.Dir, c.Env, c.Net = step.Dir, environ(step, r.manifest.Paper.Date, ""), o.Net
	c.Stdin, c.Stdout, c.Stderr = o.Stdin, o.Stdout, o.Stderr
	c.Binds, c.Limits.Disk = sandboxBinds(o.Binds), o.Disk
	c.WithoutProc = o.Isolation == IsolationNoProc
	c.Process = o.Sandbox
	defer r.warm(ctx, &c)()
	if scratch != "" {
		c.Scratch = filepath.Join(r.scratch, scratch)
		if err := sandbox.Prepare(c.Scratch); err != nil {
			return sandbox.Result{}, err
		}
		if o.Net {
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

// otherMachine refuses an image that was made for another kind of processor.
func otherMachine(im *format.Image, m *manifest.Manifest) error {
	if m.Arch == runtime.GOARCH {
		return nil
	}
	return &MachineError{Err: fmt.Errorf("%s: made for %s, this machine is %s", im.Name(), m.Arch, runtime.GOARCH)}
}
