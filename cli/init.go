package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"repro/internal/atomicfile"
	"repro/recipe"
	"repro/recipe/draft"
)

func initCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a commented recipe from what is in the folder",
		ArgsUsage: "[FOLDER]",
		Description: `Writes repro.yaml from what is there: whose work it is by codecheck.yml,
CITATION.cff, .zenodo.json, codemeta.json, DESCRIPTION, pyproject.toml, README or
LICENSE; an environment that lies in the folder; commands by a Makefile, Snakefile,
run.sh, the README, documents or scripts; and results. A comment at each line says
where it comes from. What it cannot know stays a placeholder, which check names.

   repro init
   repro init paper/ --force`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Usage: "replace a recipe that is there"},
		},
		Action: func(ctx *cli.Context) error {
			dir, err := oneArgument(ctx, ".", "init: name one folder at most")
			if err != nil {
				return err
			}
			name := filepath.Join(dir, recipe.FileName)
			if _, err := os.Lstat(name); !ctx.Bool("force") && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s: exists already; --force replaces it", name)
			}
			d, err := draft.Folder(dir, draftOptions())
			if err != nil {
				return err
			}
			if err := atomicfile.Write(name, d.Text, 0o666); err != nil {
				return err
			}
			fmt.Fprintln(c.out, name)
			for _, note := range d.Notes {
				c.note("%s", note)
			}
			c.note("look through %s, then: repro check", name)
			return nil
		},
	}
}

// draftOptions let a first recipe know who works here, and what a program's
// name means.
func draftOptions() draft.Options {
	home, _ := os.UserHomeDir() // without one, git's settings are not read
	return draft.Options{Home: home, Path: os.Getenv("PATH")}
}

// oneArgument returns the only argument, or otherwise if there is none.
func oneArgument(ctx *cli.Context, otherwise, message string) (string, error) {
	if ctx.NArg() > 1 || ctx.NArg() == 0 && otherwise == "" {
		return "", usagef("%s", message)
	}
	if ctx.NArg() == 0 {
		return otherwise, nil
	}
	return ctx.Args().First(), nil
}
