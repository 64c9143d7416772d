package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"repro/internal/progress"
	"repro/report/view"
)

// console is where a command reads and prints.
type console struct {
	in       io.Reader
	out, err io.Writer

	quiet  bool
	color  string // auto, always or never
	useOut bool   // colour on standard output
	useErr bool   // colour on standard error

	mu  sync.Mutex
	bar *bar

	progressFile string // where progress goes in place of a bar
	reported     time.Time
}

func (c *console) chooseColor() error {
	switch c.color {
	case "always":
		c.useOut, c.useErr = true, true
	case "never":
		c.useOut, c.useErr = false, false
	case "auto":
		plain := os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb"
		c.useOut = !plain && isTerminal(c.out)
		c.useErr = !plain && isTerminal(c.err)
	default:
		return usagef("--color %q: want auto, always or never", c.color)
	}
	return nil
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// printJSON prints a report for programs, and for people who look at it: what
// [view.Clean] would escape is escaped here as JSON does, and means the same.
func (c *console) printJSON(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := c.out.Write(view.EscapeJSON(b.Bytes()))
	return err
}

// note tells a person something that is not the answer.
func (c *console) note(format string, args ...any) {
	if !c.quiet {
		c.finishProgress()
		fmt.Fprintf(c.err, "repro: "+format+"\n", args...)
	}
}

// printError prints each error of a joined one on a line of its own, and what
// may help.
func (c *console) printError(err error, status int) {
	label := "error"
	if c.useErr {
		label = "\x1b[1;31merror\x1b[0m"
	}
	for _, e := range flatten(err) {
		if _, program := e.(programStatus); program || e == errDiffers || e == errTold {
			continue // the report, or the program itself, has said it
		}
		text := e.Error()
		if status == statusInterrupted && errors.Is(e, context.Canceled) {
			text = "interrupted"
		}
		for line := range strings.SplitSeq(text, "\n") {
			fmt.Fprintf(c.err, "repro: %s: %s\n", label, view.Clean(line))
		}
	}
	if hint := hintFor(err, status); hint != "" && !c.quiet {
		fmt.Fprintf(c.err, "repro: hint: %s\n", hint)
	}
}

// style is how reports on standard output look.
func (c *console) style() view.Style {
	return view.Style{Color: c.useOut}
}

// bar is the progress bar of the task that reported last.
type bar struct {
	task string
	*progressbar.ProgressBar
}

// progress returns what long work reports to: nil unless a person is watching.
func (c *console) progress() progress.Func {
	if c.progressFile != "" {
		return c.writeProgress
	}
	if c.quiet || !isTerminal(c.err) {
		return nil
	}
	return func(e progress.Event) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.bar == nil || c.bar.task != e.Task {
			c.closeBar()
			c.bar = &bar{e.Task, newBar(c.err, e)}
		}
		if e.Left > 0 {
			c.bar.Describe(view.Clean(e.Task) + ", " + about(e.Left) + " left")
		}
		if e.Total > 0 && c.bar.GetMax64() != e.Total {
			c.bar.ChangeMax64(e.Total)
		}
		c.bar.Set64(e.Done) // a bar that can't be drawn is no reason to stop
	}
}

func newBar(w io.Writer, e progress.Event) *progressbar.ProgressBar {
	total := e.Total
	if total == 0 {
		total = -1
	}
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(view.Clean(e.Task)),
		progressbar.OptionShowBytes(e.Bytes),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetPredictTime(e.Left == 0),
	)
}

// about says a time as people guess it.
func about(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < 90*time.Minute:
		return fmt.Sprintf("about %d min", int(d.Round(time.Minute).Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("about %d h", int(d.Round(time.Hour).Hours()))
	}
	return fmt.Sprintf("about %d days", int(d.Round(24*time.Hour).Hours()/24))
}

// finishProgress clears the bar before something else is printed.
func (c *console) finishProgress() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closeBar()
}

func (c *console) closeBar() {
	if c.bar != nil {
		c.bar.Clear()
		c.bar = nil
	}
}
