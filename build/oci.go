package build

import (
	"context"
	"errors"

	"repro/recipe"
)

func init() { openers[recipe.OCI] = openOCI }

// openOCI opens an OCI image with the opener that the caller gave, so that
// this package needs no library for them.
func openOCI(ctx context.Context, b *builder, name string) (*Source, error) {
	if b.OCI == nil {
		return nil, errors.New("this program was made without the reader of OCI images")
	}
	return b.OCI(ctx, name, b.Recipe.Environment.Ref.Value)
}
