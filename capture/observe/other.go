//go:build !linux || !(amd64 || arm64)

package observe

import (
	"context"
	"fmt"
)

// Run fails: there is nothing here to observe with.
func Run(context.Context, Command) (*Observation, error) {
	return nil, fmt.Errorf("%w: it needs Linux on amd64 or arm64", ErrUnavailable)
}
