package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// benchRun measures programs in an image against the same programs in the
// directory that it was made of: -root, a Debian root filesystem with
// python3-numpy and python3-matplotlib. The peers are bwrap and, where they
// are installed and work here, ch-run and podman.
func benchRun(args []string) error {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	root := flags.String("root", "", "root filesystem (required)")
	rounds := flags.Int("rounds", 9, "runs of each")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *root == "" {
		return errors.New("run: name a root filesystem with -root")
	}
	dir, err := os.MkdirTemp("", "repro-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &runBench{dir: dir, root: *root, rounds: *rounds}
	if err := b.prepare(); err != nil {
		return err
	}
	for _, m := range []func() error{b.start, b.size, b.python, b.compute} {
		if err := m(); err != nil {
			return err
		}
	}
	return printGoals(os.Stdout, b.goals)
}

type runBench struct {
	dir, root string
	rounds    int
	repro     string
	goals     []goal
}

// prepare builds the program and two images: of the root, and of one program.
func (b *runBench) prepare() error {
	b.repro = filepath.Join(b.dir, "repro")
	build := exec.Command("go", "build", "-o", b.repro, "./cmd/repro")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := b.image("large", "rootfs: "+b.root); err != nil {
		return err
	}
	return b.image("small", "host: [sh, 'true']")
}

func (b *runBench) image(name, environment string) error {
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	recipe := fmt.Sprintf(`repro: 1
title: A bench
authors: [{name: Nobody}]
date: 2026-01-02
environment: {%s}
steps:
  - {name: one, command: [sh, -c, "echo 1 >out.txt"], outputs: [out.txt]}
results:
  - {name: one, output: out.txt, published: published.txt}
`, environment)
	for file, content := range map[string]string{"repro.yaml": recipe, "published.txt": "1\n"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644); err != nil {
			return err
		}
	}
	cmd := exec.Command(b.repro, "build", "-o", "../"+name+".sif")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("repro build: %w\n%s", err, out)
	}
	return nil
}

// inImage runs a program in an image; its signatures are looked at, its layers
// are checked as they are read.
func (b *runBench) inImage(image string, argv ...string) *subject {
	return &subject{name: "repro exec " + image, argv: append([]string{
		b.repro, "exec", filepath.Join(b.dir, image+".sif"), "--"}, argv...)}
}

// inDirectory runs it in the directory.
func (b *runBench) inDirectory(argv ...string) *subject {
	return &subject{name: "bwrap, directory", argv: append([]string{"bwrap", "--unshare-all", "--bind", b.root, "/",
		"--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--die-with-parent"}, argv...)}
}

// measure runs all in turn and adds the goal that the first is held to against
// the second.
func (b *runBench) measure(what string, want float64, s ...*subject) error {
	if err := alternate(b.rounds, s...); err != nil {
		return err
	}
	fmt.Printf("%s\n", what)
	for _, one := range s {
		fmt.Printf("  %-20s %7.1f ms\n", one.name, one.wall()*1000)
	}
	b.goals = append(b.goals, goal{measure: what + ": " + s[0].name + " / " + s[1].name, got: best(s[0], s[1]), want: want, median: ratio(s[0], s[1])})
	return nil
}

func (b *runBench) start() error {
	s := []*subject{b.inImage("large", "/bin/true"), b.inDirectory("/bin/true")}
	if err := b.measure("start to exit of /bin/true", 3, s...); err != nil {
		return err
	}
	for _, p := range []struct {
		want float64
		*subject
	}{
		{0.5, &subject{name: "ch-run, directory", argv: []string{"ch-run", b.root, "--", "/bin/true"}}},
		{0.1, &subject{name: "podman run", argv: []string{"podman", "run", "--rm", "--network=none", "--rootfs", b.root + ":O", "/bin/true"}}},
	} {
		if err := p.run(); err != nil {
			fmt.Printf("  %s does not work here: %v\n", p.name, err)
			continue
		}
		if err := b.measure("start to exit of /bin/true", p.want, b.inImage("large", "/bin/true"), p.subject); err != nil {
			return err
		}
	}
	return nil
}

func (b *runBench) size() error {
	return b.measure("start, by size of the image", 1.1, b.inImage("large", "true"), b.inImage("small", "true"))
}

func (b *runBench) python() error {
	program := []string{"/usr/bin/python3", "-c", "import numpy, matplotlib"}
	return b.measure("import numpy, matplotlib, warm", 1.15, b.inImage("large", program...), b.inDirectory(program...))
}

func (b *runBench) compute() error {
	program := []string{"/usr/bin/python3", "-c", "s = 0\nfor i in range(10**7): s += i"}
	return b.measure("a loop in Python", 1.01, b.inImage("large", program...), b.inDirectory(program...))
}
