package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"repro/build"
	"repro/build/oci"
	"repro/engine/local"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/atomicfile"
	"repro/run/rootfs"
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
   repro export paper.sif --rootfs root.tar
   repro export paper.sif --cwl paper.cwl && cwltool paper.cwl
   repro export paper.sif --snakemake Snakefile && snakemake --cores all

For CernVM-FS, the image becomes a list of pieces that are named for their content,
so that images share what they have in common; all commands take the list for the
image. For Slurm, each step becomes a batch script; submit.sh submits them.

   repro export paper.sif --cvmfs /cvmfs/papers.example.org
   repro export paper.sif --slurm scripts && sh scripts/submit.sh --partition=short`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "oci", Usage: "write an OCI image to `NAME`"},
			&cli.StringFlag{Name: "rootfs", Usage: "write the root filesystem to `NAME`"},
			&cli.StringFlag{Name: "cvmfs", Usage: "add the image to `FOLDER` as a list of pieces, which CernVM-FS can publish"},
			&cli.StringFlag{Name: "slurm", Usage: "write batch scripts for Slurm to `FOLDER`, which is made; they run the steps in the image's name with .run, beside it"},
			&cli.StringFlag{Name: "cwl", Usage: "write a workflow of the Common Workflow Language to `FILE`; its jobs call repro"},
			&cli.StringFlag{Name: "snakemake", Usage: "write a Snakefile to `FILE`; its jobs call repro"},
			&cli.StringFlag{Name: "ref", Usage: "with --oci: call the image `REF`, such as paper:1"},
		},
		Action: func(ctx *cli.Context) error {
			name, err := oneArgument(ctx, "", "export: name one image")
			if err != nil {
				return err
			}
			return c.export(ctx, name)
		},
	}
}

// export writes the one form that is asked for.
func (c *console) export(ctx *cli.Context, name string) error {
	forms := []struct {
		flag  string
		write func(ctx *cli.Context, name, to string) error
	}{{"oci", c.exportOCI}, {"rootfs", c.exportRoot}, {"cvmfs", c.exportPieces}, {"slurm", c.exportScripts}, {"cwl", c.exportCWL}, {"snakemake", c.exportSnakefile}}
	chosen := -1
	for i, f := range forms {
		if ctx.String(f.flag) == "" {
			continue
		}
		if chosen >= 0 {
			return usagef("export: --%s and --%s: name one of them", forms[chosen].flag, f.flag)
		}
		chosen = i
	}
	if chosen < 0 {
		return usagef("export: name one of --oci, --rootfs, --cvmfs, --slurm, --cwl and --snakemake")
	}
	return forms[chosen].write(ctx, name, ctx.String(forms[chosen].flag))
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
	if e.Progress = c.progress(); ctx.IsSet("ref") {
		e.Ref = ctx.String("ref")
	}
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
	id, err := image.ContentID()
	if err != nil {
		return nil, err
	}
	start, err := entrypoint(image, m.Steps)
	if err != nil {
		return nil, err
	}
	e := &oci.Export{
		Ref:  containerRef(id),
		Arch: m.Arch, Created: created, Annotations: annotations(m, id),
		Config: oci.Config{Env: environment(m, created), WorkingDir: build.Paper, Entrypoint: start},
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
	top, err := topLayer(image, m, created)
	if err != nil {
		return nil, err
	}
	e.Layers, e.Names = append(e.Layers, top), append(e.Names, "what steps see")
	return e, nil
}

// contentIDLabel is the annotation, and label, of a container that names the
// image that it was made from. SPEC.md, EXP-6.
const contentIDLabel = "repro.content-id"

// containerRef is what a container of an image is called where nobody names it:
// container engines lose images without a name. SPEC.md, EXP-6.
func containerRef(id manifest.Digest) string {
	return "localhost/repro:" + strings.TrimPrefix(string(id), "sha256:")[:16]
}

// entrypoint runs all steps if a container gets no arguments, the steps that its
// arguments name, or else the command that they are. It holds the text of the image's
// runscript and does not call it: what Apptainer builds of a container has one in its
// place that calls the entrypoint. SPEC.md, EXP-5.
func entrypoint(image *format.Image, steps []manifest.Step) ([]string, error) {
	layers, err := image.RootLayers()
	if err != nil {
		return nil, err
	}
	root, err := tree.NewView(tree.Look{}, layers...)
	if err != nil {
		return nil, err
	}
	runscript, err := textOf(root, "/.singularity.d/runscript")
	if err != nil {
		return nil, err
	}
	names := []string{"''"}
	for _, s := range steps {
		names = append(names, "'"+s.Name+"'")
	}
	script := "case ${1-} in " + strings.Join(names, "|") + ") ;; *) exec \"$@\" ;; esac\n"
	return []string{"/bin/sh", "-c", script + runscript, "repro"}, nil
}

// maxRunscript bounds the text that becomes an argument: Linux takes 128 KiB.
const maxRunscript = 100 << 10

func textOf(root *tree.View, name string) (string, error) {
	found, err := root.Find(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if !found.Node.Mode.IsRegular() || found.Node.Size > maxRunscript {
		return "", fmt.Errorf("%s: want a file of at most %d bytes", name, maxRunscript)
	}
	f, err := found.Node.Content()
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	return string(text), err
}

// topLayer is what steps see that no layer of the image has: a user, empty
// folders, and none of the files in whose place they leave outputs. Any user may
// write to the folders of outputs below /paper: containers may run as any. SPEC.md,
// EXP-9.
func topLayer(image *format.Image, m *manifest.Manifest, created time.Time) (*tree.Node, error) {
	layers, err := image.RootLayers()
	if err != nil {
		return nil, err
	}
	who := local.Identity()
	who.FileUID, who.FileGID = 0, 0
	root, err := rootfs.Compose(layers, m.Hiding(), nil, who)
	if err != nil {
		return nil, err
	}
	top := root.Top
	writable := []string{build.Paper, manifest.Home}
	for _, s := range m.Steps {
		for _, o := range s.Outputs {
			for dir := path.Dir(o); strings.HasPrefix(dir, build.Paper+"/"); dir = path.Dir(dir) {
				writable = append(writable, dir)
			}
		}
	}
	slices.Sort(writable)
	for _, name := range slices.Compact(writable) {
		if err := makeWritable(top, root.View, name); err != nil {
			return nil, err
		}
	}
	for _, n := range top.All() {
		if n.ModTime == 0 {
			n.ModTime = created.Unix()
		}
	}
	return top, nil
}

// makeWritable has the layer top show the folder name with a mode that lets any
// user write to it, unless a link or a file stands there or on the way.
func makeWritable(top *tree.Node, below *tree.View, name string) error {
	at, dir := "", top
	for elem := range strings.SplitSeq(name[1:], "/") {
		at += "/" + elem
		next := dir.Entries[elem]
		if next == nil {
			next = tree.NewDir()
			switch seen, err := below.Find(at); {
			case err == nil && !seen.Node.IsDir():
				return nil
			case err == nil:
				next.Mode, next.ModTime = seen.Node.Mode, seen.Node.ModTime
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
			dir.Entries[elem] = next
		}
		if !next.IsDir() {
			return nil
		}
		dir = next
	}
	dir.Mode |= 0o777
	return nil
}

// annotations are those of the OCI image specification that a paper has a word
// for.
func annotations(m *manifest.Manifest, id manifest.Digest) map[string]string {
	var authors []string
	for _, a := range m.Paper.Authors {
		authors = append(authors, a.Name)
	}
	out := map[string]string{
		contentIDLabel:                         string(id),
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
