package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// benchImage measures writing, extracting and opening images beside
// mksquashfs and unsquashfs, on three trees.
func benchImage(args []string) error {
	b := &imageBench{}
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&b.root, "root", "", "Debian root filesystem; without it mmdebstrap makes one")
	flags.StringVar(&b.dir, "dir", os.TempDir(), "work in a new folder in this one")
	flags.IntVar(&b.rounds, "rounds", 3, "runs of each")
	flags.BoolVar(&b.gzip, "gzip", true, "also run mksquashfs with gzip, which takes minutes")
	flags.IntVar(&b.small, "small", 100_000, "files of the tree of small files")
	flags.Int64Var(&b.large, "large", 4<<30, "bytes of the large file")
	trees := flags.String("trees", "debian,small,large,rebuild", "what to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if b.dir, err = os.MkdirTemp(b.dir, "repro-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	for _, p := range []string{"mksquashfs", "unsquashfs"} {
		if _, err := exec.LookPath(p); err != nil {
			return err
		}
	}
	if err := b.debian(); err != nil {
		return err
	}
	for name := range strings.SplitSeq(*trees, ",") {
		if err := b.tree(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := printRuns(os.Stdout, b.subjects...); err != nil {
		return err
	}
	return printGoals(os.Stdout, b.goals)
}

type imageBench struct {
	root, dir string
	rounds    int
	small     int
	large     int64
	gzip      bool
	subjects  []*subject
	goals     []goal
}

// debian makes a root filesystem where none was named.
func (b *imageBench) debian() error {
	if b.root != "" {
		_, err := os.Stat(b.root)
		return err
	}
	b.root = filepath.Join(b.dir, "root")
	out, err := exec.Command("mmdebstrap", `--aptopt=Acquire::Check-Valid-Until "false"`, "--variant=minbase", "--include=python3-numpy,python3-matplotlib", "stable", b.root).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mmdebstrap: %w\n%s", err, out)
	}
	return nil
}

func (b *imageBench) tree(name string) error {
	from := filepath.Join(b.dir, name)
	var err error
	switch name {
	case "debian":
		from = b.root
	case "small":
		err = makeFiles(from, b.root, b.small, 512, 8<<10)
	case "large":
		err = makeFiles(from, b.root, 1, b.large, b.large)
	case "rebuild":
		if err := makeFiles(from, b.root, editedFiles, 4<<10, 64<<10); err != nil {
			return err
		}
		return errors.Join(b.rebuild(from), os.RemoveAll(from))
	default:
		err = errors.New("not a tree: want debian, small, large or rebuild")
	}
	if err != nil {
		return err
	}
	if err := b.beside(name, from); err != nil || name == "debian" {
		return err
	}
	return os.RemoveAll(from)
}

// beside measures one tree beside the peers.
func (b *imageBench) beside(name, from string) error {
	image, layer, gzip := filepath.Join(b.dir, "x.sif"), filepath.Join(b.dir, "x.sqfs"), filepath.Join(b.dir, "gz.sqfs")
	defer removeAll(image, layer, gzip)
	ours, err := part(name+": repro, build", "image.build", image, from, "")
	if err != nil {
		return err
	}
	ours.before = func() error { removeAll(image); return nil } // as that of the peer is
	zstd := mksquashfs(name+": mksquashfs, zstd 3", from, layer, "-comp", "zstd", "-Xcompression-level", "3")
	if err := alternate(b.rounds, ours, zstd); err != nil {
		return err
	}
	b.add(ours, zstd)
	b.wall(name+": build by mksquashfs zstd 3", ours, zstd, 0.9)
	b.goal(name+": size by the same", size(image)/size(layer), 1.03, "")
	b.goal(name+": memory of build", ours.memory()/(1<<20), 400, " MiB")
	if name == "debian" && b.gzip {
		slow := mksquashfs(name+": mksquashfs, gzip", from, gzip)
		if err := slow.run(); err != nil {
			return err
		}
		b.add(slow)
		b.goal(name+": build by mksquashfs gzip, wall", ours.wall()/slow.wall(), 0.1, "")
		b.goal(name+": size by the same", size(image)/size(gzip), 1, "")
	}
	return b.read(name, image, layer)
}

// read measures extracting, and opening and listing.
func (b *imageBench) read(name, image, layer string) error {
	to := filepath.Join(b.dir, "out")
	ours, err := part(name+": repro, extract", "image.extract", image, to)
	if err != nil {
		return err
	}
	peer := &subject{name: name + ": unsquashfs", argv: []string{"unsquashfs", "-q", "-n", "-d", to, layer}}
	for _, s := range []*subject{ours, peer} {
		s.before = func() error { return os.RemoveAll(to) }
	}
	defer removeAll(to)
	if err := alternate(b.rounds, ours, peer); err != nil {
		return err
	}
	open, err := part(name+": repro, open and list", "image.open", image)
	if err != nil {
		return err
	}
	if err := alternate(b.rounds, open); err != nil {
		return err
	}
	b.add(ours, peer)
	b.wall(name+": extract by unsquashfs", ours, peer, 1)
	b.goal(name+": open and list the objects", open.median(printed), 10, " ms")
	return nil
}

const editedFiles = 10_000

// rebuild measures building again after an edit, with a cache, by building
// without one.
func (b *imageBench) rebuild(from string) error {
	image, cache := filepath.Join(b.dir, "x.sif"), filepath.Join(b.dir, "cache")
	defer removeAll(image, cache)
	full, err := part("10,000 files: repro, build", "image.build", image, from, "")
	if err != nil {
		return err
	}
	again, err := part("10,000 files: repro, build after one changed", "image.build", image, from, cache)
	if err != nil {
		return err
	}
	edits := 0
	again.before = func() error {
		edits++
		return appendTo(fileName(from, editedFiles/2), strings.Repeat("an edit\n", edits))
	}
	if err := again.run(); err != nil { // fills the cache
		return err
	}
	again.runs = nil
	if err := alternate(b.rounds, full, again); err != nil {
		return err
	}
	b.add(full, again)
	b.wall("10,000 files: rebuild by build", again, full, 0.15)
	b.goal("10,000 files: rebuild by build, cpu", again.cpu()/full.cpu(), 0.15, "")
	return nil
}

func mksquashfs(name, from, to string, flags ...string) *subject {
	return &subject{
		name:   name,
		argv:   append([]string{"mksquashfs", from, to, "-noappend", "-quiet", "-no-progress", "-all-root"}, flags...),
		before: func() error { removeAll(to); return nil },
	}
}

func (b *imageBench) add(s ...*subject) { b.subjects = append(b.subjects, s...) }

func (b *imageBench) goal(measure string, got, want float64, unit string) {
	b.goals = append(b.goals, goal{measure: measure, got: got, want: want, unit: unit})
}

// wall adds a goal for the wall time of one by that of the other.
func (b *imageBench) wall(measure string, ours, peer *subject, want float64) {
	b.goals = append(b.goals, goal{measure: measure + ", wall", got: best(ours, peer), want: want, median: ratio(ours, peer)})
}

// printed is the number that a part prints.
func printed(m measure) float64 {
	n, _ := strconv.ParseFloat(m.out, 64) // parts of this program print one
	return n
}

func size(name string) float64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0 // missing: the ratio says so
	}
	return float64(info.Size())
}

func removeAll(names ...string) {
	for _, name := range names {
		os.RemoveAll(name)
	}
}
