package netcdf

import (
	"os"
	"slices"
	"testing"
)

// TestDimensions: of variables that have some, their names in order.
func TestDimensions(t *testing.T) {
	for name, want := range map[string][]string{"netcdf-other-axis/published.nc": {"x", "y"}, "netcdf-other-axis/new.nc": {"y", "x"}} {
		b, err := os.ReadFile("../../testdata/vectors/compare/" + name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(b)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string][]string{}
		for _, d := range f.Dimensions {
			found[d.Variable] = d.Names
		}
		if len(found) != 3 || !slices.Equal(found["t"], want) || !slices.Equal(found["time"], []string{"time"}) || !slices.Equal(found["id"], []string{"y"}) {
			t.Errorf("%s: %v", name, found)
		}
	}
}
