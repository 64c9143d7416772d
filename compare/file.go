package compare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"repro/compare/kinds"
	"repro/format/manifest"
	"repro/report"
)

// File is one file to compare.
type File struct {
	FS   fs.FS
	Name string // as fs.FS takes it

	follow bool // where Name is a symbolic link
	unpack bool // read what the file holds
}

// Path returns the file at name on this machine, or the one that a symbolic
// link there leads to. A link that stands in an fs.FS is not followed.
func Path(name string) File {
	return File{FS: os.DirFS(filepath.Dir(name)), Name: filepath.Base(name), follow: true}
}

// opened is a file whose errors say which it is.
type opened struct {
	io.Closer
	r    io.Reader
	of   side
	name string
}

func (o *opened) Read(b []byte) (int, error) {
	n, err := o.r.Read(b)
	if _, known := asContent(err); err != nil && !known && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s file %q: %w", o.of, o.name, err)
	}
	return n, err
}

func (f File) open(of side) (*opened, error) {
	file, err := f.FS.Open(f.Name)
	if err != nil {
		return nil, fmt.Errorf("%s file %q: %w", of, f.Name, err)
	}
	o := &opened{Closer: file, r: file, of: of, name: f.Name}
	if f.unpack {
		return &opened{Closer: file, r: &unpacker{r: o, of: of}, of: of, name: f.Name}, nil
	}
	return o, nil
}

// open opens both files, or neither.
func open(pub, new File) (*opened, *opened, error) {
	p, err := pub.open(published)
	if err != nil {
		return nil, nil, err
	}
	n, err := new.open(produced)
	if err != nil {
		p.Close()
		return nil, nil, err
	}
	return p, n, nil
}

// errIrregular is what a file is that is no plain file.
var errIrregular = errors.New("is not a plain file")

func regular(f File) error {
	stat := fs.Lstat
	if f.follow {
		stat = fs.Stat
	}
	info, err := stat(f.FS, f.Name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errIrregular
	}
	return nil
}

// unusable says of a new file that is not there, or is no plain file.
func unusable(f report.Finding, new File, err error) (report.Finding, error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.Verdict, f.Reason = report.Missing, "there is no new file"
	case errors.Is(err, errIrregular):
		f.Verdict, f.Reason = report.NeedsEyes, "the new file is not a plain file: links and special files are not followed"
	default:
		return f, fmt.Errorf("new file %q: %w", new.Name, err)
	}
	return f, nil
}

func sniff(pub File, r manifest.Rule) (string, error) {
	f, err := pub.open(published)
	if err != nil {
		return "", err
	}
	defer f.Close()
	start := make([]byte, kinds.Sniffed)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	kind := kinds.Choose(pub.kindName(), start[:n])
	if tabular(kind, start[:n], r) {
		kind = kindCSV
	}
	return kind, nil
}

// identical compares bytes.
func identical(ctx context.Context, pub, new File) (bool, error) {
	p, n, err := open(pub, new)
	if err != nil {
		return false, err
	}
	defer p.Close()
	defer n.Close()
	at, err := firstDifference(ctx, p, n)
	return at < 0, err
}

func extension(name string) string { return strings.ToLower(path.Ext(name)) }
