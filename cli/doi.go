package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/publish/fetch"
	"repro/report/view"
)

var dataciteFlag = &cli.StringFlag{Name: "datacite", Usage: "ask the server at `ADDRESS` where a DOI leads, in place of " + fetch.Resolver}

// isDOI reports whether name is meant as the DOI of a deposit: no file has it.
func isDOI(name string) bool {
	_, err := os.Lstat(name)
	doi, ok := fetch.ParseDOI(name)
	return err != nil && (ok || doi != "" || strings.EqualFold(name, "doi:"))
}

// resolve finds the files of the deposit that has a DOI.
func (c *console) resolve(ctx *cli.Context, name string) (*fetch.Record, fetch.Options, error) {
	doi, ok := fetch.ParseDOI(name)
	if !ok {
		return nil, fetch.Options{}, usagef("%q: is not a DOI: want one such as doi:10.5281/zenodo.123", name)
	}
	o := fetch.Options{Resolver: ctx.String("datacite"), Plain: ctx.Bool("http"), Progress: c.progress()}
	rec, err := fetch.Resolve(ctx.Context, doi, o)
	return rec, o, err
}

// folderOf returns what the folder of a deposit is called: what is behind the last
// slash of its DOI, or "" if that is no name of a folder. Anyone can register a DOI
// that ends in "..".
func folderOf(doi string) string {
	end := doi[strings.LastIndexByte(doi, '/')+1:]
	if end == "" || end == "." || !filepath.IsLocal(end) {
		return ""
	}
	return end
}

// fetchDOI brings the files of a deposit.
func (c *console) fetchDOI(ctx *cli.Context, name string) error {
	dir := ctx.String("output")
	if doi, ok := fetch.ParseDOI(name); ok && !ctx.IsSet("output") {
		if dir = folderOf(doi); dir == "" {
			return usagef("%q: its end is no name for a folder: give one with --output", name)
		}
	}
	rec, o, err := c.resolve(ctx, name)
	if err != nil {
		return err
	}
	files, err := rec.Fetch(ctx.Context, dir, ctx.StringSlice("only"), o)
	c.finishProgress()
	if ctx.Bool("json") {
		return errors.Join(c.printJSON(struct {
			*fetch.Record
			Folder  string       `json:"folder"`
			Fetched []fetch.File `json:"fetched"`
		}{rec, dir, files}), err)
	}
	fmt.Fprintf(c.out, "doi:%s  %s  %s\n", rec.DOI, view.Clean(rec.Title), view.Clean(rec.Publisher))
	for _, f := range files {
		state := "fetched"
		switch {
		case f.Problem != "":
			state = "failed"
		case f.Already:
			state = "there already"
		}
		if f.Unchecked {
			state += ", no checksum is stated"
		}
		fmt.Fprintf(c.out, "%s  %s  %d bytes\n", view.Clean(filepath.Join(dir, f.Path)), state, f.Size)
	}
	return err
}

// openDOI opens the image of a deposit, which is brought to a folder for the time
// that it is open.
func (c *console) openDOI(ctx *cli.Context, name string) (*opened, error) {
	rec, o, err := c.resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	var images []string
	for _, f := range rec.Files {
		if strings.HasSuffix(f.Name, ".sif") {
			images = append(images, f.Name)
		}
	}
	if len(images) != 1 {
		return nil, fmt.Errorf("%s: %d of its files are images: bring them with repro fetch, and name the one", name, len(images))
	}
	dir, err := os.MkdirTemp("", "repro-doi")
	if err != nil {
		return nil, err
	}
	remove := func() error { return os.RemoveAll(dir) }
	if _, err := rec.Fetch(ctx.Context, dir, images, o); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), remove())
	}
	c.finishProgress()
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(images[0])))
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	done := func() error { return errors.Join(f.Close(), remove()) }
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, done())
	}
	image, err := format.New(f, info.Size(), "doi:"+rec.DOI+"/"+images[0])
	if err != nil {
		return nil, errors.Join(err, done())
	}
	return &opened{Image: image, brought: done}, nil
}
