package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func completionCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script of a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: `   repro completion bash >~/.local/share/bash-completion/completions/repro
   repro completion zsh  >~/.zfunc/_repro
   repro completion fish >~/.config/fish/completions/repro.fish`,
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 1 {
				return usagef("completion: name one shell: bash, zsh or fish")
			}
			switch shell := ctx.Args().First(); shell {
			case "bash":
				fmt.Fprint(c.out, bashCompletion)
			case "zsh":
				fmt.Fprint(c.out, zshCompletion)
			case "fish":
				script, err := ctx.App.ToFishCompletion()
				if err != nil {
					return err
				}
				fmt.Fprint(c.out, script)
			default:
				return usagef("completion: %q is not a shell that is known: bash, zsh or fish", shell)
			}
			return nil
		},
	}
}

func manCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:        "man",
		Usage:       "print the manual page",
		Description: "   repro man | man -l -",
		Action: func(ctx *cli.Context) error {
			page, err := ctx.App.ToManWithSection(1)
			if err != nil {
				return err
			}
			fmt.Fprint(c.out, page)
			return nil
		},
	}
}

// The program itself is asked for the words that fit; file names fit where it
// has none.
const bashCompletion = `_repro() {
	local cur words
	cur="${COMP_WORDS[COMP_CWORD]}"
	words=("${COMP_WORDS[@]:0:COMP_CWORD}")
	[[ "$cur" == -* ]] && words+=("$cur")
	mapfile -t COMPREPLY < <(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur")
}
complete -o bashdefault -o default -F _repro repro
`

const zshCompletion = `#compdef repro
_repro() {
	local -a words_that_fit
	local cur="${words[CURRENT]}"
	if [[ "$cur" == -* ]]; then
		words_that_fit=("${(@f)$(${words[@]:0:#words[@]-1} ${cur} --generate-bash-completion 2>/dev/null)}")
	else
		words_that_fit=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
	fi
	if [[ -n "${words_that_fit[1]}" ]]; then
		_describe 'repro' words_that_fit
	else
		_files
	fi
}
compdef _repro repro
`
