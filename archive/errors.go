package archive

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"repro/archive/anonymous"
)

// ErrMissing is in every error that says that a deposit lacks what it needs.
var ErrMissing = errors.New("not ready to be archived")

// Problem is one thing that keeps an image from being archived.
type Problem struct {
	Text string // with what would help
}

// Error says all that keeps an image from being archived.
type Error struct {
	Image    string
	Problems []Problem
}

// Error lists the problems, one a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = e.Image + ": " + p.Text
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes it an [ErrMissing].
func (e *Error) Unwrap() error { return ErrMissing }

// missing returns an [*Error] unless there are no problems.
func missing(image string, problems ...string) error {
	if len(problems) == 0 {
		return nil
	}
	e := &Error{Image: image}
	for _, p := range problems {
		e.Problems = append(e.Problems, Problem{p})
	}
	return e
}

// places turns an [*anonymous.Error] into an [*Error].
func places(err error) error {
	var found *anonymous.Error
	if errors.As(err, &found) {
		return missing(found.Image, found.Places...)
	}
	return err
}

// about says of which file err speaks.
func about(name string, err error) error {
	var p *os.PathError
	if errors.As(err, &p) && p.Path == name {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}
