package format

import (
	"errors"
	"fmt"
	"io/fs"
)

var (
	// ErrMalformed is in every error that says that a file is no SIF file, or
	// breaks the rules of an image.
	ErrMalformed = errors.New("malformed image")

	// ErrForeign is in the error of operations that need an image when the
	// file is another program's SIF file.
	ErrForeign = errors.New("not made by repro")

	// ErrAltered is in every error that says that an object does not have the
	// content that the manifest binds.
	ErrAltered = errors.New("altered image")
)

// malformed returns an error that wraps ErrMalformed.
func malformed(text string, args ...any) error {
	return &textError{fmt.Sprintf(text, args...), ErrMalformed}
}

type textError struct {
	text string
	is   error
}

func (e *textError) Error() string { return e.text }
func (e *textError) Unwrap() error { return e.is }

// about says of which file err speaks, unless it does so itself.
func about(name string, err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) && e.Path == name {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Problem is one way in which a file breaks the canonical layout.
type Problem struct {
	Offset int64  // of the first wrong byte in the file
	Object string // name of the object, or empty
	Reason string
}

func (p Problem) String() string {
	if p.Object == "" {
		return fmt.Sprintf("byte %d: %s", p.Offset, p.Reason)
	}
	return fmt.Sprintf("object %q: byte %d: %s", p.Object, p.Offset, p.Reason)
}

// LayoutError holds all problems of a file. It wraps [ErrMalformed].
type LayoutError struct {
	Problems []Problem // at least one
}

func (e *LayoutError) Error() string {
	text := "layout: " + e.Problems[0].String()
	if n := len(e.Problems) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

func (e *LayoutError) Unwrap() error { return ErrMalformed }

// AlteredError says that an object does not have the content that the manifest
// binds. It wraps [ErrAltered].
type AlteredError struct {
	Object string
	Offset int64  // of the first byte of the damaged block in the file; -1: anywhere in the object
	Reason string // which check failed
}

func (e *AlteredError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("object %q: %s", e.Object, e.Reason)
	}
	return fmt.Sprintf("object %q: %s at byte %d of the file", e.Object, e.Reason, e.Offset)
}

func (e *AlteredError) Unwrap() error { return ErrAltered }
