//go:build linux && (amd64 || arm64)

package sandbox

import (
	"os"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// setup is what one sandbox is started with: the request to process 1, and what
// goes with it.
type setup struct {
	req     *inside.Request
	files   []*os.File // that process 1 gets, in the order of their numbers
	owned   []*os.File // those of them that nobody else closes
	folders bool       // whether folders of the machine's are bound
	group   *group     // control group of the program; nil, because of noGroup
	noGroup error
	lowest  *served // nil: no layer is served
	input   *conversation
}

// attach sends a file along with the request and returns its number there.
func (p *setup) attach(f *os.File) int {
	p.files = append(p.files, f)
	return len(p.files)
}

// own makes a file of a descriptor; close closes it.
func (p *setup) own(fd int, name string) *os.File {
	f := os.NewFile(uintptr(fd), name)
	p.owned = append(p.owned, f)
	return f
}

// gather opens and makes everything that the sandbox needs. The caller calls
// close, also if it fails.
func (p *setup) gather(c *Command, process *Process, output *pipes) (err error) {
	if err := p.addLayers(c); err != nil {
		return err
	}
	p.req.Stdout, p.req.Stderr = p.attach(output.stdout), p.attach(output.stderr)
	if c.Mounts != nil {
		more, err := c.Mounts()
		if err != nil {
			return err
		}
		p.owned = append(p.owned, more...)
		for _, m := range more {
			p.req.Lower = append(p.req.Lower, inside.Source{File: p.attach(m)})
		}
	}
	if err := p.addBinds(c); err != nil {
		return err
	}
	p.req.Filter = encoded(compile(rulesFor(c.Net, p.folders), allowed))
	<-process.started
	if process.err != nil {
		return process.err
	}
	if p.noGroup = process.groups; p.noGroup == nil {
		if p.group, p.noGroup = newGroup(c.Limits, len(c.CPUs)); p.group != nil {
			p.req.Group = p.attach(p.group.procs)
		}
	}
	if p.input, err = newConversation(c); err != nil {
		return err
	}
	if p.input.stdin != nil {
		p.req.Stdin = p.attach(p.input.stdin)
	}
	if p.input.inner != nil {
		p.req.Terminal = p.attach(p.input.inner)
	}
	if c.Serve != nil {
		if p.lowest, err = serveLowest(); err != nil {
			p.input.close()
			return err
		}
		p.req.Lower = append(p.req.Lower, p.lowest.source(p.attach(p.lowest.inner)))
	}
	return nil
}

// addLayers fills in the request and opens the layers, which process 1, an
// ordinary user, might not reach.
func (p *setup) addLayers(c *Command) error {
	p.req = &inside.Request{
		Overlay: c.Scratch != "",
		Args:    c.Args, Dir: c.Dir, Env: c.Env, Inputs: c.Inputs, Outputs: c.Outputs,
		Limits: c.Limits, Memory: memoryOf(c.Limits), CPUs: c.CPUs, Net: c.Net, WithoutProc: c.WithoutProc,
		Devices: c.Devices, Processors: c.Processors, FixedAddresses: c.FixedAddresses,
	}
	for _, dir := range c.Lower {
		s, err := p.open(dir)
		if err != nil {
			return err
		}
		p.req.Lower = append(p.req.Lower, s)
	}
	if !p.req.Overlay {
		return nil
	}
	var err error
	p.req.Scratch, err = p.open(c.Scratch)
	return err
}

func (p *setup) open(dir string) (inside.Source, error) {
	if !owner().drop {
		return inside.Source{Path: dir}, nil
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return inside.Source{}, &UnavailableError{What: "open a layer", Err: &os.PathError{Op: "open_tree", Path: dir, Err: err}, Hint: setupHint("", err)}
	}
	return inside.Source{File: p.attach(p.own(fd, dir))}, nil
}

// close closes what gather opened.
func (p *setup) close() {
	if p.group != nil {
		p.group.remove()
	}
	for _, f := range p.owned {
		f.Close()
	}
}
