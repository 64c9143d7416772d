package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// goPackage is the package under test.
type goPackage struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Module     struct{ Path, Dir string }

	tests string // only those whose names match this, as go test -run has it
}

func load(ctx context.Context, pattern string) (*goPackage, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-json=ImportPath,Dir,GoFiles,Module", pattern).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", pattern, described(err))
	}
	var p goPackage
	return &p, json.Unmarshal(out, &p)
}

// pace is how long a package's tests take.
type pace struct{ whole, short time.Duration }

// limits are the flags and the time that a mutant's tests get, run by run: the
// short tests come first where that saves time, for they kill most mutants.
func (t pace) limits() (runs []testRun) {
	if 2*t.short < t.whole {
		runs = append(runs, testRun{"-test.short", 10*t.short + 30*time.Second})
	}
	return append(runs, testRun{"-test.short=false", 10*t.whole + 30*time.Second})
}

type testRun struct {
	flag  string
	limit time.Duration
}

// cover runs the package's tests as they are. They must pass. It returns the
// lines that they reach and how long they took, without the build.
func (p *goPackage) cover(ctx context.Context, scratch string) (lines, pace, error) {
	var took pace
	binary, profile := filepath.Join(scratch, "test"), filepath.Join(scratch, "cover")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-cover", "-o", binary, p.ImportPath)
	if out, err := build.CombinedOutput(); err != nil {
		return nil, took, fmt.Errorf("the tests of %s do not compile as they are:\n%s", p.ImportPath, out)
	}
	for flag, took := range map[string]*time.Duration{"-test.short": &took.short, "-test.coverprofile=" + profile: &took.whole} {
		began := time.Now()
		run := exec.CommandContext(ctx, binary, flag, "-test.run="+p.tests)
		run.Dir = p.Dir
		if out, err := run.CombinedOutput(); err != nil {
			return nil, pace{}, fmt.Errorf("the tests of %s fail as they are:\n%s", p.ImportPath, out)
		}
		*took = time.Since(began)
	}
	b, err := os.ReadFile(profile)
	if err != nil {
		return nil, took, err
	}
	return p.reached(b), took, nil
}

// lines says of each file's lines in blocks of statements whether tests reach
// them.
type lines map[string]map[int]bool

// has reports whether tests may reach m. A line in no block may be reached: the
// conditions of a switch are such.
func (l lines) has(m mutant) bool {
	reached, known := l[m.file][m.line]
	return reached || !known
}

// reached reads a cover profile: "module/dir/file.go:1.2,3.4 statements count".
func (p *goPackage) reached(profile []byte) lines {
	out := lines{}
	for scan := bufio.NewScanner(bytes.NewReader(profile)); scan.Scan(); {
		name, rest, ok := strings.Cut(scan.Text(), ":")
		var from, fromColumn, to, toColumn, statements, count int
		if n, _ := fmt.Sscanf(rest, "%d.%d,%d.%d %d %d", &from, &fromColumn, &to, &toColumn, &statements, &count); !ok || n != 6 {
			continue
		}
		file := filepath.Join(p.Module.Dir, strings.TrimPrefix(name, p.Module.Path+"/"))
		if out[file] == nil {
			out[file] = map[int]bool{}
		}
		for line := from; line <= to; line++ {
			out[file][line] = out[file][line] || count > 0
		}
	}
	return out
}

func (p *goPackage) mutants() []mutant {
	var all []mutant
	for _, name := range p.GoFiles {
		file := filepath.Join(p.Dir, name)
		source, err := os.ReadFile(file)
		if err != nil {
			continue // named by go list, gone since
		}
		found, err := mutantsOf(file, source)
		if err == nil {
			all = append(all, found...)
		}
	}
	return all
}

// outcome is what became of a mutant.
type outcome int

const (
	killed   outcome = iota // the package's own tests fail or do not end
	survived                // they pass
	void                    // it does not compile: nobody could commit it, so it counts for nothing
)

// try runs the package's tests with the mutant in place.
func (p *goPackage) try(ctx context.Context, m mutant, scratch string, runs []testRun) (outcome, error) {
	if err := os.Mkdir(scratch, 0o755); err != nil {
		return void, err
	}
	defer os.RemoveAll(scratch)
	source, err := os.ReadFile(m.file)
	if err != nil {
		return void, err
	}
	changed, overlay, binary := filepath.Join(scratch, "mutant.go"), filepath.Join(scratch, "overlay.json"), filepath.Join(scratch, "test")
	if err := os.WriteFile(changed, m.apply(source), 0o644); err != nil {
		return void, err
	}
	b, err := json.Marshal(map[string]any{"Replace": map[string]string{m.file: changed}})
	if err != nil {
		return void, err
	}
	if err := os.WriteFile(overlay, b, 0o644); err != nil {
		return void, err
	}
	build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay="+overlay, "-o", binary, p.ImportPath)
	if out, err := build.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return void, ctx.Err()
		}
		if bytes.Contains(out, []byte(changed)) || bytes.Contains(out, []byte(filepath.Base(m.file))) {
			return void, nil
		}
		return void, fmt.Errorf("%s: %w\n%s", m, err, out)
	}
	for _, r := range runs {
		passed, err := p.passes(ctx, binary, r, scratch)
		if err != nil {
			return void, err
		}
		if !passed {
			return killed, nil
		}
	}
	return survived, nil
}

// passes reports whether the tests in binary pass.
func (p *goPackage) passes(ctx context.Context, binary string, r testRun, scratch string) (bool, error) {
	within, stop := context.WithTimeout(ctx, r.limit)
	defer stop()
	run := exec.CommandContext(within, binary, r.flag, "-test.run="+p.tests, "-test.failfast", "-test.timeout="+r.limit.String())
	run.Dir, run.Env = p.Dir, append(os.Environ(), "TMPDIR="+scratch)
	run.WaitDelay = time.Second
	err := run.Run()
	return err == nil, ctx.Err()
}

// described adds what a command wrote on standard error.
func described(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	return err
}
