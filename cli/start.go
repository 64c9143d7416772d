package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"repro/engine"
	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/internal/atomicfile"
)

// startPatience is how long a step may take to show that something is missing.
const startPatience = 2 * time.Second

// buildStarted builds an image with make, and leaves it at out if its steps
// start on it. What was captured came from observation: where something was not
// seen, this is when to hear of it.
func (c *console) buildStarted(ctx context.Context, out string, make func(out string) error) error {
	if full, err := filepath.EvalSymlinks(out); err == nil {
		out = full
	}
	scratch, err := atomicfile.Scratch(out)
	if err != nil {
		return err
	}
	defer scratch.Close()
	dir := scratch.Path()
	name := filepath.Join(dir, filepath.Base(out))
	if err := make(name); err != nil {
		return err
	}
	if err := c.startSteps(ctx, name); err != nil {
		return fmt.Errorf("%s: not written: %w; --no-check leaves this check out", out, err)
	}
	return os.Rename(name, out)
}

// startSteps starts each step of an image in a sandbox and stops it soon after.
// A step that fails before is an error, unless it needs another, of which there
// is nothing yet: then it is one only if its program cannot be started.
func (c *console) startSteps(ctx context.Context, name string) error {
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	m, err := image.Manifest()
	if err != nil {
		return err
	}
	for _, s := range m.Steps {
		if len(m.External) > 0 && len(s.Needs) == 0 {
			continue // data that the image only names
		}
		err := startStep(ctx, image, s)
		if machine, ok := errors.AsType[*engine.MachineError](err); ok {
			c.note("its steps were not started: %v", machine)
			return nil
		}
		if err != nil {
			return fmt.Errorf("step %q: %w", s.Name, err)
		}
	}
	return nil
}

func startStep(ctx context.Context, image *format.Image, s manifest.Step) error {
	short, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	var said lastWords
	status, err := local.Exec(short, image, local.Program{Args: s.Arguments(), Dir: s.Dir, Env: s.Env, Stdout: &said, Stderr: &said}, local.Options{NoCache: true})
	const notFound, notExecutable = 127, 126 // as shells have it
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case short.Err() != nil: // it works
		return nil
	case err != nil:
		return fmt.Errorf("on what was captured: %w", err)
	case status == 0, len(s.Needs) > 0 && status != notFound && status != notExecutable:
		return nil
	}
	return fmt.Errorf("ends with status %d on what was captured: %s", status, said.text())
}

// lastWords keeps the end of what a program prints.
type lastWords struct{ bytes.Buffer }

const maxWords = 4096

func (w *lastWords) Write(p []byte) (int, error) {
	w.Buffer.Write(p)
	if w.Len() > 2*maxWords {
		w.Next(w.Len() - maxWords)
	}
	return len(p), nil
}

// text is the last line or two, as one.
func (w *lastWords) text() string {
	lines := strings.Split(strings.TrimSpace(w.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-2):], " / ")
}
