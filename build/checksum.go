package build

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"repro/format/manifest"
	"repro/internal/stream"
	"repro/recipe"
)

// sum is a data file whose sha256 the recipe states. It is compared while the
// layer is written, so that large data is read once.
type sum struct {
	name string
	at   recipe.Pos
	want manifest.Digest
	open func() (io.ReadCloser, error)

	captured bool // want is what a captured run read
}

// sumError says that a file has not the stated sha256.
type sumError struct {
	name      string
	got, want manifest.Digest
	captured  bool
}

func (e *sumError) Error() string {
	if e.captured {
		return fmt.Sprintf("capture: %q: has %s, but the captured run read %s: capture it again", e.name, e.got, e.want)
	}
	return fmt.Sprintf("data: %q: has %s, the recipe says %s", e.name, e.got, e.want)
}

// Open opens the file. The read that meets its end fails if it was not the
// file that the recipe means.
func (s *sum) Open() (io.ReadCloser, error) {
	r, err := s.open()
	if err != nil {
		return nil, err
	}
	checked := stream.Check(r, func(sum [sha256.Size]byte) error {
		if got := manifest.DigestSum(sum); got != s.want {
			return &sumError{s.name, got, s.want, s.captured}
		}
		return nil
	})
	return struct {
		io.Reader
		io.Closer
	}{checked, r}, nil
}

// verify reads the file and says what is wrong with it, or "".
func (s *sum) verify(ctx context.Context) string {
	if ctx.Err() != nil {
		return ""
	}
	r, err := s.Open()
	if err != nil {
		return plain(err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err.Error()
	}
	return ""
}
