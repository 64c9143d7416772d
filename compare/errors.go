package compare

import (
	"errors"
	"fmt"
)

// side is one of the two files.
type side string

const (
	published side = "published"
	produced  side = "new"
)

// A contentError says why a file can't be compared as its kind. It ends in a
// finding, not in an error of the caller's.
type contentError struct {
	of    side
	kind  string // that the content is not; empty for a limit
	why   string
	limit bool
}

func (e *contentError) Error() string {
	if e.limit {
		return fmt.Sprintf("the %s file is too large to compare: %s", e.of, e.why)
	}
	return fmt.Sprintf("the %s file is not %s: %s", e.of, inWords(e.kind), e.why)
}

func malformed(of side, kind, format string, args ...any) error {
	return &contentError{of: of, kind: kind, why: fmt.Sprintf(format, args...)}
}

func tooLarge(of side, format string, args ...any) error {
	return &contentError{of: of, why: fmt.Sprintf(format, args...), limit: true}
}

// undecided is why a program can't decide although both files are what they
// should be.
type undecided struct{ why string }

func (e *undecided) Error() string { return e.why }

func asContent(err error) (*contentError, bool) {
	var c *contentError
	ok := errors.As(err, &c)
	return c, ok
}
