package build

import (
	"io"
	"slices"

	"repro/format/manifest"
	"repro/report"
)

// checkSpreads reads the spread documents that the recipe names: one that can't
// be read would leave a reviewer without a verdict.
func (b *builder) checkSpreads() error {
	var seen []string
	for _, res := range b.Recipe.Results {
		n := b.published.Lookup(res.Spread.Value)
		if res.Spread.Value == "" || n == nil || n.Open == nil || slices.Contains(seen, res.Spread.Value) {
			continue
		}
		seen = append(seen, res.Spread.Value)
		f, err := n.Open()
		if err != nil {
			return err
		}
		text, err := io.ReadAll(io.LimitReader(f, manifest.MaxDocument+2))
		f.Close()
		if err != nil {
			return err
		}
		if _, err := report.ParseSpread(text); err != nil {
			b.problem(res.Spread.Pos, "spread: %q: not what repro calibrate writes: %v", res.Spread.Value, err)
		}
	}
	return nil
}
