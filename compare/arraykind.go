package compare

import (
	"context"
	"errors"
	"io"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// outside says what a reader's error means for the comparison.
func outside(err error, of side, kind string) error {
	switch {
	case errors.Is(err, badfile.ErrDamaged):
		return malformed(of, kind, "%s", clip(err.Error()))
	case errors.Is(err, badfile.ErrTooLarge):
		return tooLarge(of, "%s", clip(err.Error()))
	case errors.Is(err, badfile.ErrUnread):
		return &undecided{clip("the " + string(of) + " file is not read in full: " + err.Error())}
	}
	return err
}

// arrayKind is a kind whose files are arrays that are read at once.
type arrayKind struct {
	kind string
	read func(io.Reader) ([]ndarray.Array, error)
	same string // what is said where only that differs which carries nothing
}

func (k *arrayKind) compare(ctx context.Context, j *job) error {
	var lists [2][]ndarray.Array
	for i, r := range []io.Reader{j.pub, j.new} {
		of := []side{published, produced}[i]
		var err error
		if lists[i], err = k.read(r); err != nil {
			return outside(err, of, k.kind)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	j.sameContent = k.same
	return j.compareArrays(ctx, lists[0], lists[1])
}

// whole is a reader of files that are kept in memory, of at most so many bytes.
func whole(most int64, read func([]byte) ([]ndarray.Array, error)) func(io.Reader) ([]ndarray.Array, error) {
	return func(r io.Reader) ([]ndarray.Array, error) {
		b, err := io.ReadAll(io.LimitReader(r, most+1))
		if err != nil {
			return nil, err
		}
		if int64(len(b)) > most {
			return nil, badfile.TooLarge("more than %d bytes", most)
		}
		return read(b)
	}
}
