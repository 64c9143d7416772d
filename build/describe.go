package build

import (
	"maps"
	"path"
	"slices"

	"repro/format/manifest"
	"repro/recipe"
)

// describe writes the manifest, and completes the environment with what
// follows from it.
func (b *builder) describe() {
	r := b.Recipe
	b.manifest = manifest.Manifest{
		Version: manifest.Version,
		Paper:   r.Paper,
		Arch:    b.env.Arch,
		Environment: manifest.Environment{
			Kind:   string(r.Environment.Kind),
			Source: r.Environment.Source.Value,
			Digest: b.digest,
		},
		Steps:   []manifest.Step{},
		Results: []manifest.Result{},
	}
	b.manifest.Notebooks = b.notebooks
	b.manifest.Draft = len(r.Placeholders()) > 0
	for _, d := range r.Data {
		if d.Fetch {
			b.manifest.External = append(b.manifest.External, manifest.External{
				Path: inPaper(d.Path), Source: d.Source, Digest: manifest.Digest("sha256:" + d.SHA256), Size: d.Size,
			})
		}
	}
	b.manifest.Paper.Date = b.date.Format("2006-01-02T15:04:05Z")
	for _, s := range r.Order() {
		b.manifest.Steps = append(b.manifest.Steps, b.step(s))
	}
	for _, res := range r.Results {
		b.manifest.Results = append(b.manifest.Results, manifest.Result{
			Name: res.Name, Output: inPaper(res.Output), Published: res.Published.Value, Sets: values(res.Sets), SetNames: res.SetNames, Quick: res.Quick.Value,
			Claim: res.Claim, Compare: res.Compare,
		})
	}
	for _, c := range r.Claims {
		claim := c.Claim
		claim.Output = inPaper(c.Output)
		b.manifest.Claims = append(b.manifest.Claims, claim)
	}
	b.places()
	complete(b.env.Tree)
	b.singularity()
}

func values(texts []recipe.Text) (all []string) {
	for _, t := range texts {
		all = append(all, t.Value)
	}
	return all
}

// inPaper is where the image has a path of the recipe.
func inPaper(t recipe.Text) string { return path.Join(Paper, t.Value) }

func (b *builder) step(s recipe.Step) manifest.Step {
	env := maps.Clone(b.env.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, s.Env)
	all := func(texts []recipe.Text) (paths []string) {
		for _, t := range texts {
			paths = append(paths, inPaper(t))
		}
		return paths
	}
	cpu := s.CPU
	if cpu == "" {
		cpu = b.Recipe.Environment.CPU
	}
	return manifest.Step{
		CPU:  cpu,
		Name: s.Name, Command: s.Command, Dir: inPaper(s.Dir), Env: env, Needs: s.Needs,
		Inputs: all(s.Inputs), Outputs: all(s.Outputs), CPUs: s.CPUs, Memory: s.Memory, Time: s.Time,
		Ranks: s.Ranks, Takes: s.Takes, Fixed: s.Fixed, Quick: s.Quick,
	}
}

// places makes the folders in which steps leave their outputs, as the author's
// own folder has them.
func (b *builder) places() {
	for _, s := range b.Recipe.Steps {
		for _, o := range s.Outputs {
			put(b.code, path.Dir(inPaper(o)), nil)
		}
	}
}

// commandPath returns the folders in which a step's command is looked up.
func commandPath(s manifest.Step) []string {
	if p, ok := s.Env["PATH"]; ok {
		return splitPath(p)
	}
	return slices.Clone(defaultPath)
}
