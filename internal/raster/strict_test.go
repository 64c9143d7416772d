package raster

import "testing"

// TestDrawnOtherwise: a letter that is not the same to the pixel could be
// another one, and so could what differs on an edge.
func TestDrawnOtherwise(t *testing.T) {
	same, other := shape{best: placed{same: true}}, shape{best: placed{peak: 1}}
	for name, c := range map[string]struct {
		shapes [2][]shape
		want   bool
	}{
		"none":          {[2][]shape{}, false},
		"all the same":  {[2][]shape{{same, same}, {same}}, false},
		"one of ours":   {[2][]shape{{same, other}, {same}}, true},
		"one of theirs": {[2][]shape{{same}, {same, other}}, true},
	} {
		if got := unclear(c.shapes[0], c.shapes[1]); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, c := range map[string]struct {
		found Found
		want  Outcome
	}{
		"nothing differs":       {Found{Lines: true}, Alike},
		"moved as a whole":      {Found{Lines: true, Differing: 9}, Alike},
		"a letter otherwise":    {Found{Lines: true, Differing: 9, Unclear: true}, Unclear},
		"a pixel on an edge":    {Found{Lines: true, Differing: 9, Beside: 1}, Unclear},
		"lines drawn otherwise": {Found{Differing: 9}, Unclear},
	} {
		if got := c.found.Outcome(); got != c.want {
			t.Errorf("%s: outcome %d, want %d", name, got, c.want)
		}
	}
}
