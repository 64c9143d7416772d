//go:build linux && (amd64 || arm64)

package sandbox

import (
	"os"

	"golang.org/x/sys/unix"

	"repro/internal/sandbox/inside"
)

// parts are the request and what goes with it.
type parts struct {
	req     *inside.Request
	files   []*os.File // that process 1 gets, in the order of their numbers
	owned   []*os.File // those of them that nobody else closes
	folders bool       // of the machine's are bound
	members *group     // nil, because of noGroup
	noGroup error
	lowest  *served // nil: no layer is served
	person  *conversation
}

// give has a file go with the request and returns its number there.
func (p *parts) give(f *os.File) int {
	p.files = append(p.files, f)
	return len(p.files)
}

// own makes a file of a descriptor that is closed by close.
func (p *parts) own(fd int, name string) *os.File {
	f := os.NewFile(uintptr(fd), name)
	p.owned = append(p.owned, f)
	return f
}

// gather makes all of it. What was made is closed by close, whatever comes of
// it, but for what begins only with the request.
func (p *parts) gather(c *Command, process *Process, output *pipes) (err error) {
	if err := p.begin(c); err != nil {
		return err
	}
	p.req.Stdout, p.req.Stderr = p.give(output.stdout), p.give(output.stderr)
	if c.Mounts != nil {
		more, err := c.Mounts()
		if err != nil {
			return err
		}
		p.owned = append(p.owned, more...)
		for _, m := range more {
			p.req.Lower = append(p.req.Lower, inside.Source{File: p.give(m)})
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
		if p.members, p.noGroup = newGroup(c.Limits, len(c.CPUs)); p.members != nil {
			p.req.Group = p.give(p.members.procs)
		}
	}
	if p.person, err = newConversation(c); err != nil {
		return err
	}
	if p.person.stdin != nil {
		p.req.Stdin = p.give(p.person.stdin)
	}
	if p.person.inner != nil {
		p.req.Terminal = p.give(p.person.inner)
	}
	if c.Serve != nil {
		if p.lowest, err = serveLowest(); err != nil {
			p.person.close()
			return err
		}
		p.req.Lower = append(p.req.Lower, p.lowest.source(p.give(p.lowest.inner)))
	}
	return nil
}

// begin opens as root what process 1, an ordinary user, could not reach.
func (p *parts) begin(c *Command) error {
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

func (p *parts) open(dir string) (inside.Source, error) {
	if !owner().drop {
		return inside.Source{Path: dir}, nil
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return inside.Source{}, &UnavailableError{What: "open a layer", Err: &os.PathError{Op: "open_tree", Path: dir, Err: err}, Hint: setupHint("", err)}
	}
	return inside.Source{File: p.give(p.own(fd, dir))}, nil
}

// close gives up what gather made.
func (p *parts) close() {
	if p.members != nil {
		p.members.remove()
	}
	for _, f := range p.owned {
		f.Close()
	}
}
