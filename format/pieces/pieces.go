// Package pieces keeps a file as pieces that are named for their content, so that
// files which have pieces in common share them: in a folder that is published by
// CernVM-FS, say, two versions of an image with the same data. SPEC.md, SIF-12.
//
//	NAME              a list: "repro-pieces 1", and a line "SHA-256 SIZE" for each piece
//	.pieces/ab/abcd…  the pieces, named by their SHA-256 in hexadecimal digits
//	.cvmfscatalog     empty: has CernVM-FS make one catalogue of the folder
//
// A list stands for the bytes of its pieces, one after the other. Their digests
// are not checked when they are read: that is up to whoever knows what the file
// is.
package pieces

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"repro/internal/atomicfile"
)

const (
	// Magic begins a list.
	Magic = "repro-pieces 1\n"

	dirName       = ".pieces"
	catalogueName = ".cvmfscatalog"

	maxPieces = 4096
	maxList   = 1 << 20 // bytes
)

// piece is a line of a list.
type piece struct {
	digest string
	size   int64
}

func (p piece) file(dir string) string { return filepath.Join(dir, dirName, p.digest[:2], p.digest) }

// Write writes the size bytes of r as the list dir/name, in a folder that it makes
// if it is not there. Cuts are where pieces begin, in any order; those outside are
// ignored. Pieces that are there already are not written again.
func Write(ctx context.Context, dir, name string, r io.ReaderAt, size int64, cuts []int64) error {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return fmt.Errorf("%q: not a name for a file in %s", name, dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, dirName), 0o755); err != nil {
		return err
	}
	cuts = slices.DeleteFunc(slices.Clone(cuts), func(c int64) bool { return c <= 0 || c >= size })
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	if len(cuts) >= maxPieces {
		return fmt.Errorf("%s: more than %d pieces", name, maxPieces)
	}
	list := []byte(Magic)
	from := int64(0)
	for _, to := range append(cuts, size) {
		if err := ctx.Err(); err != nil {
			return err
		}
		p, err := store(dir, io.NewSectionReader(r, from, to-from))
		if err != nil {
			return err
		}
		list = fmt.Appendf(list, "%s %d\n", p.digest, p.size)
		from = to
	}
	catalogue := filepath.Join(dir, catalogueName)
	if _, err := os.Lstat(catalogue); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(catalogue, nil, 0o644); err != nil {
			return err
		}
	}
	return atomicfile.Write(filepath.Join(dir, name), list, 0o644)
}

// store writes one piece, unless it is there.
func store(dir string, r *io.SectionReader) (piece, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		return piece{}, err
	}
	p := piece{hex.EncodeToString(hash.Sum(nil)), r.Size()}
	name := p.file(dir)
	if info, err := os.Stat(name); err == nil && info.Size() == p.size {
		return p, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return piece{}, err
	}
	dst, err := atomicfile.Create(name, 0o644)
	if err != nil {
		return piece{}, err
	}
	defer dst.Close()
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return piece{}, err
	}
	if _, err := io.Copy(dst, r); err != nil {
		return piece{}, err
	}
	return p, dst.Commit()
}

// ErrMalformed is what every error wraps that says that a file is no list, or a
// piece not as long as its list says.
var ErrMalformed = errors.New("malformed list of pieces")

var lineForm = regexp.MustCompile(`^([0-9a-f]{64}) (0|[1-9][0-9]{0,18})$`)

// parse reads a list.
func parse(b []byte) ([]piece, error) {
	text, ok := strings.CutPrefix(string(b), Magic)
	if !ok || text == "" || !strings.HasSuffix(text, "\n") || len(b) > maxList {
		return nil, ErrMalformed
	}
	var list []piece
	total := int64(0)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		m := lineForm.FindStringSubmatch(line)
		if m == nil || len(list) == maxPieces {
			return nil, ErrMalformed
		}
		size, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil || size > math.MaxInt64-total {
			return nil, ErrMalformed
		}
		total += size
		list = append(list, piece{m[1], size})
	}
	return list, nil
}

// File reads the bytes that a list stands for. Goroutines may share it.
type File struct {
	files  []*os.File
	starts []int64 // of each piece
	size   int64
}

// Open opens the pieces of the list that f holds, which was opened by its name.
func Open(f *os.File) (*File, error) {
	b, err := io.ReadAll(io.LimitReader(f, maxList+1))
	if err != nil {
		return nil, err
	}
	list, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	real, err := filepath.EvalSymlinks(f.Name()) // pieces lie beside the list, not beside a link to it
	if err != nil {
		return nil, err
	}
	out := &File{}
	for _, p := range list {
		piece, err := os.Open(p.file(filepath.Dir(real)))
		if err != nil {
			return nil, errors.Join(err, out.Close())
		}
		out.files, out.starts, out.size = append(out.files, piece), append(out.starts, out.size), out.size+p.size
		if info, err := piece.Stat(); err != nil || info.Size() != p.size || !info.Mode().IsRegular() {
			return nil, errors.Join(fmt.Errorf("%s: %w: not a file of %d bytes", piece.Name(), ErrMalformed, p.size), err, out.Close())
		}
	}
	return out, nil
}

// Size is how many bytes there are.
func (f *File) Size() int64 { return f.size }

// ReadAt implements [io.ReaderAt].
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	done := 0
	i := sort.Search(len(f.starts), func(i int) bool { return f.starts[i] > off }) - 1
	for ; done < len(p) && i < len(f.files); i++ {
		end := f.size
		if i+1 < len(f.starts) {
			end = f.starts[i+1]
		}
		at := off + int64(done)
		n := int(min(int64(len(p)-done), end-at))
		if n <= 0 {
			continue
		}
		if m, err := f.files[i].ReadAt(p[done:done+n], at-f.starts[i]); m < n {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // it was cut since it was opened
			}
			return done + m, err
		}
		done += n
	}
	if done < len(p) {
		return done, io.EOF
	}
	return done, nil
}

// Close closes all pieces.
func (f *File) Close() error {
	var errs []error
	for _, piece := range f.files {
		errs = append(errs, piece.Close())
	}
	return errors.Join(errs...)
}

// IsList reports whether a file that begins with head is a list.
func IsList(head []byte) bool { return bytes.HasPrefix(head, []byte(Magic)) }
