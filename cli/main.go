// Package cli is the command line: one file a command, which reads its flags,
// calls one library function, prints the report and chooses the exit status.
//
// Exit statuses, the same for every command: 0 done, 1 failed, 2 wrong usage,
// 3 not signed by whom was asked, 4 altered or malformed, 5 ran but results
// differ, 6 a step of the image failed, 7 this machine cannot run it, 130
// interrupted.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

// Main runs the command line args, whose first element is the program's name,
// and returns its exit status.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return play(ctx, args, &console{in: stdin, out: stdout, err: stderr})
}

// play is Main without the process: demo calls it for each command it shows.
func play(ctx context.Context, args []string, c *console) int {
	app := newApp(c)
	err := app.RunContext(ctx, permute(app, args))
	c.finishProgress()
	if err == nil {
		return statusDone
	}
	status := exitStatus(ctx, err)
	c.printError(err, status)
	return status
}

func newApp(c *console) *cli.App {
	cli.VersionPrinter = func(*cli.Context) { fmt.Fprintln(c.out, "repro", version()) }
	app := &cli.App{
		Name:        "repro",
		Usage:       "make published computational results verifiable and re-runnable",
		Description: appDescription,
		Version:     version(),
		Reader:      c.in,
		Writer:      c.out,
		ErrWriter:   c.err,
		Suggest:     true,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no progress and no hints on standard error", DisableDefaultText: true, Destination: &c.quiet},
			&cli.StringFlag{Name: "color", Usage: "`WHEN` to use colour: auto, always or never", Value: "auto", Destination: &c.color},
		},
		Before: func(*cli.Context) error { return c.chooseColor() },
		Commands: []*cli.Command{
			captureCommand(c), initCommand(c), checkCommand(c), buildCommand(c), calibrateCommand(c), keyCommand(c), signCommand(c), timestampCommand(c), exportSignatureCommand(c),
			verifyCommand(c), runCommand(c), attestCommand(c), reportCommand(c), doctorCommand(c), compareCommand(c), inspectCommand(c), diffCommand(c),
			lsCommand(c), catCommand(c), extractCommand(c), mountCommand(c), exportCommand(c),
			execCommand(c), shellCommand(c), archiveCommand(c), depositCommand(c), pushCommand(c), pullCommand(c), fetchCommand(c), submitCommand(c), schemaCommand(c), demoCommand(c), completionCommand(c), manCommand(c),
			versionCommand(c), selfVerifyCommand(c),
		},
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true,
		HideHelpCommand:           true,
		OnUsageError:              onUsageError,
		ExitErrHandler:            func(*cli.Context, error) {}, // play prints and chooses the status
		Action:                    unknownCommand,
	}
	for _, command := range app.Commands {
		finishCommand(command)
	}
	return app
}

// finishCommand gives command and those below it what all have in common.
func finishCommand(command *cli.Command) {
	command.OnUsageError = onUsageError
	command.HideHelpCommand = true
	for _, f := range command.Flags {
		if b, ok := f.(*cli.BoolFlag); ok {
			b.DisableDefaultText = true // "default: false" tells nobody anything
		}
	}
	for _, sub := range command.Subcommands {
		finishCommand(sub)
	}
	if len(command.Subcommands) > 0 {
		command.Action = unknownCommand
	}
}

func onUsageError(_ *cli.Context, err error, _ bool) error {
	return usageError{err}
}

// unknownCommand is reached when no command's name was given, or a wrong one.
func unknownCommand(ctx *cli.Context) error {
	name := ctx.Args().First()
	if name == "" {
		if ctx.App.Name != "repro" || ctx.Command.Name != "repro" {
			return cli.ShowSubcommandHelp(ctx)
		}
		return cli.ShowAppHelp(ctx)
	}
	commands := ctx.Command.Subcommands
	if len(commands) == 0 {
		commands = ctx.App.Commands
	}
	if name == "help" {
		return usagef("help is asked for with --help: repro COMMAND --help")
	}
	if near := cli.SuggestCommand(commands, name); near != "" {
		return usagef("%q is not a command: did you mean %s?", name, strings.TrimSuffix(strings.TrimPrefix(near, "Did you mean "), "?"))
	}
	return usagef("%q is not a command", name)
}

const appDescription = `An author builds an image of an experiment, environment, code, data, steps and
published results in one file, and signs it. A reviewer verifies it, re-runs it
without root, daemon or network, and is told whether the published results came
out again.

   author:    repro init && repro build -o paper.sif
              repro key new alice && repro sign --key alice.key paper.sif
   reviewer:  repro verify --key alice.pub paper.sif
              repro run --key alice.pub paper.sif

See it work: repro demo

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not signed by whom was asked,
4 altered or malformed, 5 ran but results differ, 6 a step failed, 7 this
machine cannot run it, 130 interrupted.`
