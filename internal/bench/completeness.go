package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// completeness is what became of an experiment on its way to a bare machine.
type completeness struct {
	commands int      // that the author typed, to a signed image
	lines    int      // of the recipe that the author wrote
	read     int      // files that strace saw from the outside
	absent   []string // those of them that are not in the image, or have other contents there
	verdict  string   // what the reviewer's run said last
	again    bool     // every published result was reproduced
	size     int64
}

var allReproduced = regexp.MustCompile(`(?m)^reproduced ([1-9]\d*) of (\d+) published results?`)

// complete plays an experiment: the author runs it, captures it, builds and signs
// an image; a reviewer without any of it on the machine, and who is another
// user, runs that. What the run reads is seen by strace, from the outside.
func (p *play) complete(repro, key, self string) (*completeness, error) {
	for range 2 { // first runs leave caches in the home folder, which later ones use
		if err := p.command(p.run...); err != nil {
			return nil, err
		}
	}
	read, err := p.filesRead()
	if err != nil {
		return nil, fmt.Errorf("strace: %w", err)
	}
	image := filepath.Join(p.base, "paper.sif")
	c := &completeness{read: len(read)}
	for _, argv := range [][]string{
		append([]string{repro, "capture", "--"}, p.run...),
		{repro, "build", "--key", key + ".key", "-o", image},
	} {
		c.commands++
		if err := p.command(argv...); err != nil {
			return nil, err
		}
	}
	root := filepath.Join(p.base, "root")
	if err := p.command(repro, "extract", image, "-o", root); err != nil {
		return nil, err
	}
	if c.absent, err = p.absent(read, root); err != nil {
		return nil, err
	}
	info, err := os.Stat(image)
	if err != nil {
		return nil, err
	}
	c.size = info.Size()
	c.verdict, err = onBareRoot(self, repro, image, key+".pub", filepath.Join(p.base, "bare"))
	found := allReproduced.FindStringSubmatch(c.verdict)
	c.again = err == nil && found != nil && found[1] == found[2]
	return c, nil
}

// Lines of strace -y: what was opened is named behind the descriptor, wherever
// the name that the program gave led; a program is named in its call.
var (
	openedLine   = regexp.MustCompile(`= \d+<(/[^>]*)>$`)
	executedLine = regexp.MustCompile(`\bexecve(?:at)?\((?:AT_FDCWD[^,]*, )?"(/[^"]*)"`)
	onlyWritten  = regexp.MustCompile(`O_WRONLY|O_TRUNC|O_CREAT\|O_EXCL|O_PATH`)
)

// filesRead runs the experiment under strace and returns the regular files that
// were there before and which it opened to read, or executed.
func (p *play) filesRead() (read []string, err error) {
	log := filepath.Join(p.base, "strace")
	start := time.Now()
	if err := p.command(append([]string{"strace", "-f", "-y", "-qq", "-s", "4096", "-e", "trace=open,openat,openat2,execve,execveat", "-o", log}, p.run...)...); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		name := ""
		if m := openedLine.FindSubmatch(line); m != nil && !onlyWritten.Match(line) {
			name = string(m[1])
		} else if m := executedLine.FindSubmatch(line); m != nil {
			name, _ = filepath.EvalSymlinks(string(m[1]))
		}
		if name == "" || seen[name] {
			continue
		}
		seen[name] = true
		info, err := os.Lstat(name)
		if err == nil && info.Mode().IsRegular() && info.ModTime().Before(start) && !ofTheMachine(name) {
			read = append(read, name)
		}
	}
	if len(read) == 0 {
		return nil, errors.New("saw no file read")
	}
	slices.Sort(read)
	return read, nil
}

// ofTheMachine knows what every image has of its own, or none has.
func ofTheMachine(name string) bool {
	for _, dir := range []string{"/proc/", "/sys/", "/dev/", "/run/", "/tmp/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return slices.Contains([]string{"/etc/passwd", "/etc/group", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/machine-id", "/etc/ld.so.cache"}, name)
}

// absent lists the files that are not in the extracted image as they are here.
func (p *play) absent(read []string, root string) (names []string, err error) {
	for _, name := range read {
		at := filepath.Join(root, name)
		if rel, own := strings.CutPrefix(name, p.folder+"/"); own {
			at = filepath.Join(root, "paper", rel)
		}
		here, err := fileSum(name)
		if err != nil {
			return nil, err
		}
		there, err := fileSum(at)
		if err != nil || here != there {
			names = append(names, name)
		}
	}
	return names, nil
}

func fileSum(name string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return [sha256.Size]byte(h.Sum(nil)), err
}

// onBareRoot has this program, self, run an image as user 65534 where there is
// nothing but repro, the image and the author's public key.
func onBareRoot(self, repro, image, key, root string) (verdict string, err error) {
	for _, dir := range []string{"proc", "dev", "sys", "tmp", "out"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return "", err
		}
		if dir == "tmp" || dir == "out" {
			if err := os.Chmod(filepath.Join(root, dir), 0o777); err != nil {
				return "", err
			}
		}
	}
	for from, to := range map[string]string{repro: "repro", image: "paper.sif", key: "author.pub"} {
		if err := linkOrCopy(from, filepath.Join(root, to)); err != nil {
			return "", err
		}
	}
	cmd := exec.Command(self, "capture.bare", root, "/repro", "run", "--key", "/author.pub", "/paper.sif", "-o", "/out/run")
	cmd.Env = []string{"HOME=/out", "PATH=/"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o755)
}

// benchComplete plays experiments in a folder that is gone afterwards.
func benchComplete(place, repro, only string) ([]goal, error) {
	dir, err := os.MkdirTemp(place, "repro-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	return captureComplete(dir, repro, strings.FieldsFunc(only, func(r rune) bool { return r == ',' }))
}

// captureComplete plays all experiments whose programs this machine has.
func captureComplete(dir, repro string, only []string) (goals []goal, err error) {
	all, err := readExperiments()
	if err != nil {
		return nil, err
	}
	key := filepath.Join(dir, "author")
	cmd := exec.Command(repro, "key", "new", "--no-passphrase", key)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("key: %w\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	played, absent, again := 0, 0, 0
	for _, e := range all {
		if len(only) > 0 && !slices.Contains(only, e.name) {
			continue
		}
		if lacks := e.missing(); lacks != "" {
			fmt.Printf("%-10s not played: this machine has no %s\n", e.name, lacks)
			continue
		}
		played++
		p, err := e.setUp(filepath.Join(dir, e.name))
		if err != nil {
			fmt.Printf("%-10s not set up: %v\n", e.name, err)
			continue
		}
		c, err := p.complete(repro, key, self)
		if err != nil {
			fmt.Printf("%-10s %v\n", e.name, err)
			continue
		}
		fmt.Printf("%-10s %d commands, %d lines; %d files read, %d absent %q; %.1f MB; reproduced: %t\n", e.name, c.commands, c.lines, c.read, len(c.absent), c.absent, float64(c.size)/1e6, c.again)
		if !c.again {
			fmt.Println(c.verdict)
			continue
		}
		again++
		absent += len(c.absent)
	}
	return []goal{
		{measure: fmt.Sprintf("%d experiments: files read and absent from the image", played), got: float64(absent), want: 0},
		{measure: fmt.Sprintf("%d experiments: not reproduced on a bare root", played), got: float64(played - again), want: 0},
	}, nil
}
