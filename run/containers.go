package run

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"repro/engine"
	"repro/engine/container"
	"repro/engine/local"
)

// Container is what engines need that run each worker in a container of the image:
// its step has the container's root, which the worker compares with the image
// before. SPEC.md, RUN-50.
type Container struct {
	Ref     string                                       // what the image is called as a container's
	Export  func(ctx context.Context, file string) error // writes it, as an archive with that name
	DryRun  io.Writer                                    // if not nil, gets what would be submitted, and nothing is run
	Program string                                       // this program, static and for Linux, a path of this machine

	// Command returns the command lines of workers, as Spread.Command. At says
	// where a file of this machine lies in a container.
	Command func(at func(file string) (string, error)) (func(step, folder string) []string, error)
}

// placement is what an engine that runs containers starts from.
type placement struct {
	where   string
	options []string
	logs    string
	dir     string // of the run
	image   string // file
	*Container
}

// contained is such an engine.
type contained struct {
	engine.Engine
	at      func(file string) (string, error)
	prepare func(ctx context.Context) error // before jobs are submitted; nil: nothing
}

// enter has workers run in containers: it says what they are called there.
func (w *waiter) enter(ctx context.Context) error {
	c := w.contained
	if c == nil {
		return nil
	}
	if w.Container == nil {
		return fmt.Errorf("%s: nothing says what the container is made of", w.Spread.Engine)
	}
	folder, err := c.at(w.options.Dir)
	if err != nil {
		return err
	}
	command, err := w.Container.Command(c.at)
	if err != nil {
		return err
	}
	w.Command = func(step, _ string) []string { return command(step, folder) }
	if c.prepare != nil {
		return c.prepare(ctx)
	}
	return nil
}

// IsContained reports whether an engine runs workers in containers.
func IsContained(name string) bool {
	row, _, err := findEngine(name)
	return err == nil && row.contain != nil
}

// ContainerPrograms are the engines, of those that can be named, which work on this
// machine in place of a sandbox.
func ContainerPrograms(ctx context.Context) (names []string) {
	for _, name := range []string{"podman", "docker"} {
		if container.Check(ctx, name) == nil {
			names = append(names, name)
		}
	}
	return names
}

// openContainers is the engine podman, or docker.
func openContainers(program string) func(placement) (*contained, error) {
	return func(p placement) (*contained, error) {
		own, extra, err := ownOptions(p.options, "program", "image")
		if err != nil {
			return nil, err
		}
		o := container.Options{Program: program, Extra: extra, Job: jobVariable(program), Logs: p.logs, Limits: limits(Options{})}
		m := mounts{dir: p.dir, image: p.image, list: &[]container.Mount{}}
		c := &contained{at: m.at}
		if p.Container != nil {
			o.Image, m.program = p.Ref, p.Program
			if own["program"] != "" {
				m.program = own["program"]
			}
			if err := checkProgram(m.program); err != nil {
				return nil, err
			}
			export := p.Export
			c.prepare = func(ctx context.Context) error { return container.Provide(ctx, program, p.Ref, export) }
			if own["image"] != "" {
				o.Image, c.prepare = own["image"], nil
			}
			c.at = func(file string) (string, error) {
				if file == p.Program {
					file = m.program
				}
				return m.at(file)
			}
		}
		e, err := container.New(context.Background(), o, m.list)
		if err != nil {
			return nil, err
		}
		c.Engine = e
		return c, nil
	}
}

// splitOptions takes those of the form name=value, which are for the engine, from
// those that begin with a hyphen, which are for its program.
func splitOptions(options []string) (own map[string]string, extra []string) {
	own = map[string]string{}
	for _, o := range options {
		if name, value, ok := strings.Cut(o, "="); ok && !strings.HasPrefix(o, "-") {
			own[name] = value
		} else {
			extra = append(extra, o)
		}
	}
	return own, extra
}

// jobVariable is the variable in which a job finds what its engine calls it.
func jobVariable(engine string) string {
	return "REPRO_JOB_" + strings.ToUpper(strings.ReplaceAll(engine, "-", "_"))
}

func jobIn(engine string) func() string {
	return func() string { return os.Getenv(jobVariable(engine)) }
}

// mounts show files of this machine in the folder of containers that steps cannot
// look into.
type mounts struct {
	dir, image, program string
	list                *[]container.Mount
}

// at returns where a file lies in containers, and mounts it there.
func (m *mounts) at(file string) (string, error) {
	target := ""
	switch file {
	case m.dir:
		target = local.ContainerDir + "/run"
	case m.image:
		target = local.ContainerDir + "/image.sif"
	case m.program:
		target = local.ContainerDir + "/repro"
	default:
		target = fmt.Sprintf("%s/files/%d/%s", local.ContainerDir, len(*m.list), filepath.Base(file))
	}
	for _, had := range *m.list {
		if had.Source == file {
			return had.Target, nil
		}
	}
	if strings.ContainsAny(file, ",\"\n") {
		return "", fmt.Errorf("%q: cannot be shown to a container: its name has a comma, a quote or an end of line", file)
	}
	*m.list = append(*m.list, container.Mount{Source: file, Target: target, Write: file == m.dir})
	return target, nil
}

// checkProgram refuses what no container could execute.
func checkProgram(name string) error {
	f, err := elf.Open(name)
	if err != nil {
		return &engine.MachineError{Err: fmt.Errorf("%s: is no program for Linux: %w", name, err),
			Hint: "name this program as it is for Linux: --engine-option program=FILE"}
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return &engine.MachineError{Err: errors.New(name + ": is not static: a container may lack what it needs"),
				Hint: "build it with CGO_ENABLED=0, or name another: --engine-option program=FILE"}
		}
	}
	return nil
}
