package compare

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"repro/format/manifest"
	"repro/report"
)

// TestNetCDFVersions holds that two versions of the format are no difference.
func TestNetCDFVersions(t *testing.T) {
	three, err := os.ReadFile("../testdata/vectors/planted/nc/base.nc")
	if err != nil {
		t.Fatal(err)
	}
	four, err := os.ReadFile("../testdata/vectors/planted/nc4/base.nc4")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"3/a.nc": {Data: three}, "4/a.nc": {Data: four}, "x/a.nc": {Data: []byte("neither of them")}}
	for pair, want := range map[[2]string]report.Verdict{{"3", "4"}: report.NeedsEyes, {"4", "3"}: report.NeedsEyes, {"3", "x"}: report.Differs, {"4", "x"}: report.Differs} {
		f, err := Files(context.Background(), File{FS: files, Name: pair[0] + "/a.nc"}, File{FS: files, Name: pair[1] + "/a.nc"}, manifest.Rule{})
		if err != nil || f.Verdict != want || want == report.NeedsEyes && !strings.Contains(f.Reason, "nccopy") {
			t.Errorf("%v: %s: %s %v; want %s", pair, f.Verdict, f.Reason, err, want)
		}
	}
}
