package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// benchEngines measures what it costs to run an image's steps elsewhere than in one
// process: by workers, and on a Slurm cluster of three nodes on this machine; and
// how soon a program in an image starts, beside Apptainer. Root's runs are those of
// an ordinary user, as on a cluster.
func benchEngines(args []string) error {
	b := &enginesBench{}
	flags := flag.NewFlagSet("engines", flag.ContinueOnError)
	flags.StringVar(&b.dir, "dir", os.TempDir(), "work in a new folder in this one")
	flags.IntVar(&b.rounds, "rounds", 5, "runs of each; the cluster's run is one")
	flags.IntVar(&b.chain, "chain", 8, "steps that workers run one after another")
	flags.IntVar(&b.steps, "steps", 24, "independent steps on the cluster")
	flags.IntVar(&b.seconds, "seconds", 10, "that each of them takes; there is a goal for 60 and more")
	rows := flags.String("rows", "worker,start,spread", "what to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.chain < 1 || b.steps < 1 || b.seconds < 1 || b.rounds < 1 {
		return errors.New("engines: want at least one of everything")
	}
	if err := b.prepare(); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	measures := map[string]func() error{"worker": b.worker, "start": b.start, "spread": b.spread}
	for name := range strings.SplitSeq(*rows, ",") {
		if measures[name] == nil {
			return fmt.Errorf("engines: no row %q", name)
		}
		if err := measures[name](); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return printGoals(os.Stdout, b.goals)
}

type enginesBench struct {
	dir, repro            string
	rounds                int
	chain, steps, seconds int
	goals                 []goal
}

func (b *enginesBench) in(name string) string { return filepath.Join(b.dir, name) }

// benchUser is whom root runs things as.
const benchUser = 65534

// prepare makes a folder of the user's, and builds the program.
func (b *enginesBench) prepare() (err error) {
	if b.dir, err = os.MkdirTemp(b.dir, "repro-bench"); err != nil {
		return err
	}
	b.repro = b.in("repro")
	build := exec.Command("go", "build", "-o", b.repro, "./cmd/repro")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	err = quietly(build)
	if err == nil && os.Geteuid() == 0 {
		err = errors.Join(os.Chmod(b.dir, 0o755), os.Chown(b.dir, benchUser, benchUser))
	}
	if err != nil {
		os.RemoveAll(b.dir)
	}
	return err
}

// byUser is a command of the user's.
func (b *enginesBench) byUser(name string, argv ...string) *subject {
	s := &subject{name: name, argv: argv, env: []string{"HOME=" + b.dir, "TMPDIR=" + b.dir}}
	if os.Geteuid() == 0 {
		id := strconv.Itoa(benchUser)
		s.argv = append([]string{"setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "--"}, argv...)
	}
	return s
}

// image builds an image of a shell and of steps, lines of a recipe.
func (b *enginesBench) image(name string, steps ...string) (string, error) {
	from, image := b.in(name), b.in(name+".sif")
	if err := os.Mkdir(from, 0o755); err != nil {
		return "", err
	}
	text := "repro: 1\ntitle: Steps\nlicence: CC0-1.0\nauthors: [{name: Ada Author}]\ndate: 2026-01-02\nenvironment: {host: [sh, \"true\", sleep]}\nsteps:\n" + strings.Join(steps, "")
	if err := os.WriteFile(filepath.Join(from, "repro.yaml"), []byte(text), 0o644); err != nil {
		return "", err
	}
	if err := quietly(exec.Command(b.repro, "build", "-o", image, from)); err != nil {
		return "", err
	}
	return image, os.Chmod(image, 0o644)
}

// worker measures steps, each of which needs the one before it, by one worker each
// and then collected, against the same in one process. Whoever may not open
// /dev/fuse has each worker extract the image anew; that is in the figure.
func (b *enginesBench) worker() error {
	if err := b.byUser("test", "test", "-w", "/dev/fuse").run(); err != nil {
		fmt.Println("the user may not open /dev/fuse: each worker extracts the image")
	}
	var steps []string
	script := `rm -rf "$2"` + "\n"
	for i := range b.chain {
		inputs := ""
		if i > 0 {
			inputs = fmt.Sprintf("inputs: [out/%d.txt], ", i-1)
		}
		steps = append(steps, fmt.Sprintf("  - {name: s%d, command: \"echo 1 >out/%[1]d.txt\", %soutputs: [out/%[1]d.txt]}\n", i, inputs))
		script += fmt.Sprintf(`"$0" run --only s%d --from "$2" "$1" || exit`+"\n", i)
	}
	script += `exec "$0" run --collect "$2" "$1"`
	image, err := b.image("chain", steps...)
	if err != nil {
		return err
	}
	run := b.in("chain.run")
	one := b.byUser("one process", "sh", "-c", `rm -rf "$2"; exec "$0" run -o "$2" "$1"`, b.repro, image, run)
	workers := b.byUser("a worker a step", "sh", "-c", script, b.repro, image, b.in("chain.shared"))
	if err := alternate(b.rounds, one, workers); err != nil {
		return err
	}
	fmt.Printf("%d steps: %s %.0f ms, %s %.0f ms\n", b.chain, one.name, one.wall()*1000, workers.name, workers.wall()*1000)
	b.goals = append(b.goals, goal{measure: "a worker for each step, by one process: more per step", got: overhead(workers, one, b.chain, least), want: 100, unit: " ms",
		median: overhead(workers, one, b.chain, (*subject).wall)})
	return nil
}

// least is the wall time of the best run.
func least(s *subject) float64 {
	best := math.Inf(1)
	for _, m := range s.runs {
		best = min(best, wallSeconds(m))
	}
	return best
}

// overhead is how many milliseconds more each of n steps takes in a than in b.
func overhead(a, b *subject, n int, of func(*subject) float64) float64 {
	return (of(a) - of(b)) * 1000 / float64(n)
}

// start measures a program in an image beside the same image in Apptainer.
func (b *enginesBench) start() error {
	const what = "start to exit of true in an image, by Apptainer"
	apptainer, err := exec.LookPath("apptainer")
	if err != nil {
		fmt.Printf("%s: skipped: %v\n", what, err)
		return nil
	}
	image, err := b.image("start", "  - {name: s, command: \"true\"}\n")
	if err != nil {
		return err
	}
	ours := b.byUser("repro exec", b.repro, "exec", image, "--", "sh", "-c", "true")
	peer := b.byUser("apptainer", apptainer, "-q", "exec", "--containall", image, "sh", "-c", "true")
	peer.env = append(peer.env, "APPTAINER_CACHEDIR="+b.in("cache"))
	if err := peer.run(); err != nil {
		fmt.Printf("%s: skipped: it does not work here: %v\n", what, err)
		return nil
	}
	peer.runs = nil
	if err := alternate(b.rounds, ours, peer); err != nil {
		return err
	}
	fmt.Printf("%s: %s %.0f ms, %s %.0f ms\n", what, ours.name, ours.wall()*1000, peer.name, peer.wall()*1000)
	b.goals = append(b.goals, goal{measure: what, got: best(ours, peer), want: 0.35, median: ratio(ours, peer)})
	return nil
}

// onCluster runs the steps on a cluster that has so many processors.
func (b *enginesBench) onCluster(conf string, processors int) error {
	var steps []string
	for i := range b.steps {
		steps = append(steps, fmt.Sprintf("  - {name: s%d, memory: 256MiB, command: \"sleep %d; echo 1 >out/%[1]d.txt\", outputs: [out/%[1]d.txt]}\n", i, b.seconds))
	}
	image, err := b.image("spread", steps...)
	if err != nil {
		return err
	}
	run := b.byUser("repro run --on slurm", b.repro, "run", "--on", "slurm", "-o", b.in("spread.run"), image)
	run.env = append(run.env, "SLURM_CONF="+conf)
	if err := run.run(); err != nil {
		return err
	}
	ideal := idealTime(b.steps, processors, time.Duration(b.seconds)*time.Second)
	what := fmt.Sprintf("%d steps of %d s over three slurmd", b.steps, b.seconds)
	fmt.Printf("%s: %.1f s, ideal %.0f s: ideal by got %.3f\n", what, run.wall(), ideal.Seconds(), ideal.Seconds()/run.wall())
	g := goal{measure: what + ", wall by ideal", got: run.wall() / ideal.Seconds(), want: math.Inf(1)}
	if b.seconds >= 60 { // what a job costs is the same for shorter ones
		g.want = 1 / 0.9
	}
	b.goals = append(b.goals, g)
	return nil
}

// idealTime is how long steps of one processor and of the same length take if
// nothing else takes time.
func idealTime(steps, processors int, each time.Duration) time.Duration {
	return time.Duration((steps+processors-1)/processors) * each
}
