package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"repro/format/manifest"
	"repro/report"
	"repro/report/view"
)

// reportForms are what report can write, by flag.
var reportForms = []string{"markdown", "codecheck", "aea", "acm", "junit"}

func reportCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "write what a run found in the form that a journal or a committee asks for",
		ArgsUsage: "RUN",
		Description: `Reads report.json from the folder that run left, and fills in what a program can
know. What people must say is left open.

   repro run paper.sif && repro report paper.run --markdown
   repro report paper.run --codecheck > codecheck.yml
   repro report paper.run --aea`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "markdown", Usage: "a summary for a pull request or an editor's mail (default)"},
			&cli.BoolFlag{Name: "codecheck", Usage: "codecheck.yml, as CODECHECK asks for it"},
			&cli.BoolFlag{Name: "aea", Usage: "the findings of a replicator's report to the AEA's data editor"},
			&cli.BoolFlag{Name: "acm", Usage: "evidence for the ACM's artifact badges"},
			&cli.BoolFlag{Name: "junit", Usage: "JUnit XML, for continuous integration"},
			jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "report: name the folder of one run")
			if err != nil {
				return err
			}
			return c.report(ctx, name)
		},
	}
}

func (c *console) report(ctx *cli.Context, name string) error {
	form, asked := "markdown", 0
	for _, f := range append(reportForms, "json") {
		if ctx.Bool(f) {
			form, asked = f, asked+1
		}
	}
	if asked > 1 {
		return usagef("report: ask for one form")
	}
	r, err := readRun(name)
	if err != nil {
		return err
	}
	switch form {
	case "codecheck":
		return view.Codecheck(c.out, r)
	case "aea":
		return view.AEA(c.out, r)
	case "acm":
		return view.ACM(c.out, r)
	case "junit":
		return view.JUnit(c.out, r.Findings)
	case "json":
		return c.printJSON(r)
	}
	return view.Markdown(c.out, r)
}

// readRun reads the report that run left in a folder, or that file itself.
func readRun(name string) (*report.Run, error) {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, "report.json")
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var r report.Run
	if err := manifest.Unmarshal(bytes.TrimSuffix(b, []byte("\n")), &r); err != nil {
		return nil, fmt.Errorf("%s: not the report of a run: %w", name, err)
	}
	if r.Version != report.Version {
		return nil, fmt.Errorf("%s: version %d of the report is not known to this program", name, r.Version)
	}
	return &r, nil
}
