package cli

import (
	"path/filepath"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/internal/atomicfile"
	"repro/run/plan"
	"repro/run/shared"
	"repro/run/workflow"
)

func (c *console) exportCWL(ctx *cli.Context, name, to string) error {
	return c.exportWorkflow(name, to, workflow.Steps.CWL)
}

func (c *console) exportSnakefile(ctx *cli.Context, name, to string) error {
	return c.exportWorkflow(name, to, func(s workflow.Steps) ([]byte, error) { return s.Snakemake(), nil })
}

// exportWorkflow writes the steps of an image for another workflow engine.
func (c *console) exportWorkflow(name, to string, write func(workflow.Steps) ([]byte, error)) error {
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	m, err := image.Manifest()
	if err != nil {
		return err
	}
	p, err := plan.New(m.Steps, nil)
	if err != nil {
		return err
	}
	s := workflow.Steps{Title: m.Paper.Title, Image: filepath.ToSlash(name), Steps: p.Steps, Needs: p.Needs}
	for _, step := range p.Steps {
		s.Paths = append(s.Paths, shared.FolderOf(step.Name))
	}
	if rel, err := relativeTo(filepath.Dir(to), name); err == nil {
		s.Image = filepath.ToSlash(rel) // as seen from the file that is written
	}
	b, err := write(s)
	if err != nil {
		return err
	}
	return atomicfile.Write(to, b, 0o666)
}

// relativeTo returns how name is reached from a folder.
func relativeTo(folder, name string) (string, error) {
	from, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.Rel(from, to)
}
