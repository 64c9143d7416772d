package diff

import (
	"io"
	"io/fs"
	"time"

	"repro/compare"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/report"
)

// maxShown bounds the files that are read in whole to show what changed in
// them, in bytes.
const maxShown = 64 << 20

// explain adds to e what changed inside, by kind of file.
func (d *differ) explain(e *report.DiffEntry, a, b compare.File) error {
	if e.SizeA > maxShown || e.SizeB > maxShown {
		return nil
	}
	f, err := compare.Files(d.ctx, a, b, manifest.Rule{})
	if err != nil {
		return err
	}
	e.KindAs, e.Diff, e.Worst = f.Kind, f.Diff, f.Worst
	reason := f.Reason
	if f.Verdict != report.Differs {
		reason = string(f.Verdict) + ": " + reason
	}
	if e.What != "" {
		e.What += ": "
	}
	e.What += reason
	return nil
}

// fileOf gives one file of a tree to package compare, which goes by its name.
func fileOf(name string, n *tree.Node) compare.File {
	return compare.File{FS: oneFile{name, n}, Name: name}
}

// oneFile is a file system of one file.
type oneFile struct {
	name string
	node *tree.Node
}

func (o oneFile) Open(name string) (fs.File, error) {
	if name != o.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	r, err := o.node.Content()
	if err != nil {
		return nil, err
	}
	return openFile{r, o}, nil
}

type openFile struct {
	io.ReadCloser
	o oneFile
}

func (f openFile) Stat() (fs.FileInfo, error) { return info{f.o}, nil }

type info struct{ o oneFile }

func (i info) Name() string       { return i.o.name }
func (i info) Size() int64        { return i.o.node.Size }
func (i info) Mode() fs.FileMode  { return i.o.node.Mode }
func (i info) ModTime() time.Time { return time.Unix(i.o.node.ModTime, 0).UTC() }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }
