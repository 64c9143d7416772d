package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/engine"
	"repro/engine/slurm"
	"repro/format"
	"repro/format/pieces"
	"repro/run"
)

// exportPieces adds an image to a folder as a list of pieces: a piece for each
// object, so that images share those that they have in common.
func (c *console) exportPieces(ctx *cli.Context, name, to string) error {
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	if _, err := image.Check(ctx.Context, format.CheckOptions{Progress: c.progress()}); err != nil {
		return err
	}
	var cuts []int64
	for _, o := range image.Objects() {
		cuts = append(cuts, o.Offset, o.Offset+o.Size)
	}
	return pieces.Write(ctx.Context, to, filepath.Base(name), image.Bytes(), image.Size(), cuts)
}

// exportScripts writes batch scripts for Slurm.
func (c *console) exportScripts(ctx *cli.Context, name, to string) error {
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	absolute, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	folder := strings.TrimSuffix(absolute, ".sif") + ".run"
	jobs, err := run.Jobs(image, run.Options{Dir: folder, Version: version()}, func(step, folder string) []string {
		return []string{self, "run", "--only=" + step, "--from=" + folder, absolute}
	})
	if err != nil {
		return err
	}
	collect := &engine.Job{Name: "collect", Args: []string{self, "run", "--collect=" + folder, absolute}}
	scripts, err := slurm.Scripts(jobs, collect)
	if err != nil {
		return err
	}
	return intoFolder(to, func(dir string) error {
		for _, s := range scripts {
			if err := os.WriteFile(filepath.Join(dir, s.Name), []byte(s.Text), 0o777); err != nil {
				return err
			}
		}
		return nil
	})
}
