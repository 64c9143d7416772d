package build

import (
	"context"

	"repro/format/tree"
	"repro/recipe"
)

func init() { openers[recipe.Rootfs] = openRootfs }

// openRootfs opens a root filesystem that lies in a folder.
func openRootfs(_ context.Context, _ *builder, name string) (*Source, error) {
	t, err := tree.FromDir(name, tree.DirOptions{Skip: hidden})
	if err != nil {
		return nil, err
	}
	return withVariables(&Source{Tree: t}), nil
}
