// Package anonymous makes an image and a deposit say nothing of whose work they
// are, for blind review: it leaves out what names the authors and searches the
// rest for what still does.
package anonymous

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"repro/archive/deposit"
	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/progress"
	"repro/recipe"
)

// minName is the least length of a word that is searched for: shorter ones
// are everywhere.
const minName = 4

// Error says where the names of the authors remain, which only they can take
// out.
type Error struct {
	Image  string
	Places []string // with what would help
}

// Error lists the places, one a line.
func (e *Error) Error() string { return e.Image + ": " + strings.Join(e.Places, "\n"+e.Image+": ") }

// Options say how to make an image.
type Options struct {
	Workers  int // 0: all cores
	Progress progress.Func
}

// Image makes the image anew without what says whose work it is, as a
// temporary file beside out; remove takes it away. Where a name remains in code
// or data the error is an [*Error].
func Image(ctx context.Context, im *format.Image, out string, o Options) (made *format.Image, remove func(), err error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, nil, err
	}
	if problems := im.Layout(); len(problems) > 0 {
		return nil, nil, fmt.Errorf("%s: %w", im.Name(), &format.LayoutError{Problems: problems})
	}
	dir, err := os.MkdirTemp(filepath.Dir(out), ".anonymous-*.partial")
	if err != nil {
		return nil, nil, err
	}
	done := func() { os.RemoveAll(dir) }
	secrets := Identities(m)
	spec, err := nameless(ctx, im, m, secrets, o)
	if err == nil {
		name := filepath.Join(dir, "paper.sif")
		if _, err = format.Create(ctx, name, *spec); err == nil {
			if made, err = format.Open(name); err == nil {
				return made, func() { made.Close(); done() }, nil
			}
		}
	}
	done()
	return nil, nil, err
}

// Identities are the words that give the authors away, in lower case.
func Identities(m *manifest.Manifest) []string {
	var all []string
	add := func(s string) {
		s = strings.ToLower(strings.TrimSpace(s))
		for _, form := range []string{s, strings.Trim(strconv.QuoteToASCII(s), `"`)} { // notebooks write \u00eb for ë
			if len(s) >= minName && !slices.Contains(all, form) {
				all = append(all, form)
			}
		}
	}
	for _, a := range m.Paper.Authors {
		add(a.Name)
		add(a.ORCID)
		add(a.Email)
		add(a.Affiliation)
		if _, family := deposit.SplitName(a); family != "" {
			add(family)
		} else if words := strings.Fields(a.Name); len(words) == 2 || hasInitial(words) {
			add(words[len(words)-1])
		}
		if user, _, ok := strings.Cut(a.Email, "@"); ok {
			add(user)
		}
	}
	add(m.Paper.DOI)
	return all
}

// hasInitial tells a person from a group: one of the words is a single letter.
func hasInitial(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return len([]rune(strings.TrimSuffix(w, "."))) == 1 })
}

// nameless is the image without names: the recipe and the manifest without
// authors, licence holder and DOI, and layers that were searched.
func nameless(ctx context.Context, im *format.Image, m *manifest.Manifest, secrets []string, o Options) (*format.Spec, error) {
	spec := &format.Spec{Manifest: *m, Workers: o.Workers, Progress: o.Progress}
	spec.Manifest.Objects = nil
	spec.Manifest.Paper.Authors = []manifest.Author{{Name: "Anonymous"}}
	spec.Manifest.Paper.DOI = ""
	spec.Manifest.Environment.Source = ""
	var problems []string
	for i, r := range m.Objects {
		o := im.Objects()[i+1]
		switch r.Role {
		case manifest.RoleRecipe:
			b, err := section(im, o, r)
			if err != nil {
				return nil, err
			}
			if spec.Recipe, err = recipe.Anonymous(b); err != nil {
				return nil, fmt.Errorf("%s: recipe: %w", im.Name(), err)
			}
			problems = append(problems, Find("repro.yaml", bytes.NewReader(spec.Recipe), secrets)...)
		case manifest.RoleInspect:
			spec.Inspect = []byte("{\"data\":{\"attributes\":{}},\"type\":\"container\"}\n")
		case manifest.RoleSBOM:
			b, err := section(im, o, r)
			if err != nil {
				return nil, err
			}
			spec.SBOM = func(context.Context) ([]byte, error) { return b, nil }
			problems = append(problems, Find(r.Name, bytes.NewReader(b), secrets)...)
		case manifest.RoleLayer, manifest.RoleHidden:
			reader, err := im.Layer(r.Name)
			if err != nil {
				return nil, err
			}
			root, err := reader.Tree()
			if err != nil {
				return nil, fmt.Errorf("%s: layer %q: %w", im.Name(), r.Name, err)
			}
			spec.BlockSize = r.Layer.BlockSize
			if r.Name == format.EnvironmentName {
				root.Entries[".singularity.d"] = unlabelled(root)
			}
			bad, err := search(ctx, root, secrets, r.Name == format.EnvironmentName)
			if err != nil {
				return nil, err
			}
			problems = append(problems, bad...)
			spec.Layers = append(spec.Layers, format.LayerSpec{Name: r.Name, Role: r.Role, Tree: root})
		}
	}
	if len(problems) > 0 {
		return nil, &Error{Image: im.Name(), Places: problems}
	}
	return spec, nil
}

