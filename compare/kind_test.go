package compare

import (
	"testing"

	"repro/compare/kinds"
)

// TestEveryKindIsCompared holds the comparers against the table.
func TestEveryKindIsCompared(t *testing.T) {
	for _, name := range kinds.Names() {
		if comparers[name] == nil {
			t.Errorf("no comparer for kind %q", name)
		}
	}
	if len(comparers) != len(kinds.Names())+1 { // and what is not read
		t.Errorf("%d comparers for %d kinds", len(comparers), len(kinds.Names()))
	}
}
