package pages

import (
	"encoding/json"
	"io"
	"sync"

	"repro/format"
	"repro/format/manifest"
	"repro/gateway/rerun"
	"repro/gateway/store"
	"repro/report"
)

// maxFacts is of how many submissions and of how many runs the facts are held in
// memory: neither changes any more.
const maxFacts = 64

// facts are what pages say of an image.
type facts struct {
	Verify   report.Verify
	Manifest *manifest.Manifest
	Packages []spdxPackage
}

type spdxPackage struct {
	Name    string `json:"name"`
	Version string `json:"versionInfo"`
	Licence string `json:"licenseDeclared"`
}

// kept holds what is costly to read, by id, the last few. Goroutines may share
// one.
type kept[T any] struct {
	mu     sync.Mutex
	values map[string]T
	order  []string
}

// get returns the value of that id, by read if it is not held.
func (k *kept[T]) get(id string, read func() (T, error)) (T, error) {
	k.mu.Lock()
	v, ok := k.values[id]
	k.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.values == nil {
		k.values = map[string]T{}
	}
	if _, ok := k.values[id]; !ok {
		if len(k.order) == maxFacts {
			delete(k.values, k.order[0])
			k.order = k.order[1:]
		}
		k.order = append(k.order, id)
	}
	k.values[id] = v
	return v, nil
}

// factsOf returns the facts of a submission.
func (p *Pages) factsOf(sub store.Submission) (*facts, error) {
	return p.facts.get(sub.ID, func() (*facts, error) {
		file, image, err := p.images.Open(sub)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		f := &facts{}
		if err := json.Unmarshal(sub.Report, &f.Verify); err != nil {
			return nil, err
		}
		if f.Manifest, err = image.Manifest(); err != nil {
			return nil, err
		}
		f.Packages, err = packages(image, f.Manifest)
		return f, err
	})
}

// reportOf returns what a run that has ended found.
func (p *Pages) reportOf(r store.Run) (*report.Run, error) {
	return p.reports.get(r.ID, func() (*report.Run, error) { return rerun.ReadReport(p.runDir(r)) })
}

func (p *Pages) runDir(r store.Run) string { return rerun.Dir(p.store.Dir(), r.ID) }

// packages reads the bill of materials of an image, if it has one.
func packages(im *format.Image, m *manifest.Manifest) ([]spdxPackage, error) {
	for _, o := range m.Objects {
		if o.Role != manifest.RoleSBOM || o.Size > maxSBOM {
			continue
		}
		r, err := im.Content(o.Name)
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(io.LimitReader(r, maxSBOM))
		if err != nil {
			return nil, err
		}
		var doc struct {
			Packages []spdxPackage `json:"packages"`
		}
		if json.Unmarshal(b, &doc) != nil {
			return nil, nil // an author's own: it says nothing that can be shown
		}
		return doc.Packages, nil
	}
	return nil, nil
}
