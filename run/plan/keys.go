package plan

import (
	"encoding/json"

	"repro/format/manifest"
	"repro/report"
)

// Settings are what the files of every step depend on besides the step itself.
// Limits of time and memory are not among them: they are what users raise
// before they try again.
type Settings struct {
	Image   manifest.Digest // content id
	Program string          // version of this program
	Root    int             // version of how the root is composed
	Machine report.Machine  // architecture, processor and kernel count
	Net     bool
	Binds   []string
	Date    string   // of the paper
	Changed []string // lines of [Change]
	GPU     report.GPU
}

// Keys returns for each step a digest of everything that its files depend on:
// settings, the step, and the keys of its predecessors. Two runs may share a
// step's files exactly if its key is the same in both.
func (p *Plan) Keys(s Settings) ([]manifest.Digest, error) {
	m := s.Machine
	settings := []any{s.Image, s.Program, s.Root, m.Arch, m.CPU, m.Kernel, s.Net, s.Binds, s.Date, s.Changed, s.GPU}
	keys := make([]manifest.Digest, len(p.Steps))
	var key func(i int) error
	key = func(i int) error {
		if keys[i] != "" {
			return nil
		}
		step := p.Steps[i]
		step.Memory, step.Time, step.Takes, step.Quick = 0, 0, 0, nil
		parts := []any{settings, step}
		for _, n := range p.Needs[i] {
			if err := key(n); err != nil {
				return err
			}
			parts = append(parts, keys[n])
		}
		b, err := json.Marshal(parts) // sorts the keys of maps
		keys[i] = manifest.DigestOf(b)
		return err
	}
	for i := range keys {
		if err := key(i); err != nil {
			return nil, err
		}
	}
	return keys, nil
}
