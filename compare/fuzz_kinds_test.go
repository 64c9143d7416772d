package compare

import (
	"os"
	"path/filepath"
	"testing"

	"repro/format/manifest"
)

// fuzzKind throws damaged files of one extension at the comparer, starting
// from the vectors.
func fuzzKind(f *testing.F, ext string) {
	pairs, err := filepath.Glob("../testdata/vectors/compare/*/published" + ext)
	if err != nil || len(pairs) == 0 {
		f.Fatalf("no vectors of %s: %v", ext, err)
	}
	for _, name := range pairs {
		pub, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		new, err := os.ReadFile(filepath.Join(filepath.Dir(name), "new"+ext))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pub, new, false)
		f.Add(pub, new, true)
	}
	f.Fuzz(func(t *testing.T, pub, new []byte, tolerant bool) {
		r := manifest.Rule{}
		if tolerant {
			r = manifest.Rule{Relative: "1e-3", Norm: "1e-6", Signs: "columns"}
		}
		checkPair(t, "a"+ext, pub, new, r)
	})
}

func FuzzNPY(f *testing.F)      { fuzzKind(f, ".npy") }
func FuzzZip(f *testing.F)      { fuzzKind(f, ".zip") }
func FuzzTar(f *testing.F)      { fuzzKind(f, ".tar") }
func FuzzYAML(f *testing.F)     { fuzzKind(f, ".yaml") }
func FuzzXML(f *testing.F)      { fuzzKind(f, ".xml") }
func FuzzSVG(f *testing.F)      { fuzzKind(f, ".svg") }
func FuzzHTML(f *testing.F)     { fuzzKind(f, ".html") }
func FuzzLaTeX(f *testing.F)    { fuzzKind(f, ".tex") }
func FuzzMarkdown(f *testing.F) { fuzzKind(f, ".md") }
func FuzzNotebook(f *testing.F) { fuzzKind(f, ".ipynb") }
func FuzzXLSX(f *testing.F)     { fuzzKind(f, ".xlsx") }
func FuzzPDF(f *testing.F)      { fuzzKind(f, ".pdf") }
func FuzzGIF(f *testing.F)      { fuzzKind(f, ".gif") }
func FuzzJPEG(f *testing.F)     { fuzzKind(f, ".jpg") }
func FuzzMAT(f *testing.F)      { fuzzKind(f, ".mat") }
func FuzzNetCDF(f *testing.F)   { fuzzKind(f, ".nc") }
func FuzzTIFF(f *testing.F)     { fuzzKind(f, ".tif") }
func FuzzHDF5(f *testing.F)     { fuzzKind(f, ".h5") }
func FuzzRData(f *testing.F)    { fuzzKind(f, ".rds") }
