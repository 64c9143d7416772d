//go:build linux && (amd64 || arm64)

package sandbox

import (
	"fmt"
	"os"

	"repro/internal/sandbox/inside"
)

// addBinds adds what c binds to the request. Files that only the caller, root,
// may open are opened here.
func (p *setup) addBinds(c *Command) error {
	for _, b := range c.Binds {
		info, err := os.Stat(b.Source)
		if err != nil {
			return fmt.Errorf("bind: %w", err)
		}
		out := inside.Bind{Source: inside.Source{Path: b.Source}, Target: b.Target, Write: b.Write, Dir: info.IsDir()}
		if !info.Mode().IsRegular() && info.Mode()&os.ModeCharDevice == 0 {
			p.folders = true
		}
		if owner().drop {
			fd, err := inside.CloneTree(b.Source)
			if err != nil {
				return fmt.Errorf("bind %s: %w", b.Source, err)
			}
			out.Source = inside.Source{File: p.attach(p.own(fd, b.Source))}
		}
		p.req.Binds = append(p.req.Binds, out)
	}
	return nil
}
