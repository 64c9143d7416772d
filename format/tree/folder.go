package tree

import (
	"context"
	"fmt"
	"path"
	"sync/atomic"
)

// folder is a directory that is being filled.
type folder struct {
	named
	*place
	above *folder
	late  bool // a hard link will be made in it, or below
	refs  atomic.Int32
}

// newFolder returns a folder that is held once. The last who held it closes it.
func newFolder(e named, in *place, above *folder) *folder {
	f := &folder{named: e, place: in, above: above}
	f.hold()
	return f
}

func (f *folder) hold() { f.refs.Add(1) }

// release is leave after a failure.
func (f *folder) release() {
	if f.refs.Add(-1) == 0 {
		f.close()
	}
}

// directory makes what f holds, and leaves it.
func (x *extractor) directory(ctx context.Context, f *folder) error {
	x.dirs = append(x.dirs, f)
	err := x.entries(ctx, f)
	if left := x.leave(f); err == nil {
		err = left
	}
	return err
}

func (x *extractor) entries(ctx context.Context, f *folder) error {
	for _, base := range f.node.Names() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := checkName(base); err != nil {
			return fmt.Errorf("%q: %w", path.Join(f.name, base), err)
		}
		e := named{base, f.node.Entries[base]}
		if f.name != "" {
			e.name = f.name + "/" + base
		}
		if err := x.entry(ctx, e, base, f); err != nil {
			return err
		}
	}
	return nil
}

// leave is for each who held f. The last sets what it looks like.
func (x *extractor) leave(f *folder) error {
	if f.refs.Add(-1) > 0 {
		return nil
	}
	defer f.close()
	if f.late {
		return nil
	}
	return x.attributes(f.named, ".", f.place)
}

func (x *extractor) entry(ctx context.Context, e named, base string, in *folder) error {
	if e.node.IsDir() {
		sub, err := in.mkdir(base)
		if err != nil {
			return nameError(e.name, err)
		}
		return x.directory(ctx, newFolder(e, sub, in))
	}
	if first, ok := x.made[e.node]; ok {
		if first != "" {
			x.links = append(x.links, link{first, e.name})
			for f := in; f != nil && !f.late; f = f.above {
				f.late = true
			}
		}
		return nil
	}
	x.made[e.node] = e.name
	if !e.node.Mode.IsRegular() {
		return x.special(e, base, in.place)
	}
	return x.add(ctx, fileJob{e, in})
}

// finishDir sets what a directory looks like. Directories above it still have
// the mode that Extract made them with, as it has itself.
func (x *extractor) finishDir(d named) error {
	in, err := openPlace(x.top, path.Clean("./"+d.name))
	if err != nil {
		return nameError(d.name, err)
	}
	defer in.close()
	return x.attributes(d, ".", in)
}
