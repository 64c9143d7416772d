package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// subject is one of the things that are compared: a command, or a part of this
// program.
type subject struct {
	name string
	argv []string
	env  []string
	runs []measure

	before  func() error // of each run, and not measured; may be nil
	differs bool         // it may end with 1, as diff does
}

// measure is what one run took.
type measure struct {
	wall, cpu time.Duration
	memory    int64 // peak resident bytes
	out       string
}

// part is a subject that this program plays itself.
func part(name string, args ...string) (*subject, error) {
	self, err := os.Executable()
	return &subject{name: name, argv: append([]string{self}, args...)}, err
}

// run runs s once more.
func (s *subject) run() error {
	if s.before != nil {
		if err := s.before(); err != nil {
			return err
		}
	}
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Env = append(os.Environ(), s.env...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	start := time.Now()
	if err := cmd.Run(); err != nil && !(s.differs && cmd.ProcessState.ExitCode() == 1) {
		return fmt.Errorf("%s: %w\n%s", s.name, err, stderr.Bytes())
	}
	s.runs = append(s.runs, measure{
		wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		memory: peakMemory(cmd.ProcessState), out: strings.TrimSpace(out.String()),
	})
	return nil
}

// alternate runs all subjects in turn, rounds times, after a first round that
// does not count.
func alternate(rounds int, subjects ...*subject) error {
	for i := range rounds + 1 {
		for _, s := range subjects {
			if err := s.run(); err != nil {
				return err
			}
			if i == 0 {
				s.runs = nil
			}
		}
	}
	return nil
}

func wallSeconds(m measure) float64 { return m.wall.Seconds() }
func cpuSeconds(m measure) float64  { return m.cpu.Seconds() }

func (s *subject) wall() float64 {
	return s.median(wallSeconds)
}
func (s *subject) cpu() float64 {
	return s.median(func(m measure) float64 { return m.cpu.Seconds() })
}
func (s *subject) memory() float64 {
	return s.median(func(m measure) float64 { return float64(m.memory) })
}

func (s *subject) median(of func(measure) float64) float64 {
	var all []float64
	for _, m := range s.runs {
		all = append(all, of(m))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// ratio is the median, over the rounds, of a's wall time by b's in the same
// round: a disturbance that lasts longer than a round cancels out.
func ratio(a, b *subject) float64 { return ratioOf(a, b, wallSeconds) }

func ratioOf(a, b *subject, of func(measure) float64) float64 {
	var all []float64
	for i := range a.runs {
		all = append(all, of(a.runs[i])/of(b.runs[i]))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// best is the ratio of the least wall times: what comes closest to a machine
// that does nothing else.
func best(a, b *subject) float64 { return bestOf(a, b, wallSeconds) }

func bestOf(a, b *subject, of func(measure) float64) float64 {
	least := func(s *subject) float64 {
		return of(slices.MinFunc(s.runs, func(x, y measure) int { return cmp.Compare(of(x), of(y)) }))
	}
	return least(a) / least(b)
}

// goal is one line of the result.
type goal struct {
	measure string
	got     float64
	want    float64 // got should be at most that, to two decimals; +Inf: there is no goal
	unit    string
	median  float64 // of ratios whose best is in got; else 0
}

// printGoals prints each goal and whether it is met, and says so in the error
// if one is not. Ratios are judged by the best runs, and the medians shown.
func printGoals(w io.Writer, goals []goal) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "measure\tgot\tgoal\t\tmedian")
	var missed error
	for _, g := range goals {
		verdict := "met"
		if math.IsInf(g.want, 1) {
			fmt.Fprintf(t, "%s\t%.2f%s\n", g.measure, g.got, g.unit)
			continue
		}
		if math.Round(g.got*100) > math.Round(g.want*100) {
			verdict, missed = "missed", errors.New("a goal is missed")
		}
		median := ""
		if g.median > 0 {
			median = fmt.Sprintf("%.2f", g.median)
		}
		fmt.Fprintf(t, "%s\t%.2f%s\t≤ %.4g%s\t%s\t%s\n", g.measure, g.got, g.unit, g.want, g.unit, verdict, median)
	}
	return errors.Join(t.Flush(), missed)
}

// printRuns prints the medians of subjects.
func printRuns(w io.Writer, subjects ...*subject) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "run\twall\tcpu\tmemory")
	for _, s := range subjects {
		fmt.Fprintf(t, "%s\t%.2f s\t%.2f s\t%.0f MiB\n", s.name, s.wall(), s.cpu(), s.memory()/(1<<20))
	}
	fmt.Fprintln(t)
	return t.Flush()
}