// IsCompressed reports whether a file's extension says that its text does not
// stand in its bytes, so that a search finds nothing.
func IsCompressed(name string) bool {
	return slices.Contains(compressed, strings.ToLower(filepath.Ext(name)))
}

var compressed = []string{
	".7z", ".br", ".bz2", ".docx", ".gz", ".h5", ".lz4", ".npz", ".ods", ".odt", ".parquet", ".pdf", ".pptx", ".rda", ".rdata", ".rds",
	".tgz", ".whl", ".xlsx", ".xz", ".zip", ".zst",
}

// unlabelled is .singularity.d without the labels that name the authors.
func unlabelled(root *tree.Node) *tree.Node {
	dir := tree.NewDir()
	if old := root.Entries[".singularity.d"]; old != nil && old.IsDir() {
		*dir = *old
		dir.Entries = map[string]*tree.Node{}
		for name, n := range old.Entries {
			dir.Entries[name] = n
		}
	}
	dir.Entries["labels.json"] = tree.NewFile(0o644, []byte("{}\n"))
	dir.Entries["labels.json"].ModTime = dir.ModTime
	return dir
}

// section reads a small object and checks it.
func section(im *format.Image, o format.Object, want manifest.Object) ([]byte, error) {
	b, err := io.ReadAll(im.Section(o))
	if err != nil {
		return nil, err
	}
	if manifest.DigestOf(b) != want.Digest {
		return nil, fmt.Errorf("%s: %w", im.Name(), &format.AlteredError{Object: want.Name, Offset: -1, Reason: "content differs from the digest that the manifest binds"})
	}
	return b, nil
}

// search looks for the authors in names and contents of a layer. The programs
// of an environment are others' work: in it, only names and small texts are
// searched for whole words that no one else has, which are addresses and iDs.
func search(ctx context.Context, root *tree.Node, secrets []string, environment bool) ([]string, error) {
	if environment {
		secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return !strings.ContainsAny(s, "@-") || strings.Contains(s, " ") })
	}
	var problems []string
	for name, n := range root.All() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		problems = append(problems, Find("name of /"+name, strings.NewReader(name), secrets)...)
		if n.Mode.Type() != 0 || n.Open == nil || len(secrets) == 0 {
			continue
		}
		f, err := n.Open()
		if err != nil {
			return nil, err
		}
		problems = append(problems, Find("/"+name, f, secrets)...)
		f.Close()
	}
	return problems, nil
}

// Find reports which of the words stand in what r reads, in any mixture of
// capital and small letters.
func Find(where string, r io.Reader, secrets []string) []string {
	longest := 0
	for _, s := range secrets {
		longest = max(longest, len(s))
	}
	var problems []string
	seen := map[string]bool{}
	buf, kept := make([]byte, 0, 256<<10), 0
	for {
		n, err := r.Read(buf[kept:cap(buf)])
		text := bytes.ToLower(buf[:kept+n])
		for _, s := range secrets {
			if !seen[s] && bytes.Contains(text, []byte(s)) {
				seen[s] = true
				problems = append(problems, fmt.Sprintf("%s: says %q, which gives the authors away: take it out and build again, or archive without --anonymous", where, s))
			}
		}
		if errors.Is(err, io.EOF) {
			return problems
		}
		if err != nil {
			return append(problems, fmt.Sprintf("%s: %v", where, err))
		}
		total := kept + n
		kept = min(total, max(longest-1, 0))
		copy(buf[:kept], buf[total-kept:total])
	}
}
