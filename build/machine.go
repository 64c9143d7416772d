package build

import (
	"context"
	"errors"
	"strings"

	"repro/build/host"
	"repro/recipe"
)

func init() { openers[recipe.Host] = openHost }

// openHost gathers programs of this machine. Its error says for each program
// or file what is wrong with it.
func openHost(ctx context.Context, b *builder, _ string) (*Source, error) {
	e := b.Recipe.Environment
	places := map[string]recipe.Pos{}
	values := func(texts []recipe.Text) (all []string) {
		for _, t := range texts {
			all = append(all, t.Value)
			places[t.Value] = t.Pos
		}
		return all
	}
	c, err := host.Gather(ctx, values(e.Programs), values(e.Files), host.Options{Path: host.Path(b.Path)})
	if err != nil {
		all := &recipe.Error{Name: b.Recipe.Name}
		for _, err := range split(err) {
			at := e.Pos
			var asked *host.Error
			if errors.As(err, &asked) {
				at = places[asked.Name]
			}
			all.Problems = append(all.Problems, recipe.Problem{Pos: at, Text: "host: " + err.Error()})
		}
		return nil, all
	}
	src := &Source{Tree: c.Tree, Arch: c.Arch, lacks: "add it to the programs of the host"}
	if len(c.Path) > 0 {
		src.Env = map[string]string{"PATH": strings.Join(append(c.Path, host.DefaultPath...), ":")}
	}
	return src, nil
}

// split returns the errors that were joined.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
