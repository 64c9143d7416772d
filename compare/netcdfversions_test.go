package compare

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/internal/ndarray"
	"repro/report"
)

// TestNetCDFVersions holds that two versions of the format are no difference, and
// that each planted change is one across them.
func TestNetCDFVersions(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile("../testdata/vectors/planted/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	three, four := read("nc/base.nc"), read("nc4/base.nc4")
	files := fstest.MapFS{"3/a.nc": {Data: three}, "4/a.nc": {Data: four}, "x/a.nc": {Data: []byte("neither of them")}}
	verdict := func(pub, new string) report.Finding {
		f, err := Files(context.Background(), File{FS: files, Name: pub + "/a.nc"}, File{FS: files, Name: new + "/a.nc"}, manifest.Rule{})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for pair, want := range map[[2]string]report.Verdict{{"3", "4"}: report.SameContent, {"4", "3"}: report.SameContent, {"3", "x"}: report.Differs, {"4", "x"}: report.Differs} {
		if f := verdict(pair[0], pair[1]); f.Verdict != want {
			t.Errorf("%v: %s: %s; want %s", pair, f.Verdict, f.Reason, want)
		}
	}
	planted, err := filepath.Glob("../testdata/vectors/planted/nc/*.nc")
	if err != nil || len(planted) < 3 {
		t.Fatal(planted, err)
	}
	for _, name := range planted {
		base := filepath.Base(name)
		if base == "base.nc" {
			continue
		}
		files["p/a.nc"] = &fstest.MapFile{Data: read("nc/" + base)}
		for _, pair := range [][2]string{{"4", "p"}, {"p", "4"}} {
			want := report.Differs
			if base == "harmless.nc" {
				want = report.SameContent
			}
			if f := verdict(pair[0], pair[1]); f.Verdict != want {
				t.Errorf("%s, %v: %s: %s", base, pair, f.Verdict, f.Reason)
			}
		}
	}
}

// TestScalesCarryNothing: of what keeps dimensions in HDF5 only their names are left.
func TestScalesCarryNothing(t *testing.T) {
	text := func(name string, of ...string) ndarray.Array {
		a := ndarray.Array{Name: name, Class: ndarray.Text, Texts: of, Type: "text"}
		if len(of) > 1 {
			a.Shape = []int{len(of)}
		}
		return a
	}
	var names []string
	for _, a := range withoutScales([]ndarray.Array{
		text("lon@CLASS", "DIMENSION_SCALE"), text("lon@NAME", noVariable+"         4"), {Name: "lon", Shape: []int{4}},
		text("lat@CLASS", "DIMENSION_SCALE"), text("lat@NAME", "lat"), text("lat@units", "degrees"), {Name: "lat", Shape: []int{3}, Type: "float32"},
		{Name: "lat@_Netcdf4Dimid"}, {Name: "lat@REFERENCE_LIST.dataset"}, {Name: "t@DIMENSION_LIST lengths"},
		text("t@DIMENSION_LIST values", "/lat", "/lon"), text("t@NAME", "mine"), text("t@CLASS", "mine"), {Name: "t", Shape: []int{3, 4}},
	}) {
		names = append(names, a.Name)
		if a.Type != "" {
			t.Errorf("%s is of type %q", a.Name, a.Type)
		}
		if a.Name == "t dimensions" && !slices.Equal(a.Texts, []string{"lat", "lon"}) {
			t.Errorf("t has the dimensions %q", a.Texts)
		}
	}
	if want := []string{"lat@units", "lat", "lat dimensions", "t dimensions", "t@NAME", "t@CLASS", "t"}; !slices.Equal(names, want) {
		t.Errorf("left are %q, want %q", names, want)
	}
}
