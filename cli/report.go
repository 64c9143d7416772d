package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"repro/format/manifest"
	"repro/report"
	"repro/report/codecheck"
	"repro/report/view"
	"repro/run/folder"
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
   repro report paper.run --codecheck >codecheck.yml    # says which rules are not met yet
   repro report paper.run --codecheck --json            # the rules alone
   repro report paper.run --aea`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "markdown", Usage: "a summary for a pull request or an editor's mail (default)"},
			&cli.BoolFlag{Name: "codecheck", Usage: "codecheck.yml, as CODECHECK asks for it"},
			&cli.BoolFlag{Name: "aea", Usage: "the findings of a replicator's report to the AEA's data editor"},
			&cli.BoolFlag{Name: "acm", Usage: "evidence for the ACM's artifact badges"},
			&cli.BoolFlag{Name: "junit", Usage: "JUnit XML, for continuous integration"},
			&cli.StringSliceFlag{Name: "operator", Usage: "say in the form that `NAME` checked, perhaps with an ORCID iD: 'Ada Lovelace <0000-0002-1825-0097>' (default: that of the run)"},
			&cli.StringFlag{Name: "summary", Usage: "say in `TEXT` what came out"},
			&cli.StringFlag{Name: "conflicts", Usage: "declare your conflicts of interest in `TEXT`"},
			&cli.StringFlag{Name: "certificate", Usage: "with --codecheck: the register's `NUMBER`, YYYY-NNN"},
			&cli.StringFlag{Name: "published", Usage: "with --codecheck: the certificate's `ADDRESS`, its DOI"},
			&cli.StringFlag{Name: "repository", Usage: "with --codecheck: the `ADDRESS` of the material"},
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
	for _, f := range reportForms {
		if ctx.Bool(f) {
			form, asked = f, asked+1
		}
	}
	if ctx.Bool("json") && form != "codecheck" {
		form, asked = "json", asked+1
	}
	if asked > 1 {
		return usagef("report: ask for one form")
	}
	r, err := readRun(name)
	if err != nil {
		return err
	}
	said := saidInForm(ctx, r)
	switch form {
	case "codecheck":
		return c.codecheck(ctx, name, r, said)
	case "aea":
		return view.AEA(c.out, r, said)
	case "acm":
		return view.ACM(c.out, r, said)
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
	b, err := readBounded(name, manifest.MaxDocument)
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

// saidInForm is what the flags of ctx, or else the run, say of who checked.
func saidInForm(ctx *cli.Context, r *report.Run) view.Said {
	said := view.Said{
		Summary: ctx.String("summary"), Conflicts: ctx.String("conflicts"), Certificate: ctx.String("certificate"),
		Report: ctx.String("published"), Repository: ctx.String("repository"),
	}
	for _, text := range ctx.StringSlice("operator") {
		if a := operator(text); a != nil {
			said.By = append(said.By, *a)
		}
	}
	if said.By == nil && r.By != nil {
		said.By = []manifest.Author{*r.By}
	}
	return said
}

// codecheck writes codecheck.yml, and tells which rules it does not meet.
func (c *console) codecheck(ctx *cli.Context, dir string, r *report.Run, said view.Said) error {
	var out bytes.Buffer
	if err := view.Codecheck(&out, r, said); err != nil {
		return err
	}
	var files fs.FS
	if root, err := outputsOf(dir); err == nil {
		files = root
	}
	rules := codecheck.Check("codecheck.yml", out.Bytes(), files)
	if ctx.Bool("json") {
		return c.printJSON(rules)
	}
	if _, err := c.out.Write(out.Bytes()); err != nil {
		return err
	}
	for _, rule := range rules {
		switch {
		case rule.Met:
		case rule.Person:
			c.note("for you to fill in: %s (%s): %s", rule.ID, rule.Severity, rule.Asks)
		default:
			c.note("%s (%s): %s: %s", rule.ID, rule.Severity, rule.Asks, rule.Found)
		}
	}
	return nil
}

// outputsOf is the folder of what a run left, if it is there.
func outputsOf(name string) (fs.FS, error) {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		name = filepath.Dir(name)
	}
	root := filepath.Join(name, folder.Outputs)
	info, err := os.Stat(root)
	if err == nil && !info.IsDir() {
		err = fs.ErrNotExist
	}
	return os.DirFS(root), err
}
