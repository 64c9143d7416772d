package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"repro/format"
)

func demoCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "show the whole path on real published numbers",
		Description: `Builds, signs, verifies, damages, re-runs and compares an example whose published
results are NIST's certified values, in a temporary folder, offline. Every line
that starts with $ is run through the same code as if you had typed it.

   repro demo
   repro demo --dir try        # keep everything in try/`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Usage: "work in `FOLDER`, which must not exist (default: a new temporary folder)"},
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 0 {
				return usagef("demo takes no arguments, got %q", ctx.Args().First())
			}
			dir, err := demoFolder(ctx.String("dir"))
			if err != nil {
				return err
			}
			d := &demo{c: c, dir: dir}
			return d.play(ctx.Context)
		},
	}
}

func demoFolder(name string) (string, error) {
	if name == "" {
		return os.MkdirTemp("", "repro-demo-")
	}
	if err := os.Mkdir(name, 0o777); err != nil {
		return "", err
	}
	return filepath.Abs(name)
}

// demo plays the author's and the reviewer's part.
type demo struct {
	c       *console
	dir     string
	closing []string // what is printed last: verdicts and reports
}

func (d *demo) play(ctx context.Context) error {
	start := time.Now()
	if err := os.Chdir(d.dir); err != nil { // so that what is shown is what is run
		return err
	}
	if err := d.nist(ctx); err != nil {
		return err
	}
	if err := d.figure(ctx); err != nil {
		return err
	}
	d.say("Everything is in %s (%.0f s).", d.dir, time.Since(start).Seconds())
	for _, line := range d.closing {
		fmt.Fprintln(d.c.out, line)
	}
	return nil
}

// nist is the story in full.
func (d *demo) nist(ctx context.Context) error {
	const name = "nist-strd"
	d.say("The experiment: NIST's Statistical Reference Datasets, recomputed with sh and awk.")
	if err := d.unpack(name, name, false); err != nil {
		return err
	}
	d.say("The author builds one image of it: programs, code, data, steps, published results.")
	if err := d.expect(ctx, "build", name, "-o", "paper.sif"); err != nil {
		return err
	}
	if err := d.buildElsewhere(ctx, name); err != nil {
		return err
	}
	d.say("The author makes a key and signs.")
	if err := d.expect(ctx, "key", "new", "author", "--name", "A. Author", "--email", "author@example.org", "--no-passphrase"); err != nil {
		return err
	}
	if err := d.expect(ctx, "sign", "--key", "author.key", "paper.sif"); err != nil {
		return err
	}
	d.say("A reviewer who has the author's public key verifies.")
	if err := d.expect(ctx, "verify", "--key", "author.pub", "paper.sif"); err != nil {
		return err
	}
	if err := d.damage(ctx); err != nil {
		return err
	}
	return d.rerun(ctx, "paper.sif", "author.pub", "paper.run")
}

// buildElsewhere builds a second time from another path, with other times,
// modes and parallelism, and compares the bytes.
func (d *demo) buildElsewhere(ctx context.Context, name string) error {
	d.say("A second build in another folder, with other file times, on one core, gives the same bytes.")
	if err := d.unpack(name, "elsewhere/copy", true); err != nil {
		return err
	}
	cores := runtime.GOMAXPROCS(1)
	err := d.expect(ctx, "build", "elsewhere/copy", "-o", "second.sif")
	runtime.GOMAXPROCS(cores)
	if err != nil {
		return err
	}
	var sums [2]string
	for i, image := range []string{"paper.sif", "second.sif"} {
		if sums[i], err = sha256File(image); err != nil {
			return err
		}
		fmt.Fprintf(d.c.out, "%s  %s\n", sums[i], image)
	}
	if sums[0] != sums[1] {
		return fmt.Errorf("demo: the second build gave other bytes than the first")
	}
	return nil
}

