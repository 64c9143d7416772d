package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"repro/archive"
	"repro/format"
)

// bagitVersion is the release of the peer from PyPI.
const bagitVersion = "1.9.0"

// benchArchive measures making deposits beside bagit.py, which makes a bag
// with the same two hashes of the same payload: where that lies already, and
// after what else has to be done, verifying the image and copying the files.
func benchArchive(args []string) error {
	b := &archiveBench{}
	flags := flag.NewFlagSet("archive", flag.ContinueOnError)
	flags.StringVar(&b.dir, "dir", os.TempDir(), "work in a new folder in this one")
	flags.Int64Var(&b.large, "large", 4<<30, "bytes of the image of one large file")
	flags.Int64Var(&b.data, "data", 1<<30, "bytes of data in the image whose data are also plain files")
	flags.IntVar(&b.small, "small", 27_000, "files of the image of small files")
	flags.IntVar(&b.rounds, "rounds", 3, "runs of each")
	cases := flags.String("cases", "large,data,small", "what to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if b.dir, err = os.MkdirTemp(b.dir, "repro-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.programs(); err != nil {
		return err
	}
	for name := range strings.SplitSeq(*cases, ",") {
		if err := b.measure(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := printRuns(os.Stdout, b.subjects...); err != nil {
		return err
	}
	return printGoals(os.Stdout, b.goals)
}

type archiveBench struct {
	dir           string
	large, data   int64
	small, rounds int
	repro, bagit  string
	subjects      []*subject
	goals         []goal
}

// programs builds ours and installs the peer.
func (b *archiveBench) programs() error {
	b.repro = filepath.Join(b.dir, "repro")
	build := exec.Command("go", "build", "-o", b.repro, "./cmd/repro")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	venv := filepath.Join(b.dir, "venv")
	b.bagit = filepath.Join(venv, "bin", "bagit.py")
	for _, argv := range [][]string{
		{"python3", "-m", "venv", venv},
		{filepath.Join(venv, "bin", "pip"), "install", "-q", "bagit==" + bagitVersion},
	} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
		}
	}
	return nil
}

// measure makes one image and deposits of it beside bags of the same payload.
func (b *archiveBench) measure(name string) error {
	dir := filepath.Join(b.dir, name)
	defer os.RemoveAll(dir)
	image, err := b.image(name, dir)
	if err != nil {
		return err
	}
	deposit, linked, payload, bag := filepath.Join(dir, "deposit"), filepath.Join(dir, "linked"), filepath.Join(dir, "payload"), filepath.Join(dir, "bag")
	ours := &subject{name: name + ": repro archive", argv: []string{b.repro, "archive", "--unsigned", image, "-o", deposit}, before: func() error { return os.RemoveAll(deposit) }}
	link := &subject{name: name + ": repro archive --link", argv: []string{b.repro, "archive", "--unsigned", "--link", image, "-o", linked}, before: func() error { return os.RemoveAll(linked) }}
	if err := ours.run(); err != nil {
		return err
	}
	ours.runs = nil
	if out, err := exec.Command("cp", "-r", filepath.Join(deposit, "data"), payload).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w\n%s", err, out)
	}
	make := b.bagit + " --quiet --sha256 --sha512 "
	peer := &subject{name: name + ": bagit.py", argv: []string{"sh", "-c", make + payload}, before: func() error { return unbag(payload) }}
	same := &subject{
		name:   name + ": verify, copy, bagit.py",
		argv:   []string{"sh", "-c", b.repro + " verify " + image + " >/dev/null; cp -r " + payload + "/data " + bag + " && " + make + bag},
		before: func() error { return os.RemoveAll(bag) },
	}
	if err := alternate(b.rounds, ours, link, peer, same); err != nil {
		return err
	}
	b.subjects = append(b.subjects, ours, link, peer, same)
	memory := 400.0
	if name == "small" {
		memory = 200
	}
	b.goals = append(b.goals,
		goal{measure: name + ": by bagit.py on files that are there, wall", got: best(ours, peer), want: 0.5, median: ratio(ours, peer)},
		goal{measure: name + ": the same with --link", got: best(link, peer), want: 0.5, median: ratio(link, peer)},
		goal{measure: name + ": by verify, copy and bagit.py, wall", got: best(ours, same), want: 0.5, median: ratio(ours, same)},
		goal{measure: name + ": memory", got: ours.memory() / (1 << 20), want: memory, unit: " MiB"},
	)
	return b.traffic(name, image, dir)
}

