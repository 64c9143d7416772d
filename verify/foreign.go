package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/progress"
	"repro/internal/stream"
	"repro/report"
)

// group is a SIF object group of a foreign file.
type group struct {
	id      uint32
	objects []format.Object // by ID
}

// examineForeign fills the report about another program's SIF file: it
// recomputes the digests of all objects and compares each signature with its
// group.
func (v *verification) examineForeign(ctx context.Context) error {
	var objects []format.Object
	left := v.im.Size() // objects on top of each other would make little bytes much work
	for _, o := range v.im.Objects() {
		if left -= o.Size; left < 0 {
			return v.failure(format.ErrMalformed, "objects lie on each other")
		}
		if o.Type != format.DataSignature {
			objects = append(objects, o)
			v.report.Objects = append(v.report.Objects, report.ObjectStatus{
				ID: o.ID, Name: o.Name, Size: o.Size, Mounted: mountedAt(o),
			})
		}
	}
	if len(objects) == 0 {
		return v.failure(format.ErrMalformed, "no objects")
	}
	digests, err := v.hash(ctx, objects)
	if err != nil {
		return err
	}
	groups, changed := groupsOf(objects), set{}
	err = v.checkSignatures(func(o *format.Object, payload []byte) (set, string) {
		for _, g := range groups {
			if o != nil && o.LinkIsGroup && o.Link != g.id {
				continue
			}
			ids, other := v.coverage(g, digests, payload)
			if len(ids) > 0 {
				return ids, ""
			}
			maps.Copy(changed, other)
		}
		return nil, "it is about another file, or this one before it was altered"
	})
	v.bind(changed)
	return err
}

// bind says of each object of a foreign file whether its content is the one that
// it should have: nothing but a signature tells.
func (v *verification) bind(changed set) {
	v.report.Intact = true
	for i := range v.report.Objects {
		o := &v.report.Objects[i]
		if o.Intact = len(o.Signers) > 0; o.Intact {
			continue
		}
		v.report.Intact = false
		if o.Unbound = !changed[o.ID]; o.Unbound {
			o.Problem = "no trusted signature covers it"
		} else {
			o.Problem = "it is not what was signed"
		}
	}
}

func mountedAt(o format.Object) string {
	if p, ok := o.Partition(); ok && (p.Type == format.PartPrimary || p.Type == format.PartOverlay) {
		return "/"
	}
	return ""
}

// groupsOf sorts objects into their groups. Those without a group cannot be
// signed.
func groupsOf(objects []format.Object) []group {
	var groups []group
	for _, o := range objects {
		if o.Group == 0 {
			continue
		}
		i := slices.IndexFunc(groups, func(g group) bool { return g.id == o.Group })
		if i < 0 {
			i, groups = len(groups), append(groups, group{id: o.Group})
		}
		groups[i].objects = append(groups[i].objects, o)
	}
	for _, g := range groups {
		slices.SortFunc(g.objects, func(a, b format.Object) int { return int(int64(a.ID) - int64(b.ID)) })
	}
	return groups
}

// hash returns the digest of each object by its ID, reading several at once.
func (v *verification) hash(ctx context.Context, objects []format.Object) (map[uint32]manifest.Digest, error) {
	var total int64
	for _, o := range objects {
		total += o.Size
	}
	digests := map[uint32]manifest.Digest{}
	var mu sync.Mutex
	var done int64
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(workers(v.options.Workers))
	for _, o := range objects {
		eg.Go(func() error {
			sum, _, err := stream.SHA256(ctx, v.im.Section(o), func(n int) {
				mu.Lock()
				defer mu.Unlock()
				done += int64(n)
				v.options.Progress.Report(progress.Event{Task: "verify", Done: done, Total: total, Bytes: true})
			})
			if err != nil {
				return v.failure(err, fmt.Sprintf("object %d", o.ID))
			}
			mu.Lock()
			defer mu.Unlock()
			digests[o.ID] = manifest.DigestSum(sum)
			return nil
		})
	}
	return digests, eg.Wait()
}

// coverage returns the objects of g that payload is about, none if it does not
// fit the file: each object that it lists must be there as it was. Then changed
// holds those that are not, if the payload is about this file and group at all:
// it lists as many objects, and at least one that fits.
func (v *verification) coverage(g group, digests map[uint32]manifest.Digest, payload []byte) (ids, changed set) {
	m, ok := parseMetadata(payload)
	if !ok {
		return nil, nil
	}
	listed := map[uint32]objectMetadata{}
	for _, o := range m.Objects {
		listed[o.RelativeID] = o
	}
	first := g.objects[0].ID
	actual := metadata{Version: 1, Header: digestJSON{string(manifest.DigestOf(v.im.Header().SignedBytes()))}}
	ids, changed = set{}, set{}
	for _, o := range g.objects {
		signed, ok := listed[o.ID-first]
		if !ok {
			continue
		}
		now := objectMetadata{
			RelativeID:       o.ID - first,
			DescriptorDigest: string(manifest.DigestOf(o.SignedBytes(first))),
			ObjectDigest:     string(digests[o.ID]),
		}
		ids[o.ID] = true
		changed[o.ID] = now != signed
		actual.Objects = append(actual.Objects, now)
	}
	if b, err := json.Marshal(actual); err == nil && string(b) == string(payload) {
		return ids, nil
	}
	maps.DeleteFunc(changed, func(_ uint32, other bool) bool { return !other })
	if len(changed) == len(ids) || len(ids) != len(m.Objects) {
		return nil, nil
	}
	return nil, changed
}
