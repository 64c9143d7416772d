// Package badfile says why a reader of an outside format did not read a file.
// All such readers return these errors, so that who compares files asks one
// question of them all. Errors of the storage under a file are passed on as
// they are.
package badfile

import (
	"errors"
	"fmt"
	"io"
)

// The ways in which a file is not read, for errors.Is.
var (
	ErrDamaged  = errors.New("damaged")   // it is not as its format asks
	ErrTooLarge = errors.New("too large") // it is beyond a limit of the reader
	ErrUnread   = errors.New("not read")  // it uses a part of its format that the reader does not know
)

type reason struct {
	way error
	why string
}

func (r *reason) Error() string { return r.why }
func (r *reason) Unwrap() error { return r.way }

// Damaged is an ErrDamaged that says what is wrong.
func Damaged(format string, args ...any) error {
	return &reason{ErrDamaged, fmt.Sprintf(format, args...)}
}

// TooLarge is an ErrTooLarge that says which limit was met.
func TooLarge(format string, args ...any) error {
	return &reason{ErrTooLarge, fmt.Sprintf(format, args...)}
}

// Unread is an ErrUnread that says what was found.
func Unread(format string, args ...any) error {
	return &reason{ErrUnread, fmt.Sprintf(format, args...)}
}

// Is reports whether err is one of this package's.
func Is(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrUnread)
}

// Cause says in words what a decoder of the standard library found wrong.
func Cause(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "it ends too early"
	}
	return Shorten(err.Error())
}

// Shorten makes a text from a file fit for an error's one line.
func Shorten(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
