package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"repro/report"
)

// Limits on archives.
const (
	maxMembers = 1 << 14
	maxNested  = 4        // archives within each other
	maxArchive = 64 << 20 // bytes of one that is kept in memory
)

// member is one file of an archive, or one part of a notebook.
type member struct {
	name string
	size int64
	open func() (io.ReadCloser, error)
}

func memberOf(name string, content []byte) member {
	return member{name, int64(len(content)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}

// compareMembers compares what two archives hold, name by name (CMP-100 to
// CMP-103).
func (j *job) compareMembers(ctx context.Context, pub, new []member, same string) error {
	if j.depth == maxNested {
		return tooLarge(published, "archives lie more than %d deep in each other", maxNested)
	}
	places, err := placesOf(new, produced)
	if err != nil {
		return err
	}
	if _, err := placesOf(pub, published); err != nil {
		return err
	}
	all := &gathered{f: j.finding, same: same}
	for _, p := range pub {
		n, ok := places[p.name]
		delete(places, p.name)
		if !ok {
			all.add(p.name, lone(p.name, "", "%q of the published file is not in the new one", p.name))
			continue
		}
		f, err := j.compareMember(ctx, p, n)
		if err != nil {
			return err
		}
		all.add(p.name, f)
	}
	for _, n := range new {
		if _, extra := places[n.name]; extra {
			all.add(n.name, lone("", n.name, "%q of the new file is not in the published one", n.name))
		}
	}
	all.conclude()
	return nil
}

func placesOf(members []member, of side) (map[string]member, error) {
	if len(members) > maxMembers {
		return nil, tooLarge(of, "more than %d files in it", maxMembers)
	}
	out := map[string]member{}
	for _, m := range members {
		if _, twice := out[m.name]; twice {
			return nil, &undecided{fmt.Sprintf("the %s file holds %q twice", of, clip(m.name))}
		}
		out[m.name] = m
	}
	return out, nil
}

// lone is what is found of a member that only one side has.
func lone(pub, new, format string, args ...any) report.Finding {
	return report.Finding{Verdict: report.Differs, Reason: clip(fmt.Sprintf(format, args...)),
		Worst: &report.Worst{Published: clip(pub), New: clip(new)}}
}

func (j *job) compareMember(ctx context.Context, p, n member) (report.Finding, error) {
	r := j.rule.Rule
	r.Kind = ""
	pub, new := File{FS: single{p, published}, Name: p.name}, File{FS: single{n, produced}, Name: n.name}
	f, err := files(ctx, pub, new, r, sinks{depth: j.depth + 1, spread: j.tally.spread.part(p.name)})
	if err != nil && ctx.Err() == nil {
		return settle(f, err)
	}
	return f, err
}

// gathered joins what was found of each member. A difference that is sure
// outweighs what needs eyes.
type gathered struct {
	f      *report.Finding
	same   string
	counts map[report.Verdict]int
	worst  string // name of the member whose verdict counts
}

var severity = []report.Verdict{report.Identical, report.SameContent, report.SameAsPrinted, report.WithinSpread,
	report.WithinTolerance, report.NeedsEyes, report.Missing, report.Differs}

func (g *gathered) add(name string, f report.Finding) {
	if g.counts == nil {
		g.counts = map[report.Verdict]int{}
		g.f.Verdict = report.SameContent
	}
	g.counts[f.Verdict]++
	g.f.Compared += f.Compared
	g.f.Differing += f.Differing
	if slices.Index(severity, f.Verdict) <= slices.Index(severity, g.f.Verdict) {
		return
	}
	g.worst, g.f.Verdict, g.f.Reason, g.f.Digits, g.f.Score, g.f.Diff = name, f.Verdict, f.Reason, f.Digits, f.Score, f.Diff
	g.f.Worst = nil
	if f.Worst != nil {
		w := *f.Worst
		w.Where = strings.TrimSuffix(clip(name)+": "+w.Where, ": ")
		g.f.Worst = &w
	}
}

func (g *gathered) conclude() {
	if g.worst == "" {
		g.f.Verdict, g.f.Reason = report.SameContent, g.same
		return
	}
	g.f.Reason = clip(g.worst) + ": " + g.f.Reason
	if n := g.counts[g.f.Verdict]; n > 1 {
		g.f.Reason += fmt.Sprintf("; %s like this", plural(int64(n-1), "more part"))
	}
}

// single is a file system of one member, whatever its name is.
type single struct {
	m  member
	of side
}

func (s single) Open(string) (fs.File, error) {
	r, err := s.m.open()
	if err != nil {
		return nil, malformed(s.of, kindZip, "%s", reason(err))
	}
	return &singleFile{r, s}, nil
}

type singleFile struct {
	io.ReadCloser
	s single
}

func (f *singleFile) Stat() (fs.FileInfo, error) { return singleInfo{f.s.m}, nil }

func (f *singleFile) Read(b []byte) (int, error) {
	n, err := f.ReadCloser.Read(b)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = malformed(f.s.of, kindZip, "%q: %s", clip(f.s.m.name), reason(err))
	}
	return n, err
}

type singleInfo struct{ m member }

func (i singleInfo) Name() string     { return i.m.name }
func (i singleInfo) Size() int64      { return i.m.size }
func (singleInfo) Mode() fs.FileMode  { return 0o444 }
func (singleInfo) ModTime() time.Time { return time.Time{} }
func (singleInfo) IsDir() bool        { return false }
func (singleInfo) Sys() any           { return nil }
