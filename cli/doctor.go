package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"repro/engine"
	"repro/engine/local"
	"repro/report"
	"repro/report/view"
	"repro/run"
)

func doctorCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "say whether images can be run on this machine, and what to ask its administrator for",
		Description: `Tries out what a run needs, and changes nothing. Says what works, what a run does
without what does not, and what would help. Ends with 0 if images can be run here,
with 7 if not.

   repro doctor
   repro doctor --json | jq '.features[] | select(.works | not)'`,
		Flags: []cli.Flag{jsonFlag},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 0 {
				return usagef("doctor: takes no argument")
			}
			rep := local.Doctor(version())
			if err := c.printDoctor(ctx.Bool("json"), rep); err != nil {
				return err
			}
			if !rep.Runs {
				hint := "lines that begin with ask say what would help"
				return &engine.MachineError{Err: errors.New("images cannot be run here"), Hint: offer(hint, run.ContainerPrograms(ctx.Context))}
			}
			return nil
		},
	}
}

// offer adds to a hint the container engines that could run images in place of this
// machine.
func offer(hint string, programs []string) string {
	if len(programs) == 0 {
		return hint
	}
	if hint != "" {
		hint += "; or "
	}
	return hint + "run it in containers: repro run --on " + programs[0]
}

func (c *console) printDoctor(asJSON bool, r *report.Doctor) error {
	if asJSON {
		return c.printJSON(r)
	}
	m := r.Machine
	fmt.Fprintf(c.out, "%s, %s, %d processors, %d MiB of memory\n", view.Clean(m.Kernel), view.Clean(m.CPU), m.CPUs, m.Memory>>20)
	for _, f := range r.Features {
		printFeature(c.out, f)
	}
	verdict := "images can be run here; layers are " + map[string]string{"fuse": "read in place", "extracted": "extracted first"}[r.Layers]
	if !r.Runs {
		verdict = "images cannot be run here"
		if r.Isolation != "" {
			verdict += ", except with weaker isolation: --isolation " + view.Clean(r.Isolation)
		}
	}
	_, err := fmt.Fprintln(c.out, verdict)
	return err
}

func printFeature(w io.Writer, f report.Feature) {
	state := "works"
	switch {
	case !f.Works && f.Needed:
		state = "REFUSED"
	case !f.Works:
		state = "missing"
	}
	fmt.Fprintf(w, "  %-15s %-8s %s\n", f.Name, state, view.Clean(f.Detail))
	if f.Ask != "" {
		fmt.Fprintf(w, "  %-15s %-8s ask: %s\n", "", "", view.Clean(f.Ask))
	}
}
