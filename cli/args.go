package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// permute moves the flags of a command in front of its other arguments, for
// urfave/cli hands everything behind the first plain argument to the command
// as it is, flags too. Which flags take a value is read from the command's own
// table. Arguments behind "--" stay as they are.
func permute(app *cli.App, args []string) []string {
	if len(args) == 0 || slices.Contains(args, "--generate-bash-completion") {
		return args
	}
	out, rest := []string{args[0]}, args[1:]
	table, commands := app.Flags, app.Commands
	var known *cli.Command
	for {
		var before []string
		before, rest = takeFlags(table, rest)
		out = append(out, before...)
		command := findCommand(commands, rest)
		if command == nil {
			break
		}
		known = command
		out, rest = append(out, rest[0]), rest[1:]
		table, commands = command.Flags, command.Subcommands
	}
	if len(rest) > 0 && (known == nil || len(known.Subcommands) > 0) {
		return append(append(out, "--"), rest...) // not a command: nothing is known of its flags
	}
	var plain []string
	for len(rest) > 0 && rest[0] != "--" {
		plain = append(plain, rest[0])
		var flags []string
		flags, rest = takeFlags(table, rest[1:])
		out = append(out, flags...)
	}
	if len(rest) > 0 {
		plain = append(plain, rest[1:]...) // behind "--"
	}
	if len(plain) > 0 {
		out = append(append(out, "--"), plain...)
	}
	return out
}

// takeFlags splits the flags at the front of args, with their values, from
// the rest.
func takeFlags(table []cli.Flag, args []string) (flags, rest []string) {
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" || arg == "-" || !strings.HasPrefix(arg, "-") {
			break
		}
		n := 1
		if !strings.Contains(arg, "=") && takesValue(table, strings.TrimLeft(arg, "-")) {
			n = min(2, len(args))
		}
		flags, args = append(flags, args[:n]...), args[n:]
	}
	return flags, args
}

func takesValue(table []cli.Flag, name string) bool {
	for _, f := range table {
		if d, ok := f.(cli.DocGenerationFlag); ok && slices.Contains(f.Names(), name) {
			return d.TakesValue()
		}
	}
	return false
}

func findCommand(commands []*cli.Command, args []string) *cli.Command {
	for _, c := range commands {
		if len(args) > 0 && c.HasName(args[0]) {
			return c
		}
	}
	return nil
}
