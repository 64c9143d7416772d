package cli

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"repro/build"
	"repro/build/oci"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/atomicfile"
)

func exportCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "export",
		Usage:     "write an image in the form that other programs take",
		ArgsUsage: "IMAGE",
		Description: `An OCI image has one layer for each of the image's, all metadata that the format has
a place for, and runs the steps when it is run. A root filesystem is what the steps
see. Published results are in neither. The same image gives the same bytes each
time. A name that ends in .tar stands for an archive, any other for a folder.

   repro export paper.sif --oci paper.oci.tar && podman load -i paper.oci.tar
   repro export paper.sif --oci layout && skopeo inspect oci:layout
   repro export paper.sif --rootfs root.tar`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "oci", Usage: "write an OCI image to `NAME`"},
			&cli.StringFlag{Name: "rootfs", Usage: "write the root filesystem to `NAME`"},
			&cli.StringFlag{Name: "ref", Usage: "with --oci: call the image `REF`, such as paper:1"},
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "export: name one image")
			if err != nil {
				return err
			}
			if (ctx.String("oci") == "") == (ctx.String("rootfs") == "") {
				return usagef("export: name one of --oci and --rootfs")
			}
			if ctx.String("rootfs") != "" {
				return c.exportRoot(ctx, name, ctx.String("rootfs"))
			}
			return c.exportOCI(ctx, name, ctx.String("oci"))
		},
	}
}

func isArchive(name string) bool { return strings.HasSuffix(name, ".tar") }

func (c *console) exportRoot(ctx *cli.Context, name, to string) error {
	image, root, err := openTree(name, "")
	if err != nil {
		return err
	}
	defer image.Close()
	if !isArchive(to) {
		harmless(root)
		return intoFolder(to, func(dir string) error {
			return tree.Extract(ctx.Context, root, dir, tree.ExtractOptions{Xattrs: true, Progress: c.progress()})
		})
	}
	f, err := atomicfile.Create(to, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := tree.ToTar(ctx.Context, f, root, false); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.Commit()
}

func (c *console) exportOCI(ctx *cli.Context, name, to string) error {
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	e, err := exportOf(image)
	if err != nil {
		return err
	}
	e.Ref, e.Progress = ctx.String("ref"), c.progress()
	if isArchive(to) {
		return e.Archive(ctx.Context, to)
	}
	return e.Folder(ctx.Context, to)
}

// exportOf describes an image as a container.
func exportOf(image *format.Image) (*oci.Export, error) {
	if _, err := layerReader(image, ""); err != nil { // also asks for the canonical layout
		return nil, err
	}
	m, err := image.Manifest()
	if errors.Is(err, format.ErrForeign) {
		return nil, fmt.Errorf("%w: extract it, or ask the program that made it", err)
	}
	if err != nil {
		return nil, err
	}
	created, err := time.Parse(time.RFC3339, m.Paper.Date)
	if err != nil {
		return nil, err
	}
	e := &oci.Export{
		Arch: m.Arch, Created: created, Annotations: annotations(m),
		Config: oci.Config{Env: environment(m, created), WorkingDir: build.Paper, Cmd: []string{"/.singularity.d/runscript"}},
	}
	for _, o := range m.Objects {
		if o.Role != manifest.RoleLayer {
			continue
		}
		layer, err := imageTree(image, o.Name)
		if err != nil {
			return nil, err
		}
		e.Layers, e.Names = append(e.Layers, layer), append(e.Names, o.Name)
	}
	return e, nil
}

// annotations are those of the OCI image specification that a paper has a word
// for.
func annotations(m *manifest.Manifest) map[string]string {
	var authors []string
	for _, a := range m.Paper.Authors {
		authors = append(authors, a.Name)
	}
	out := map[string]string{
		"org.opencontainers.image.title":       m.Paper.Title,
		"org.opencontainers.image.authors":     strings.Join(authors, ", "),
		"org.opencontainers.image.created":     m.Paper.Date,
		"org.opencontainers.image.licenses":    m.Paper.Licence,
		"org.opencontainers.image.description": m.Paper.Abstract,
	}
	if m.Paper.DOI != "" {
		out["org.opencontainers.image.url"] = "https://doi.org/" + m.Paper.DOI
	}
	maps.DeleteFunc(out, func(_, value string) bool { return value == "" })
	return out
}

// environment is what all steps find set: what is fixed, and what each of
// them has of its own in common with the others.
func environment(m *manifest.Manifest, date time.Time) map[string]string {
	env := map[string]string{
		"PATH":   "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0", "MPLBACKEND": "Agg",
		"SOURCE_DATE_EPOCH": strconv.FormatInt(date.Unix(), 10),
	}
	if len(m.Steps) == 0 {
		return env
	}
	shared := maps.Clone(m.Steps[0].Env)
	for _, s := range m.Steps[1:] {
		maps.DeleteFunc(shared, func(name, value string) bool { return s.Env[name] != value })
	}
	maps.Copy(env, shared)
	return env
}
