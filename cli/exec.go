package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"repro/engine/local"
	"repro/verify"
)

func execCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "exec",
		Usage:     "run one program of an image, isolated as its steps are",
		ArgsUsage: "IMAGE -- COMMAND [ARG...]",
		Description: `The program sees what steps see, and has the variables that all of them have, or those
of the step that --step names, which it then starts in place of. What it writes is gone when it ends, but for what
--bind :rw lets it write. The exit status is the program's own, 128 and a signal's
number if that ended it; where repro itself fails, a line that begins with
"repro: error" says so.

   repro exec paper.sif -- python3 --version
   repro exec --step fit paper.sif -- env
   repro exec --bind "$PWD:/mnt:rw" paper.sif -- cp -r /paper/data /mnt
   repro exec oci://registry.example.org/lab/paper:1 -- ls -l    # reads what it needs`,
		Flags: []cli.Flag{keyFlag, execStepFlag, bindFlag, networkFlag, dirFlag, layersFlag, keepLayersFlag, scratchFlag, diskFlag, isolationFlag, plainHTTPFlag},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() < 2 {
				return usagef("exec: name one image and, after --, a command")
			}
			return c.exec(ctx, ctx.Args().First(), ctx.Args().Tail())
		},
	}
}

func shellCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "shell",
		Usage:     "look around in an image",
		ArgsUsage: "IMAGE",
		Description: `Starts the image's shell where its steps start. It sees what they see; what you
write is gone when you leave. The exit status is the shell's. Small tools that the
image has not (ls, grep, vi) are those of this machine's busybox, if it has one that is
linked statically: they stand last in PATH, in /.repro-tools, and are no part of the
image; --no-tools leaves them out.

   repro shell paper.sif
   repro shell --step fit paper.sif     # with its variables, where it starts`,
		Flags: []cli.Flag{keyFlag, execStepFlag, bindFlag, networkFlag, dirFlag, layersFlag, keepLayersFlag, scratchFlag, diskFlag, isolationFlag, plainHTTPFlag,
			&cli.BoolFlag{Name: "no-tools", Usage: "show nothing but what the image has"}},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 1 {
				return usagef("shell: name one image")
			}
			return c.exec(ctx, ctx.Args().First(), nil)
		},
	}
}

// exec runs args, or a shell, in the image called name.
func (c *console) exec(ctx *cli.Context, name string, args []string) error {
	collectLate()
	binds, err := readBinds(ctx.StringSlice("bind"))
	if err != nil {
		return err
	}
	disk, err := sizeOf(ctx, "disk")
	if err != nil {
		return err
	}
	ahead := local.Begin(ctx.Bool("network"))
	defer ahead.Close()
	image, err := c.open(ctx, name, false)
	if err != nil {
		return err
	}
	defer image.Close()
	if _, err := c.verifyOnRead(ctx, image.Image, image.beside()...); err != nil &&
		!(errors.Is(err, verify.ErrNotSigned) && len(ctx.StringSlice("key")) == 0) {
		return image.explain(err)
	}
	program := local.Program{
		Args: args, Step: ctx.String("step"), Dir: ctx.String("dir"), Scratch: ctx.String("scratch"),
		Stdin: c.in, Stdout: c.out, Stderr: c.err, Sandbox: ahead,
	}
	if len(args) == 0 && !ctx.Bool("no-tools") {
		dir, err := smallTools("busybox")
		if err == nil {
			defer os.RemoveAll(dir)
			program.Tools = dir
			c.note("small tools that the image has not are this machine's busybox, no part of the image")
		}
	}
	options := local.Options{
		Net: ctx.Bool("network"), Binds: binds, Disk: disk, Isolation: local.Isolation(ctx.String("isolation")),
		Layers: local.Layers(ctx.String("layers")), NoCache: !ctx.Bool("keep-layers"),
	}
	if terminal, restore, err := c.terminal(); err != nil {
		return err
	} else if terminal != nil {
		defer restore()
		program.Terminal = terminal
	}
	status, err := local.Exec(ctx.Context, image.Image, program, options)
	if errors.Is(err, local.ErrNoStep) {
		return usagef("%w", err)
	}
	if err == nil && status != 0 {
		return programStatus(status)
	}
	return image.explain(err)
}

// programStatus is how a program of an image ended that is not repro's affair.
type programStatus int

func (s programStatus) Error() string { return fmt.Sprintf("the program ended with status %d", int(s)) }

// terminal returns the terminal at which a person sits, ready to be copied to
// and from, or nil if nobody does.
func (c *console) terminal() (t *local.Terminal, restore func(), err error) {
	in, isFile := c.in.(*os.File)
	if !isFile || !isTerminal(in) || !isTerminal(c.out) {
		return nil, nil, nil
	}
	out := c.out.(*os.File)
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, nil, err
	}
	resized := make(chan os.Signal, 1)
	notifyResize(resized)
	t = &local.Terminal{
		In: in, Out: out, Kind: os.Getenv("TERM"), Resized: resized,
		Size: func() (int, int) {
			columns, rows, err := term.GetSize(int(out.Fd()))
			if err != nil {
				return 0, 0
			}
			return columns, rows
		},
	}
	return t, func() {
		signal.Stop(resized)
		_ = term.Restore(int(in.Fd()), before)
	}, nil
}