// damage flips one byte and shows that verify names the object.
func (d *demo) damage(ctx context.Context) error {
	const object = "data"
	d.say("One bit is flipped in a copy, somewhere in the %s layer. Verify names it.", object)
	offset, err := d.flip("paper.sif", "damaged.sif", object)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.c.out, "flipped one bit of byte %d of damaged.sif\n", offset)
	text, err := d.capture(ctx, statusAltered, "verify", "--key", "author.pub", "damaged.sif")
	if err != nil {
		return err
	}
	if !strings.Contains(text, object) {
		return fmt.Errorf("demo: verify did not name the damaged object")
	}
	return os.Remove("damaged.sif")
}

func (d *demo) flip(from, to, object string) (int64, error) {
	content, err := os.ReadFile(from)
	if err != nil {
		return 0, err
	}
	image, err := format.New(bytes.NewReader(content), int64(len(content)), from)
	if err != nil {
		return 0, err
	}
	for _, o := range image.Objects() {
		if o.Name == object {
			offset := o.Offset + o.Size/2
			content[offset] ^= 1
			return offset, os.WriteFile(to, content, 0o666)
		}
	}
	return 0, fmt.Errorf("demo: %s has no object %q", from, object)
}

// rerun plays the reviewer's run and keeps its verdict for the end.
func (d *demo) rerun(ctx context.Context, image, key, out string) error {
	d.say("The reviewer re-runs it, without root or network, and is told whether the numbers came out again.")
	text, err := d.capture(ctx, statusDone, "run", "--key", key, "-o", out, image)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	verdict := lines[len(lines)-1]
	d.closing = append(d.closing, verdict, "report: "+filepath.Join(d.dir, out, "report.html"))
	return nil
}

// figure is the second example, where python3 has what it needs.
func (d *demo) figure(ctx context.Context) error {
	const name = "norris-figure"
	python, files := findPython(ctx)
	if python == "" {
		d.say("The second example is left out: it needs a python3 with numpy and matplotlib.")
		return nil
	}
	d.say("A second example, a table and a figure, with %s, numpy and matplotlib.", python)
	if err := d.unpack(name, name, false); err != nil {
		return err
	}
	if err := usePython(filepath.Join(name, "repro.yaml"), python, files); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"build", name, "-o", "figure.sif"},
		{"sign", "--key", "author.key", "figure.sif"},
	} {
		if err := d.expect(ctx, args...); err != nil {
			return err
		}
	}
	return d.rerun(ctx, "figure.sif", "author.pub", "figure.run")
}

// expect plays one command and fails if the command does.
func (d *demo) expect(ctx context.Context, args ...string) error {
	_, err := d.capture(ctx, statusDone, args...)
	return err
}

// capture plays one command, which must end with the given status, and returns
// what it printed.
func (d *demo) capture(ctx context.Context, status int, args ...string) (string, error) {
	fmt.Fprintf(d.c.out, "$ repro %s\n", strings.Join(quoteArgs(args), " "))
	var printed bytes.Buffer
	inner := &console{
		in:    strings.NewReader(""),
		out:   io.MultiWriter(d.c.out, &printed),
		err:   io.MultiWriter(d.c.err, &printed),
		quiet: d.c.quiet,
		color: d.c.color,
	}
	if inner.color == "auto" && !d.c.useOut {
		inner.color = "never"
	} else if d.c.useOut {
		inner.color = "always"
	}
	got := play(ctx, append([]string{"repro", "--color", inner.color}, args...), inner)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if got != status {
		return "", demoError{got, fmt.Errorf("demo: repro %s ended with status %d where %d was expected", args[0], got, status)}
	}
	return printed.String(), nil
}

// demoError says that a command of the demo ended with status.
type demoError struct {
	status int
	error
}

// exitStatus is that of the command, or failed where it should have failed.
func (e demoError) exitStatus() int {
	if e.status == statusDone {
		return statusFailed
	}
	return e.status
}

func quoteArgs(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = arg
		if strings.ContainsAny(arg, " '\"") {
			out[i] = fmt.Sprintf("%q", arg)
		}
	}
	return out
}

// say prints one line of the story.
func (d *demo) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if d.c.useOut {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	fmt.Fprintf(d.c.out, "\n%s\n", text)
}
