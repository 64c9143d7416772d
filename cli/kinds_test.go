package cli

import (
	"encoding/json"
	"slices"
	"testing"

	"repro/compare"
	"repro/recipe"
)

// TestRecipesKnowEveryKind holds the recipe's form against the comparers.
func TestRecipesKnowEveryKind(t *testing.T) {
	var schema struct {
		Defs struct {
			Kind struct {
				Enum []string `json:"enum"`
			} `json:"kind"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(recipe.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	got, want := schema.Defs.Kind.Enum, compare.Kinds()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("recipes may ask for %q, compare knows %q", got, want)
	}
}
