package build

import (
	"bytes"
	"debug/elf"
	"io"
	"path"

	"repro/build/host"
	"repro/format/tree"
)

// archOf tells the architecture of a root filesystem by its programs: the
// first ELF file among the usual places of programs, "" if there is none.
func archOf(root *tree.Node) string {
	for _, name := range []string{"/bin/sh", "/usr/bin/env", "/bin/busybox"} {
		if _, n := follow(root, name); n != nil {
			if arch := elfArch(n); arch != "" {
				return arch
			}
		}
	}
	for _, dir := range []string{"/usr/bin", "/bin", "/usr/local/bin", "/sbin", "/"} {
		_, n := follow(root, dir)
		if n == nil {
			continue
		}
		for _, name := range n.Names() {
			if _, n := follow(root, path.Join(dir, name)); n != nil {
				if arch := elfArch(n); arch != "" {
					return arch
				}
			}
		}
	}
	return ""
}

// elfArch returns the architecture of an ELF file, or "".
func elfArch(n *tree.Node) string {
	if !n.Mode.IsRegular() || n.Size < 64 {
		return ""
	}
	r, err := n.Content()
	if err != nil {
		return ""
	}
	defer r.Close()
	head := make([]byte, 64)
	if _, err := io.ReadFull(r, head); err != nil || !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		return ""
	}
	return host.Arch(head)
}
