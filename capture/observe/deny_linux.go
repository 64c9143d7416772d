//go:build linux && (amd64 || arm64)

package observe

import (
	"path"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// deny answers what would change the machine, and remembers where.
func (v *view) deny(id uint64, name string) fuse.Status {
	if n := v.node(id); n != nil {
		v.mu.Lock()
		if len(v.denied) < 100 {
			v.denied[path.Join(n.file.Path, name)] = true
		}
		v.mu.Unlock()
	}
	return fuse.EROFS
}

func (v *view) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, _ *fuse.AttrOut) fuse.Status {
	return v.deny(in.NodeId, "")
}

func (v *view) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, _ *fuse.EntryOut) fuse.Status {
	return v.deny(in.NodeId, name)
}

func (v *view) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, _ *fuse.EntryOut) fuse.Status {
	return v.deny(in.NodeId, name)
}

func (v *view) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, _ *fuse.CreateOut) fuse.Status {
	return v.deny(in.NodeId, name)
}

func (v *view) Unlink(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return v.deny(h.NodeId, name)
}

func (v *view) Rmdir(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	return v.deny(h.NodeId, name)
}

func (v *view) Rename(_ <-chan struct{}, in *fuse.RenameIn, _, name string) fuse.Status {
	return v.deny(in.Newdir, name)
}

func (v *view) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, _ *fuse.EntryOut) fuse.Status {
	return v.deny(in.NodeId, name)
}

func (v *view) Symlink(_ <-chan struct{}, h *fuse.InHeader, _, name string, _ *fuse.EntryOut) fuse.Status {
	return v.deny(h.NodeId, name)
}

func (v *view) Write(_ <-chan struct{}, in *fuse.WriteIn, _ []byte) (uint32, fuse.Status) {
	return 0, v.deny(in.NodeId, "")
}
