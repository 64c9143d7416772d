package build

import (
	"context"
	"errors"
	"strings"

	"repro/build/host"
	"repro/capture"
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
	c, err := host.Gather(ctx, values(e.Programs), values(e.Files), host.Options{Path: host.Path(b.Path), Code: b.sources})
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
	capture.AddPackageRecords(c.Tree)
	src := &Source{Tree: c.Tree, Arch: c.Arch, lacks: "add it to the programs of the host"}
	if len(c.Path) > 0 {
		src.Env = map[string]string{"PATH": strings.Join(append(c.Path, host.DefaultPath...), ":")}
	}
	return src, nil
}

// sources yields the experiment's code, that in commands included, from which
// an interpreter's packages follow.
func (b *builder) sources(yield func(host.Source) bool) {
	for _, s := range b.Recipe.Steps {
		for i, word := range s.Command {
			text := word
			if i > 0 && s.Command[i-1] == "-m" {
				text = "import " + word // python3 -m MODULE
			}
			if i > 0 && !yield(host.Source{Name: "command.py", Text: func() []byte { return []byte(text) }}) {
				return
			}
		}
	}
	for name, n := range b.code.All() {
		if !n.Mode.IsRegular() {
			continue
		}
		text := func() []byte {
			text, err := firstBytes(n, host.MaxSource)
			if err != nil {
				return nil // told when the file is read for the image
			}
			return text
		}
		if !yield(host.Source{Name: name, Text: text}) {
			return
		}
	}
}

// split returns the errors that were joined.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