// traffic adds goals for what system calls read and write, against the sizes
// of what goes in and out.
func (b *archiveBench) traffic(name, image, dir string) error {
	for _, link := range []string{"", "link"} {
		out := filepath.Join(dir, "traffic"+link)
		s, err := part(name+": traffic", "archive.traffic", image, out, link)
		if err != nil {
			return err
		}
		if err := s.run(); err != nil {
			return err
		}
		var read, written, payload int64
		if _, err := fmt.Sscan(s.runs[0].out, &read, &written, &payload); err != nil {
			return err
		}
		in := size(image)
		if link == "" {
			b.goals = append(b.goals,
				goal{measure: name + ": bytes read by the image's size", got: float64(read) / in, want: 1.1},
				goal{measure: name + ": bytes written by the payload's size", got: float64(written) / float64(payload), want: 1.1},
			)
			if payload < int64(in)*11/10 {
				b.goals = append(b.goals, goal{measure: name + ": bytes written by the image's size", got: float64(written) / in, want: 1.1})
			}
		} else {
			b.goals = append(b.goals, goal{measure: name + ": bytes written with --link, less plain files, by the image's size", got: max(0, float64(written)-float64(payload)+in) / in, want: 0.1})
		}
	}
	return nil
}

// archiveTraffic writes a deposit and prints what this process read and wrote
// in system calls, and the size of the payload.
func archiveTraffic(args []string) error {
	im, err := format.Open(args[0])
	if err != nil {
		return err
	}
	defer im.Close()
	report, err := archive.Write(context.Background(), im, args[1], archive.Options{Unsigned: true, Link: args[2] != ""})
	if err != nil {
		return err
	}
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return err
	}
	counts := map[string]string{}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		counts[key] = value
	}
	_, err = fmt.Println(counts["rchar"], counts["wchar"], report.Bytes)
	return err
}

// unbag makes plain files of a bag again.
func unbag(dir string) error {
	data := filepath.Join(dir, "data")
	if _, err := os.Stat(filepath.Join(dir, "bagit.txt")); err != nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != "data" {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.Rename(data, dir+".files"); err != nil {
		return err
	}
	return errors.Join(os.Remove(dir), os.Rename(dir+".files", dir))
}

// image builds the image of one case.
func (b *archiveBench) image(name, dir string) (string, error) {
	experiment := filepath.Join(dir, "experiment")
	recipe := "repro: 1\ntitle: A bench\nauthors: [Nobody]\nlicence: MIT\ndate: 2026-01-02\nsteps:\n  - {name: one, command: [sh, -c, \"true\"]}\n"
	var err error
	switch name {
	case "large":
		recipe += "environment: {rootfs: root}\n"
		if err = makeNoise(filepath.Join(experiment, "root/opt"), 4, b.large/4); err == nil {
			err = copyProgram("/bin/busybox", filepath.Join(experiment, "root/bin/sh"))
		}
	case "data":
		recipe += "environment: {host: [sh]}\ndata: [data/]\n"
		err = makeNoise(filepath.Join(experiment, "data"), 64, b.data/64)
	case "small":
		recipe += "environment: {host: [sh]}\ndata: [data/]\n"
		err = makeFiles(filepath.Join(experiment, "data"), "/usr/include", b.small, 512, 8<<10)
	default:
		err = errors.New("not a case: want large, data or small")
	}
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(experiment, "repro.yaml"), []byte(recipe), 0o666); err != nil {
		return "", err
	}
	image := filepath.Join(dir, "paper.sif")
	if out, err := exec.Command(b.repro, "build", experiment, "-o", image).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return image, os.RemoveAll(experiment)
}

// makeNoise makes n files of so many bytes that no compressor shortens.
func makeNoise(dir string, n int, bytes int64) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i := range n {
		src := rand.NewChaCha8([32]byte{byte(i)})
		if err := writeFrom(filepath.Join(dir, strconv.Itoa(i)+".bin"), io.LimitReader(src, bytes), bytes); err != nil {
			return err
		}
	}
	return nil
}

func copyProgram(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, b, 0o755))
}
