package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"repro/build"
	"repro/recipe"
)

func checkCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "say what is wrong with an experiment before an image is built of it",
		ArgsUsage: "[FOLDER]",
		Description: `Does what build does up to the point where an image would be written: reads the
recipe and lists what it names, and says all at once what build would refuse, and
what is likely a mistake: each with the line that mends it. Status 1 if build
would refuse.

   repro check
   repro check paper/ --recipe paper/short.yaml
   repro check --json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "recipe", Aliases: []string{"f"}, Usage: "read the recipe from `FILE` (default: repro.yaml in the folder)"},
			draftFlag,
			jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			dir, err := oneArgument(ctx, ".", "check: name one folder at most")
			if err != nil {
				return err
			}
			return c.check(ctx, dir)
		},
	}
}

var draftFlag = &cli.BoolFlag{Name: "draft", Usage: "let placeholders for title and authors pass; an image of it is marked as a draft, which sign and archive refuse"}

// checked is what check found, as JSON.
type checked struct {
	Version  int       `json:"version"`
	Recipe   string    `json:"recipe"`
	Problems []finding `json:"problems"` // build refuses
	Warnings []finding `json:"warnings"`
}

type finding struct {
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
}

func (c *console) check(ctx *cli.Context, dir string) error {
	r, text, err := readRecipe(ctx.String("recipe"), dir)
	found := checked{Version: 1, Problems: []finding{}, Warnings: []finding{}}
	if err == nil {
		found.Recipe = r.Name
		var date string
		if date, err = sourceDate(); err != nil {
			return err
		}
		err = build.Check(ctx.Context, build.Options{
			Recipe: r, RecipeBytes: text, Dir: dir, Date: date, Draft: ctx.Bool("draft"),
			Warn: func(p recipe.Problem) { found.Warnings = append(found.Warnings, asFinding(p)) },
			Path: os.Getenv("PATH"), OCI: c.openOCI, Progress: c.progress(),
		})
	}
	var wrong *recipe.Error
	if err != nil && !errors.As(err, &wrong) {
		return err
	}
	c.finishProgress()
	if wrong != nil {
		found.Recipe = wrong.Name
		for _, p := range wrong.Problems {
			found.Problems = append(found.Problems, asFinding(p))
		}
	}
	if ctx.Bool("json") {
		if err := c.printJSON(found); err != nil || wrong == nil {
			return err
		}
		return errTold
	}
	for _, w := range found.Warnings {
		c.note("warning: %s", w.in(found.Recipe))
	}
	if wrong != nil {
		return wrong
	}
	fmt.Fprintf(c.out, "%s: nothing that build would refuse\n", found.Recipe)
	return nil
}

func asFinding(p recipe.Problem) finding {
	return finding{Line: p.Pos.Line, Column: p.Pos.Column, Text: p.Text}
}

// in says what was found, and where in the recipe.
func (f finding) in(name string) string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", name, f.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", name, f.Line, f.Column, f.Text)
}
