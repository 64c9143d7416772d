package build

import (
	"maps"
	"slices"
	"testing"

	"repro/recipe"
)

// TestOpeners: each kind of environment that a recipe may name can be opened,
// and no other.
func TestOpeners(t *testing.T) {
	got, want := slices.Sorted(maps.Keys(openers)), slices.Sorted(slices.Values(recipe.Kinds()))
	if !slices.Equal(got, want) || len(got) < 5 {
		t.Errorf("opened are %q, recipes may name %q", got, want)
	}
}
