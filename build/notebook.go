package build

import (
	"bytes"
	"io"
	"path"

	"repro/format/tree"
	"repro/internal/notebook"
)

// bare gives steps a published notebook without its outputs, where code or data
// name it: it is code and published result at once (SPEC.md RCP-16a).
func (b *builder) bare(c *choice, name string, n *tree.Node) {
	if !notebook.Is(name) || !n.Mode.IsRegular() {
		return
	}
	layer, p := b.data, takenBy(c.data, name)
	if p == nil {
		layer, p = b.code, takenBy(c.code, name)
	}
	if p == nil || takenBy(c.without, name) != nil {
		return
	}
	c.count(name)
	content, err := withoutOutputs(n)
	if err != nil {
		b.problem(p.Pos, "%q: is published, so that steps may see it only without its outputs: %s", name, plain(err))
		return
	}
	own := *n
	own.Size, own.Stamp = int64(len(content)), ""
	own.Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	put(layer, path.Join(Paper, name), &own)
	b.notebooks = append(b.notebooks, path.Join("/", Paper, name))
}

func withoutOutputs(n *tree.Node) ([]byte, error) {
	whole, err := contentOf(n)
	if err != nil {
		return nil, err
	}
	return notebook.WithoutOutputs(whole)
}

// contentOf reads a notebook, or a bit more than the largest that there may be.
func contentOf(n *tree.Node) ([]byte, error) {
	in, err := n.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(io.LimitReader(in, notebook.MaxSize+1))
}

// checkNotebooks warns of published notebooks that were saved without outputs:
// no run can be held against them (SPEC.md RCP-16b). What is no notebook is left
// to whoever compares it.
func (b *builder) checkNotebooks() error {
	for _, res := range b.Recipe.Results {
		n := b.published.Lookup(res.Published.Value)
		if n == nil || !notebook.Is(res.Published.Value) || !n.Mode.IsRegular() {
			continue
		}
		whole, err := contentOf(n)
		if err != nil {
			return err
		}
		if code, left, err := notebook.Outputs(whole); err == nil && left == 0 {
			b.warn(res.Published.Pos, "published: %q: none of its %d code cells has an output, so that no run can be held against it: run the notebook, save it with its outputs, and build again", res.Published.Value, code)
		}
	}
	return nil
}
