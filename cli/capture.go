package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"repro/capture"
	"repro/capture/observe"
	"repro/compare"
	"repro/format/manifest"
	"repro/internal/atomicfile"
	"repro/recipe"
)

func captureCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "capture",
		Usage:     "run the experiment as it is, and write the recipe of it",
		ArgsUsage: "-- COMMAND [ARG...]",
		Description: `Runs the command in this folder as you run it, and watches: which files it reads,
which programs it starts, what it writes. Out come repro.yaml, the recipe, and
repro.capture.json, the record, from which repro build takes the environment.

   repro capture -- python3 analysis.py && repro build -o paper.sif
   repro capture --step clean -- Rscript clean.R raw/       # several commands are
   repro capture --step fit   -- make figures               # several steps
   repro capture --whole-packages -- .venv/bin/python fit.py

Results that were there before are taken as published: if the command's new ones
differ, the old stay, and the new are set aside in repro.new/; --replace takes the
new. Keys, tokens and the like are never taken; what was left out is listed, with
the line that would include it. A command that fails is recorded, but no recipe is
written. The exit status is the command's own, 128 and a signal's number if that
ended it; where repro itself fails, a line that begins with "repro: error" says so.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "step", Usage: "call the step `NAME`; an earlier capture of that name is replaced", Value: "all"},
			&cli.BoolFlag{Name: "whole-packages", Usage: "have the image take the packages whole that own what was read, with those that they depend on, so that other inputs work too"},
			&cli.BoolFlag{Name: "replace", Usage: "let results that were there before give way to new ones that differ"},
			&cli.StringSliceFlag{Name: "write", Usage: "let the command write to `FOLDER` too, besides this one, the home folder and /tmp"},
			&cli.StringFlag{Name: "watch", Usage: "watch in one `WAY`: view (a view of this machine's files) or calls (its system calls)", DefaultText: "view where this machine offers it"},
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() == 0 {
				return usagef("capture: name a command after --")
			}
			if way := ctx.String("watch"); way != "" && way != string(observe.View) && way != string(observe.Calls) {
				return usagef("--watch %q: want %s or %s", way, observe.View, observe.Calls)
			}
			return c.capture(ctx, ctx.Args().Slice())
		},
	}
}

func (c *console) capture(ctx *cli.Context, args []string) error {
	if err := recipe.CheckName(ctx.String("step")); err != nil {
		return usagef("--step %q: %w", ctx.String("step"), err)
	}
	old, err := os.ReadFile(recipe.FileName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if old != nil { // better now than after hours
		if _, err := recipe.Parse(recipe.FileName, old); err != nil {
			return err
		}
	}
	collectForBuilding()
	result, err := capture.Run(ctx.Context, capture.Options{
		Command: args, Folder: ".", Step: ctx.String("step"), Env: os.Environ(), Way: observe.Way(ctx.String("watch")),
		Writable: ctx.StringSlice("write"), Replace: ctx.Bool("replace"),
		Stdin: c.in, Stdout: c.out, Stderr: c.err, Compare: reproduces,
	})
	if err != nil {
		return err
	}
	c.noteCapture(result)
	c.noteOutside(result)
	if status := result.Status; status != 0 {
		c.note("the command failed: what it did is in %s; the recipe is as it was", capture.FailedName)
		return programStatus(status)
	}
	captured := result.Record.Draft(ctx.Bool("whole-packages"))
	captured.Day = time.Now()
	var text []byte
	if old == nil {
		text, err = captured.Draft(".", draftOptions())
	} else {
		text, err = captured.Extend(recipe.FileName, old)
	}
	if err != nil {
		return err
	}
	if err := atomicfile.Write(recipe.FileName, text, 0o666); err != nil {
		return err
	}
	next := "then: repro build -o paper.sif"
	if r, err := recipe.Parse(recipe.FileName, text); err == nil && len(r.Placeholders()) > 0 {
		next = "write its title and authors, then: repro build -o paper.sif; --draft builds it as it is"
	}
	if left := result.Record.NotResults(); len(left) > 0 {
		c.note("not taken for results: %s: name under results in %s what is one", someOf(left), recipe.FileName)
	}
	c.note("%s: %s, %s; %s", recipe.FileName, plural(len(captured.Steps), "step"), plural(len(captured.Results), "result"), next)
	return nil
}

// reproduces reports whether a new file reproduces the one that was there.
func reproduces(ctx context.Context, name, before, after string) bool {
	named := func(file string) compare.File { // kinds are told by names, which copies have not
		dir, base := filepath.Split(file)
		return compare.File{FS: renamed{os.DirFS(dir), base, filepath.Base(name)}, Name: filepath.Base(name)}
	}
	f, err := compare.Files(ctx, named(before), named(after), manifest.Rule{})
	return err == nil && f.Verdict.Reproduced()
}

// renamed shows one file of a folder under another name.
type renamed struct {
	fs.FS
	file, name string
}

func (r renamed) Open(name string) (fs.File, error) {
	if name == r.name {
		name = r.file
	}
	return r.FS.Open(name)
}

// noteCapture says what was seen, and what a person should know of it.
func (c *console) noteCapture(r *capture.Result) {
	s := r.Step
	read, size := 0, int64(0)
	for _, f := range s.Files {
		if f.Read {
			read++
			size += f.Size
		}
	}
	wrote := 0
	for _, w := range s.Written {
		if w.After != "" {
			wrote++
		}
	}
	c.note("step %q: %s read (%d MB), %s, %s written, %.1f s", s.Name, plural(read, "file"), size>>20, plural(len(s.Programs), "program"), plural(wrote, "file"), float64(s.WallMS)/1000)
	if s.Observed.Refused != "" {
		c.note("watched by system calls, since this machine does not let it show a view of its files: %s", s.Observed.Refused)
	}
	c.noteCompared(r.Compared, s)
	if i := slices.IndexFunc(s.Command, func(a string) bool { return strings.Contains(a, "(hidden)") }); i > 0 {
		c.note("argument %d of the command looks secret and is not recorded, so the recipe's step lacks it: have the program take it from a variable of the environment, and capture again", i)
	}
	for _, o := range s.NotTaken {
		c.note("not taken: %s %s: %s; to have it after all, %s", o.Kind, o.Name, o.Why, o.Include)
	}
	if hosts := addresses(s); len(hosts) > 0 {
		c.note("talked to %s: repro run has no network, unless it is asked to", strings.Join(hosts, ", "))
	}
	if len(s.Denied) > 0 {
		c.note("could not write to %s: --write %s lets it", s.Denied[0], filepath.Dir(s.Denied[0]))
	}
	if s.Absolute && strings.HasPrefix(s.Dir, "/tmp/") {
		c.note("something names this folder by its path, %s: steps have a /tmp of their own, so move the folder elsewhere and capture again", s.Dir)
	}
	if len(s.Left) > 0 {
		c.note("outlived the command and ended: %s", strings.Join(s.Left, ", "))
	}
	for _, f := range s.Files {
		if f.Unsteady {
			c.note("%s: was changed by another program while it was read", f.Path)
		}
	}
	ran := func(name string) bool {
		return slices.ContainsFunc(s.Programs, func(p capture.Program) bool { return filepath.Base(p.Path) == name })
	}
	switch {
	case wrote > 0 || s.Exit != 0 || len(r.Record.WroteOutside(*s)) > 0:
	case ran("make"):
		c.note("nothing was written in this folder: if make found all of it up to date, have it make all anew: repro capture -- make -B")
	default:
		c.note("nothing was written in this folder, so there is no result to compare: have the command write one, such as sh -c 'COMMAND > results.txt'")
	}
}

// noteOutside says what the step left or found where an image has nothing of it.
func (c *console) noteOutside(r *capture.Result) {
	if _, read := r.Record.InTemporary(*r.Step); len(read) > 0 {
		c.note("read %s: an image keeps nothing of /tmp: if the step needs it, move it to another place and capture again", someOf(read))
	}
	if read := r.Record.ReadOutside(*r.Step); len(read) > 0 {
		c.note("read %s, outside of this folder: that goes into the image, and nothing says whence it is and under which licence: if it is data, put it into this folder, capture again, and say so under data in %s", someOf(read), recipe.FileName)
	}
	if wrote := r.Record.WroteOutside(*r.Step); len(wrote) > 0 {
		home, _ := os.UserHomeDir()
		c.note("wrote %s, outside of this folder, where no result is looked for: %s", someOf(wrote), fromAbove(r.Record.Folder, wrote[0], home))
	}
}

// fromAbove says how a file that a step wrote outside of the experiment's folder
// becomes a result: by a capture in a folder that holds both, if that is none
// which holds everything.
func fromAbove(folder, wrote, home string) string {
	above := folder
	for above != "/" && !strings.HasPrefix(wrote, above+"/") {
		above = filepath.Dir(above)
	}
	if above == "/" || above == home || above == filepath.Dir(home) {
		return "have it write below this folder"
	}
	rel, _ := filepath.Rel(above, folder)
	return fmt.Sprintf("capture from the folder above: cd %s && repro capture -- sh -c 'cd %s && COMMAND'", above, rel)
}

// someOf names the first of some files, and how many there are.
func someOf(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func (c *console) noteCompared(compared []capture.Comparison, s *capture.Step) {
	if len(compared) == 0 {
		return
	}
	again := 0
	for _, one := range compared {
		if one.Reproduced {
			again++
		}
	}
	c.note("your last results came out again: %d of %d", again, len(compared))
	for _, w := range s.Written {
		if w.Set == "" {
			continue
		}
		i := slices.IndexFunc(compared, func(one capture.Comparison) bool { return capture.NewFolder+"/"+one.Path == w.Set })
		switch {
		case i < 0:
			c.note("%s: was read and then changed: it stays as it was read, what the command left is %s", w.Path, w.Set)
		case compared[i].Reproduced:
			c.note("%s: same result in other bytes: the old stays, the new is %s", compared[i].Path, w.Set)
		default:
			c.note("%s: differs: the old stays as published, the new is %s; --replace takes the new", compared[i].Path, w.Set)
		}
	}
}

// addresses lists whom a step talked to over a network, but this machine.
func addresses(s *capture.Step) (all []string) {
	for _, n := range s.Network {
		if n.Kind == "ip" && !strings.HasPrefix(n.Address, "127.") && !strings.HasPrefix(n.Address, "[::1]") && !strings.HasPrefix(n.Address, "0.0.0.0") && len(all) < 5 {
			all = append(all, n.Address)
		}
	}
	return all
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
