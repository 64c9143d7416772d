package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// benchRun measures programs in an image against the same programs in the
// directory that it was made of, a Debian root filesystem with python3-numpy
// and python3-matplotlib, and mounts of images against those of the kernel and
// of squashfuse. It takes root, to mount and to empty the kernel's caches.
//
// The image is signed, and exec is told by whom: what it checks before the
// program starts are the signature, the manifest, all objects that are neither
// layers nor hash trees, and the roots of those trees; every block of a layer
// or a tree is checked when it is read.
func benchRun(args []string) error {
	b := &runBench{}
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.StringVar(&b.root, "root", "", "Debian root filesystem; without it mmdebstrap makes one")
	flags.StringVar(&b.dir, "dir", os.TempDir(), "work in a new folder in this one")
	flags.IntVar(&b.rounds, "rounds", 9, "runs of each")
	flags.Int64Var(&b.large, "large", 10<<30, "bytes of the large image, whose start is held against that of one of 100 MiB")
	flags.Int64Var(&b.file, "file", 1<<30, "bytes of the file that is read from start to end")
	rows := flags.String("rows", "start,directory,size,read,stat,python,compute", "what to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("run: takes root, to mount the peers")
	}
	var err error
	if b.dir, err = os.MkdirTemp(b.dir, "repro-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	defer b.unmountAll()
	if err := b.prepare(); err != nil {
		return err
	}
	measures := map[string]func() error{"start": b.start, "directory": b.directory, "size": b.size,
		"read": b.read, "stat": b.stat, "python": b.python, "compute": b.compute}
	for name := range strings.SplitSeq(*rows, ",") {
		if measures[name] == nil {
			return fmt.Errorf("run: no row %q", name)
		}
		if err := measures[name](); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return printGoals(os.Stdout, b.goals)
}

type runBench struct {
	dir, root   string
	rounds      int
	large, file int64
	repro       string
	mounts      []*mounted
	goals       []goal
}

func (b *runBench) in(name string) string { return filepath.Join(b.dir, name) }

// prepare builds the program, a key, and an image of the root that it signs.
func (b *runBench) prepare() error {
	made := &imageBench{root: b.root, dir: b.dir}
	if err := made.debian(); err != nil {
		return err
	}
	b.root, b.repro = made.root, b.in("repro")
	for name, from := range map[string]string{"repro": "./cmd/repro", "sandboxed": "./internal/bench/sandboxed"} {
		build := exec.Command("go", "build", "-o", b.in(name), from)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if err := quietly(build); err != nil {
			return err
		}
	}
	if err := quietly(exec.Command(b.repro, "key", "new", "--no-passphrase", b.in("author"))); err != nil {
		return err
	}
	return b.image("root", b.root)
}

// image makes and signs an image of a folder, and a squashfs file like its layer.
func (b *runBench) image(name, from string) error {
	if err := buildImage([]string{b.in(name + ".sif"), from, ""}); err != nil {
		return err
	}
	if err := quietly(exec.Command(b.repro, "sign", "--key", b.in("author.key"), b.in(name+".sif"))); err != nil {
		return err
	}
	peer := mksquashfs("", from, b.in(name+".sqfs"), "-comp", "zstd", "-Xcompression-level", "3")
	return quietly(exec.Command(peer.argv[0], peer.argv[1:]...))
}

func quietly(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd.Args[0], err, out)
	}
	return nil
}

// inImage runs a program in a signed image.
func (b *runBench) inImage(image string, argv ...string) *subject {
	return &subject{name: "repro exec", argv: append([]string{
		b.repro, "exec", "--key", b.in("author.pub"), "--dir", "/", b.in(image + ".sif"), "--"}, argv...)}
}

// inDirectory runs it in the directory.
func (b *runBench) inDirectory(argv ...string) *subject {
	return &subject{name: "bwrap", argv: append([]string{"bwrap", "--unshare-all", "--bind", b.root, "/",
		"--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--die-with-parent"}, argv...)}
}

// measure runs ours and a peer in turn, and adds the goal that the one is held
// to against the other. A peer that is not here, or does not work here, is said.
func (b *runBench) measure(what string, want float64, ours, peer *subject) error {
	if err := peer.run(); err != nil {
		fmt.Printf("%s: %s does not work here: %v\n", what, peer.name, err)
		return nil
	}
	peer.runs, ours.runs = nil, nil
	if err := alternate(b.rounds, ours, peer); err != nil {
		return err
	}
	fmt.Printf("%s: %s %.1f ms, %s %.1f ms\n", what, ours.name, ours.wall()*1000, peer.name, peer.wall()*1000)
	b.goals = append(b.goals, goal{measure: what + ", by " + peer.name, got: best(ours, peer), want: want, median: ratio(ours, peer)})
	return nil
}

func (b *runBench) start() error {
	const what = "start to exit of /bin/true in an image"
	ours := b.inImage("root", "/bin/true")
	for _, p := range []struct {
		want float64
		*subject
	}{
		{3, b.inDirectory("/bin/true")},
		{0.5, &subject{name: "ch-run, squashfs", env: []string{"USER=root"}, argv: []string{"ch-run", b.in("root.sqfs"), "--", "/bin/true"}}},
		{0.1, &subject{name: "podman", argv: []string{"podman", "run", "--rm", "--network=none", "--ulimit=host", "--rootfs", b.root + ":O", "/bin/true"}}},
	} {
		if err := b.measure(what, p.want, ours, p.subject); err != nil {
			return err
		}
	}
	return nil
}

// directory measures the sandbox without an image, in a program that is nothing
// else. What it made for the program's files it removes again.
func (b *runBench) directory() error {
	ours := &subject{name: "sandbox, overlay", argv: []string{b.in("sandboxed"), b.root, b.in("scratch"), "/bin/true"}}
	return b.measure("start to exit of /bin/true in a directory", 1.2, ours, b.inDirectory("/bin/true"))
}

// size measures the time to a first output of images of two sizes, of the same
// program and noise.
func (b *runBench) size() error {
	for name, bytes := range map[string]int64{"large": b.large, "small": 100 << 20} {
		if err := b.noise(name, bytes); err != nil {
			return err
		}
		defer removeAll(b.in(name), b.in(name+".sif"))
	}
	ours, small := b.inImage("large", "/bin/busybox", "echo", "here"), b.inImage("small", "/bin/busybox", "echo", "here")
	small.name = "one of 100 MiB"
	return b.measure(fmt.Sprintf("time to first output of an image of %.1f GiB", float64(b.large)/(1<<30)), 1.1, ours, small)
}

// python measures a warm start of what papers start with.
func (b *runBench) python() error {
	return b.besideDirectory("import numpy, matplotlib, warm", 1.15, "import numpy, matplotlib")
}

// compute measures a step that only computes, by its own clock.
func (b *runBench) compute() error {
	const loop = "import time\nt = time.perf_counter()\ns = 0\nfor i in range(3 * 10**7): s += i\nprint(time.perf_counter() - t)"
	program := []string{"/usr/bin/python3", "-c", loop}
	ours, peer := b.inImage("root", program...), &subject{name: "chroot", argv: append([]string{"chroot", b.root}, program...)}
	if err := alternate(b.rounds, ours, peer); err != nil {
		return err
	}
	b.goals = append(b.goals, goal{measure: "a loop in Python, by chroot", got: bestOf(ours, peer, printed), want: 1.01, median: ratioOf(ours, peer, printed)})
	return nil
}
