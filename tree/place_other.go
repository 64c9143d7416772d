//go:build !linux

package tree

import (
	"errors"
	"time"
)

func (p *place) makeNode(string, *Node) error { return errors.ErrUnsupported }

// setTime leaves links aside: their time cannot be set here.
func (p *place) setTime(name string, t time.Time, link bool) error {
	if link {
		return nil
	}
	return p.root.Chtimes(name, t, t)
}

func (p *place) setXattr(string, string, []byte) error { return errors.ErrUnsupported }
