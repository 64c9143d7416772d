package observe

import "errors"

// Keep fails: nothing is observed here.
func (c Change) Keep() error { return errors.ErrUnsupported }

// Undo fails: nothing is observed here.
func (c Change) Undo() error { return errors.ErrUnsupported }
