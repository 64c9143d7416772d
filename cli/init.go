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
)

func initCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "write a commented recipe from what is in the folder",
		ArgsUsage: "[FOLDER]",
		Description: `Looks for programs, data and results, and writes repro.yaml for you to correct.

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
			text, err := recipe.Init(dir)
			if err != nil {
				return err
			}
			if err := atomicfile.Write(name, text, 0o666); err != nil {
				return err
			}
			fmt.Fprintln(c.out, name)
			c.note("look through %s, then: repro build -o paper.sif", name)
			return nil
		},
	}
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
