package host

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"repro/format/tree"
)

// machine is the building machine's file system, or what lies below root, as
// a process sees it whose root folder that is: absolute links stay inside.
type machine struct{ root string }

// file is where the machine keeps real, a path without links.
func (m machine) file(real string) string { return filepath.Join("/", m.root, real) }

// maxLinks bounds the symbolic links on one way, as the kernel does.
const maxLinks = 40

// resolve follows name through all symbolic links and returns the path
// without any. Folders and links on the way are put into root, unless it is
// nil.
func (m machine) resolve(name string, root *tree.Node) (real string, info fs.FileInfo, err error) {
	todo := strings.Split(strings.Trim(path.Clean(name), "/"), "/")
	real = "/"
	for links := 0; len(todo) > 0; {
		elem := todo[0]
		todo = todo[1:]
		switch elem {
		case "", ".":
			continue
		case "..":
			real = path.Dir(real)
			continue
		}
		next := path.Join(real, elem)
		if info, err = os.Lstat(m.file(next)); err != nil {
			return "", nil, plainError(name, next, err)
		}
		if info.Mode().Type() != fs.ModeSymlink {
			real = next
			continue
		}
		if links++; links > maxLinks {
			return "", nil, fmt.Errorf("%s: more than %d symbolic links", name, maxLinks)
		}
		target, err := os.Readlink(m.file(next))
		if err != nil {
			return "", nil, err
		}
		if root != nil && root.Lookup(next) == nil {
			if err := root.Put(next, tree.NewSymlink(target)); err != nil {
				return "", nil, err
			}
		}
		if path.IsAbs(target) {
			real = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	if info, err = os.Lstat(m.file(real)); err != nil {
		return "", nil, plainError(name, real, err)
	}
	return real, info, nil
}

// plainError says in the machine's own terms what is wrong with name.
func plainError(name, at string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	if name == at {
		return fmt.Errorf("%s: %w", name, err)
	}
	return fmt.Errorf("%s: %s: %w", name, at, err)
}

// node describes the regular file real.
func (m machine) node(real string, info fs.FileInfo) *tree.Node {
	file := m.file(real)
	return &tree.Node{
		Mode: info.Mode(),
		Size: info.Size(),
		Open: tree.Unchanged(file, info),
	}
}

// shebang returns the words of the first line of a script after "#!", or none.
func (m machine) shebang(real string) ([]string, error) {
	f, err := os.Open(m.file(real))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(io.LimitReader(f, 4096), 4096).ReadString('\n')
	if err != nil && err != io.EOF {
		return nil, err
	}
	rest, ok := strings.CutPrefix(line, "#!")
	if !ok {
		return nil, nil
	}
	return strings.Fields(rest), nil
}

// beginning returns up to most bytes of the file at name.
func (m machine) beginning(name string, most int64) ([]byte, error) {
	real, info, err := m.resolve(name, nil)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file", name)
	}
	f, err := os.Open(m.file(real))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}
