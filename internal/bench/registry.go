package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// benchRegistry measures what goes to and from a registry, that of Debian's package
// docker-registry on this machine, beside skopeo, which copies the container image
// that repro export makes.
func benchRegistry(args []string) error {
	b := &registryBench{}
	flags := flag.NewFlagSet("registry", flag.ContinueOnError)
	flags.StringVar(&b.dir, "dir", os.TempDir(), "work in a new folder in this one")
	flags.Int64Var(&b.data, "data", 1<<30, "bytes of the image that is pushed and pulled")
	flags.Int64Var(&b.large, "large", 4<<30, "bytes of the image that is run where it lies")
	flags.IntVar(&b.rounds, "rounds", 3, "runs of each")
	cases := flags.String("cases", "copies,versions,place", "what to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if b.dir, err = os.MkdirTemp(b.dir, "repro-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	stop, err := b.start()
	if err != nil {
		return err
	}
	defer stop()
	all := map[string]func() error{"copies": b.copies, "versions": b.versions, "place": b.inPlace}
	for name := range strings.SplitSeq(*cases, ",") {
		if all[name] == nil {
			return fmt.Errorf("%s: want copies, versions or place", name)
		}
		if err := all[name](); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := printRuns(os.Stdout, b.subjects...); err != nil {
		return err
	}
	return printGoals(os.Stdout, b.goals)
}

type registryBench struct {
	dir         string
	data, large int64
	rounds      int
	repro, host string
	subjects    []*subject
	goals       []goal
}

func (b *registryBench) path(name string) string { return filepath.Join(b.dir, name) }

// start builds the program and starts the registry.
func (b *registryBench) start() (stop func(), err error) {
	b.repro = b.path("repro")
	build := exec.Command("go", "build", "-o", b.repro, "./cmd/repro")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.host = l.Addr().String()
	l.Close()
	config := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n", b.path("registry"), b.host)
	if err := os.WriteFile(b.path("config.yml"), []byte(config), 0o666); err != nil {
		return nil, err
	}
	server := exec.Command("docker-registry", "serve", b.path("config.yml"))
	if err := server.Start(); err != nil {
		return nil, err
	}
	stop = func() { _ = server.Process.Kill(); _ = server.Wait() }
	for range 200 {
		if c, err := net.Dial("tcp", b.host); err == nil {
			return stop, c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	return nil, errors.New("docker-registry does not start")
}

// image builds one with so much data that no compressor shortens.
func (b *registryBench) image(name string, data int64, change string) (string, error) {
	experiment, image := b.path(name), b.path(name+".sif")
	recipe := "repro: 1\ntitle: A bench\nauthors: [Nobody]\nlicence: MIT\ndate: 2026-01-02\nenvironment: {host: [sh, cat]}\ndata: [big/]\ncode: [small]\n" +
		"steps:\n  - {name: one, command: [cat, small]}\n"
	if err := makeNoise(filepath.Join(experiment, "big"), 4, data/4); err != nil {
		return "", err
	}
	err := errors.Join(
		os.WriteFile(filepath.Join(experiment, "repro.yaml"), []byte(recipe), 0o666),
		os.WriteFile(filepath.Join(experiment, "small"), []byte(change), 0o666),
	)
	if err != nil {
		return "", err
	}
	if out, err := exec.Command(b.repro, "build", experiment, "-o", image).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return image, os.RemoveAll(experiment)
}

// fresh forgets what both programs know of the registry, and what is in folders.
func (b *registryBench) fresh(folders ...string) func() error {
	return func() error {
		var all error
		for _, name := range append(folders, "home") {
			all = errors.Join(all, os.RemoveAll(b.path(name)))
		}
		return errors.Join(all, os.MkdirAll(b.path("home"), 0o755))
	}
}

// both is a command of ours beside one of skopeo's. Their caches are b's.
func (b *registryBench) both(name string, ours, theirs []string, before func() error) (us, them *subject) {
	env := []string{"HOME=" + b.path("home"), "XDG_CACHE_HOME=" + b.path("home"), "XDG_DATA_HOME=" + b.path("home")}
	us = &subject{name: name + ": repro", argv: append([]string{b.repro}, ours...), env: env, before: before}
	them = &subject{name: name + ": skopeo copy", argv: append([]string{"skopeo", "copy", "-q", "--insecure-policy"}, theirs...), env: env, before: before}
	b.subjects = append(b.subjects, us, them)
	return us, them
}

// copies pushes and pulls one image.
func (b *registryBench) copies() error {
	image, err := b.image("one", b.data, "1\n")
	if err != nil {
		return err
	}
	if out, err := exec.Command(b.repro, "export", image, "--oci", b.path("layout"), "--ref", "one").CombinedOutput(); err != nil {
		return fmt.Errorf("export: %w\n%s", err, out)
	}
	layout, ours, theirs := "oci:"+b.path("layout")+":one", "oci://"+b.host+"/ours/one:1", "docker://"+b.host+"/theirs/one:1"
	plain := "--dest-tls-verify=false"
	push, pushed := b.both("push", []string{"push", image, ours}, []string{plain, layout, theirs}, b.fresh("registry"))
	if err := alternate(b.rounds, push, pushed); err != nil {
		return err
	}
	for _, s := range []*subject{push, pushed} { // both are there now
		s.before = nil
		if err := s.run(); err != nil {
			return err
		}
		s.runs = s.runs[:len(s.runs)-1]
		s.before = b.fresh("registry")
	}
	back := b.path("back.sif")
	pull, pulled := b.both("pull", []string{"pull", ours, "-o", back}, []string{"--src-tls-verify=false", theirs, "oci:" + b.path("back") + ":one"}, b.fresh("back", "back.sif"))
	if err := alternate(b.rounds, pull, pulled); err != nil {
		return err
	}
	b.goals = append(b.goals,
		goal{measure: "push by skopeo's", got: best(push, pushed), want: 1, median: ratio(push, pushed)},
		goal{measure: "pull, verified, by skopeo's", got: best(pull, pulled), want: 1, median: ratio(pull, pulled)},
	)
	return errors.Join(b.fresh("registry", "back", "back.sif", "layout", "one.sif")())
}

// versions pushes two versions of a paper whose code differs.
func (b *registryBench) versions() error {
	var sent [2]int64
	var changed int64
	for i, text := range []string{"1\n", ""} {
		if i == 1 {
			noise, err := os.ReadFile(b.repro) // some layer of a size that a paper has
			if err != nil {
				return err
			}
			text = string(noise)
		}
		image, err := b.image("version", b.data/4, text)
		if err != nil {
			return err
		}
		out, err := exec.Command(b.repro, "push", "--split", "--json", image, fmt.Sprintf("oci://%s/split/paper:%d", b.host, i)).Output()
		if err != nil {
			return fmt.Errorf("push --split: %w", err)
		}
		var pushed struct{ Sent int64 }
		if err := json.Unmarshal(out, &pushed); err != nil {
			return err
		}
		sent[i] = pushed.Sent
		if changed, err = b.layer(image, "code"); err != nil {
			return err
		}
	}
	b.goals = append(b.goals, goal{measure: "second version: bytes sent by its changed layer", got: float64(sent[1]) / float64(changed), want: 1.01})
	return b.fresh("registry", "version.sif")()
}

// layer returns the size of a layer.
func (b *registryBench) layer(image, name string) (int64, error) {
	out, err := exec.Command(b.repro, "inspect", "--json", image).Output()
	if err != nil {
		return 0, err
	}
	var about struct {
		Objects []struct {
			Name string
			Size int64
		}
	}
	if err := json.Unmarshal(out, &about); err != nil {
		return 0, err
	}
	for _, o := range about.Objects {
		if o.Name == name {
			return o.Size, nil
		}
	}
	return 0, fmt.Errorf("%s: no layer %q", image, name)
}

var readForm = regexp.MustCompile(`([0-9]+) of [0-9]+ bytes of the image were read`)

// inPlace runs an image where it lies.
func (b *registryBench) inPlace() error {
	image, err := b.image("large", b.large, "1\n")
	if err != nil {
		return err
	}
	name := "oci://" + b.host + "/large/paper:1"
	if out, err := exec.Command(b.repro, "push", image, name).CombinedOutput(); err != nil {
		return fmt.Errorf("push: %w\n%s", err, out)
	}
	if err := b.fresh("large.sif")(); err != nil {
		return err
	}
	cmd := exec.Command(b.repro, "run", name, "-o", b.path("large.run"))
	cmd.Env = append(os.Environ(), "HOME="+b.path("home"), "XDG_CACHE_HOME="+b.path("home"))
	out, err := cmd.CombinedOutput()
	m := readForm.FindSubmatch(out)
	if err != nil || m == nil {
		return fmt.Errorf("run %s: %w\n%s", name, err, out)
	}
	read, err := strconv.ParseInt(string(m[1]), 10, 64)
	b.goals = append(b.goals, goal{measure: "run of a large image where it lies: bytes read", got: float64(read) / (1 << 20), want: 30, unit: " MiB"})
	return err
}
