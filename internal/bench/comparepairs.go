package main

import (
	_ "embed"
	"os/exec"
	"path/filepath"
)

//go:embed compare/pairs.py
var pairsPython string

// python writes a pair of one kind.
func (c *comparisons) write(kind, pub, new string) error {
	return command(c.python, "-c", pairsPython, kind, pub, new)
}

// hdf5Pair is two data sets of 200 MB that differ beyond the tenth digit,
// contiguous or in shuffled chunks packed by gzip. Values have few digits, so that
// they pack.
func hdf5Pair(layout string) func(*comparisons) (string, string, []string, error) {
	return func(c *comparisons) (pub, new string, peer []string, err error) {
		pub, new = filepath.Join(c.dir, layout+"-published.h5"), filepath.Join(c.dir, layout+"-new.h5")
		return pub, new, []string{"h5diff", "-q", "-p", "1e-9", pub, new}, c.write("hdf5-"+layout, pub, new)
	}
}

// pngPair is two pictures of 16 million pixels.
func pngPair(what string) func(*comparisons) (string, string, []string, error) {
	return func(c *comparisons) (pub, new string, peer []string, err error) {
		pub, new = filepath.Join(c.dir, what+"-published.png"), filepath.Join(c.dir, what+"-new.png")
		return pub, new, []string{"compare", "-metric", "AE", pub, new, "null:"}, c.write("png-"+what, pub, new)
	}
}

// pages draws both files as a person would who compares them by hand, at the
// resolution at which we look.
const pages = `set -e
for f in "$1" "$2"; do pdftoppm -r 300 -png "$f" "${f%.pdf}"; done
for p in "${1%.pdf}"-*.png; do compare -metric AE "$p" "${2%.pdf}${p#"${1%.pdf}"}" null: || [ $? = 1 ]; done
rm "${1%.pdf}"-*.png "${2%.pdf}"-*.png`

// pdfPair is two files of 50 pages, of which a point of one differs.
func pdfPair(c *comparisons) (pub, new string, peer []string, err error) {
	pub, new = filepath.Join(c.dir, "published.pdf"), filepath.Join(c.dir, "new.pdf")
	return pub, new, []string{"sh", "-c", pages, "sh", pub, new}, c.write("pdf", pub, new)
}

// notebookPair is two notebooks of 24 MB with one output changed.
func notebookPair(c *comparisons) (pub, new string, peer []string, err error) {
	pub, new = filepath.Join(c.dir, "published.ipynb"), filepath.Join(c.dir, "new.ipynb")
	if err := c.write("notebook", pub, new); err != nil {
		return "", "", nil, err
	}
	if c.nbdiff == "" {
		venv := filepath.Join(c.dir, "venv")
		for _, argv := range [][]string{{"python3", "-m", "venv", venv}, {filepath.Join(venv, "bin", "pip"), "-q", "install", "nbdime"}} {
			if err := command(argv[0], argv[1:]...); err != nil {
				return "", "", nil, err
			}
		}
		c.nbdiff = filepath.Join(venv, "bin", "nbdiff")
	}
	_, err = exec.LookPath(c.nbdiff)
	return pub, new, []string{c.nbdiff, pub, new}, err
}
