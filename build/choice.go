package build

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"repro/recipe"
)

// choice says which layer a path of the folder goes to.
type choice struct {
	code, without []pattern
	data          []pattern
	published     map[string]bool
	outputs       map[string]bool
	environment   string // where the environment's source lies, if in the folder
}

// pattern is a path or glob and what it has brought.
type pattern struct {
	recipe.Text
	files int
}

func newChoice(r *recipe.Recipe) *choice {
	c := &choice{published: map[string]bool{}, outputs: map[string]bool{}, environment: path.Clean(r.Environment.Source.Value)}
	for _, t := range r.Code {
		if rest, ok := strings.CutPrefix(t.Value, "!"); ok {
			c.without = append(c.without, pattern{Text: recipe.Text{Value: rest, Pos: t.Pos}})
		} else {
			c.code = append(c.code, pattern{Text: t})
		}
	}
	for _, d := range r.Data {
		if d.Fetch {
			c.outputs[d.Path.Value] = true // comes from outside, so a copy in the folder stays there
			continue
		}
		c.data = append(c.data, pattern{Text: d.Path})
	}
	for _, res := range r.Results {
		for _, name := range res.Hidden() {
			c.published[name.Value] = true
		}
	}
	for _, s := range r.Steps {
		for _, o := range s.Outputs {
			c.outputs[o.Value] = true
		}
	}
	return c
}

// takes reports whether p names the path, a folder that it lies in, or a
// pattern that matches one of these. What is left out by default must be
// named in full.
func (p pattern) takes(name string) bool {
	for at := name; ; at = path.Dir(at) {
		if p.Value == at || recipe.IsGlob(p.Value) && recipe.Match(p.Value, at) {
			return !dropped(name, p.Value)
		}
		if at == "." {
			return false
		}
	}
}

// dropped reports whether an element of name is left out by default and is
// not named by the pattern.
func dropped(name, pattern string) bool {
	named := strings.Split(pattern, "/")
	return slices.ContainsFunc(strings.Split(name, "/"), func(elem string) bool {
		return !slices.Contains(named, elem) && slices.ContainsFunc(leftOut, func(p string) bool {
			ok, _ := path.Match(p, elem)
			return ok && !slices.Contains(named, p)
		})
	})
}

// leads reports whether p may take something below the folder dir.
func (p pattern) leads(dir string) bool {
	if dropped(dir, p.Value) {
		return false
	}
	elems := strings.Split(p.Value, "/")
	for i, elem := range strings.Split(dir, "/") {
		if i == len(elems) {
			return false
		}
		if elems[i] == "**" {
			return true
		}
		if elems[i] != elem && !recipe.Match(elems[i], elem) {
			return false
		}
	}
	return true
}

// takenBy returns the first of the patterns that takes name, or nil.
func takenBy(patterns []pattern, name string) *pattern {
	for i := range patterns {
		if patterns[i].takes(name) {
			return &patterns[i]
		}
	}
	return nil
}

// count notes for each pattern that takes the file that it is of use, even if
// another one is there before it.
func (c *choice) count(name string) {
	for _, patterns := range [][]pattern{c.code, c.data} {
		for i := range patterns {
			if patterns[i].takes(name) {
				patterns[i].files++
			}
		}
	}
}

// isOutput reports whether name is, or lies in, what a step makes.
func (c *choice) isOutput(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if c.outputs[name] {
			return true
		}
	}
	return false
}

// skip spares the walk what nothing takes.
func (c *choice) skip(name string, mode fs.FileMode) bool {
	if name == c.environment {
		return true
	}
	if c.published[name] || takenBy(c.data, name) != nil || takenBy(c.code, name) != nil {
		return false
	}
	if !mode.IsDir() {
		return true
	}
	leads := func(p pattern) bool { return p.leads(name) }
	if slices.ContainsFunc(c.data, leads) || slices.ContainsFunc(c.code, leads) {
		return false
	}
	for file := range c.published {
		if strings.HasPrefix(file, name+"/") {
			return false
		}
	}
	return true
}

// leftOut are names that a folder or pattern never brings along: records of
// version control, what programs and desktops leave behind, what is likely a
// secret, and what building and running left (an image, a run's folder). They
// come along only if the recipe names them.
var leftOut = []string{
	".git", ".hg", ".svn", ".bzr", "CVS", ".DS_Store", "__pycache__", ".ipynb_checkpoints", ".Rproj.user",
	".env", ".netrc", ".ssh", ".aws", ".gnupg", "id_rsa", "id_ecdsa", "id_ed25519", "*.key",
	"*.sif", "*.run",
}
