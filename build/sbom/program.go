package sbom

import (
	"bytes"
	"debug/buildinfo"
	"io"

	"repro/format/tree"
)

// maxProgram bounds the programs that are searched for Go's build information.
const maxProgram = 256 << 20

// programs counts the files that no package lists, and asks the programs among
// them for the modules that Go built them of.
func (r *reader) programs() error {
	return r.unowned(func(name string, n *tree.Node) error {
		r.inv.Unowned++
		if n.Mode&0o111 == 0 || n.Size < 1<<16 || n.Size > maxProgram || !isELF(n) {
			return r.ctx.Err()
		}
		b, err := content("/"+name, n, maxProgram)
		if err != nil {
			return err
		}
		info, err := buildinfo.Read(bytes.NewReader(b))
		if err != nil {
			return nil // not Go's
		}
		modules := append(info.Deps, &info.Main)
		for _, m := range modules {
			if m == nil || m.Path == "" {
				continue
			}
			if m.Replace != nil {
				m = m.Replace
			}
			if err := r.add(Package{Kind: Go, Name: m.Path, Version: m.Version, Where: "/" + name}); err != nil {
				return err
			}
		}
		return r.add(Package{Kind: Go, Name: "stdlib", Version: info.GoVersion, Where: "/" + name})
	})
}

func isELF(n *tree.Node) bool {
	f, err := n.Open()
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && hasPrefix(magic[:], elf)
}
