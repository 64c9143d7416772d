package attest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"repro/attest/statement"
	"repro/format"
	"repro/format/manifest"
	"repro/report"
)

// ErrReport says that the report of a run is not whole, or not of this image.
var ErrReport = errors.New("the report does not stand for a run of this image")

func notWhole(text string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrReport, fmt.Sprintf(text, args...))
}

// Run is a run that is to be attested.
type Run struct {
	Report *report.Run
	Bytes  []byte // of its report.json
	Files  fs.FS  // what it left, as below outputs/

	Looked map[string]statement.Look // by result that needs eyes: what the signer saw himself
}

// ErrLooked says that somebody claims to have looked at what needs no eyes.
var ErrLooked = errors.New("no result that needs eyes")

// look puts what the signer saw into the results.
func look(found []statement.Result, seen map[string]statement.Look) error {
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		i := slices.IndexFunc(found, func(x statement.Result) bool { return x.Name == name && x.Verdict == report.NeedsEyes })
		if i < 0 {
			return fmt.Errorf("%q: %w", name, ErrLooked)
		}
		found[i].Looked = seen[name]
	}
	return nil
}

// FromRun makes the statement of what came out of a run, in what its signer
// says besides. The report must be about im, speak of each of its objects,
// results and steps by the manifest's own words, and agree with itself, with
// the files that the run left, and with what comes out when these are compared
// once more; or it fails with [ErrReport]. SPEC.md, ATT-14.
func FromRun(ctx context.Context, im *format.Image, run Run, said statement.Said) (r statement.Reproduction, err error) {
	m, err := im.Manifest()
	if err != nil {
		return r, err
	}
	id, err := im.ContentID()
	if err != nil {
		return r, err
	}
	rep := run.Report
	for _, check := range []func() error{
		func() error { return checkImage(m, id, rep) },
		func() error { return checkResults(m, rep) },
		func() error { return checkSteps(rep) },
		func() error { return checkFiles(rep, run.Files) },
		func() error { return checkAgain(ctx, im, m, rep, run.Files) },
	} {
		if err := check(); err != nil {
			return r, err
		}
	}
	found := results(rep)
	if err := look(found, run.Looked); err != nil {
		return r, err
	}
	return statement.Reproduction{
		Said: said, Results: found, NotRun: rep.LeftOut, Steps: steps(m, rep),
		Quick: rep.Quick, Changed: lines(rep.Changed), Started: rep.Started, Finished: rep.Finished,
		Engine: engine(rep), Machine: machine(rep.Machine), Isolation: isolation(rep.Isolation),
		Report: manifest.DigestOf(run.Bytes),
	}, nil
}

// checkImage compares what the report says of the image's objects.
func checkImage(m *manifest.Manifest, id manifest.Digest, rep *report.Run) error {
	switch {
	case rep.ContentID != id:
		return notWhole("it is about image %s, this is %s", rep.ContentID, id)
	case rep.Verify == nil:
		return notWhole("it does not say that the image was verified: run it again")
	case rep.Verify.ContentID != id || !rep.Verify.Canonical || !rep.Verify.Intact:
		return notWhole("the image that was run was not intact")
	case !reflect.DeepEqual(rep.Paper, m.Paper):
		return notWhole("it speaks of another paper")
	}
	intact := map[string]int64{}
	for _, o := range rep.Verify.Objects {
		if o.Intact {
			intact[o.Name] = o.Size
		}
	}
	for _, o := range m.Objects {
		if size, ok := intact[o.Name]; !ok || size != o.Size {
			return notWhole("it does not say that object %q was intact", o.Name)
		}
	}
	return nil
}

// checkResults compares the findings with the results and claims that the
// manifest names: each once, by its own rule, or as left out.
func checkResults(m *manifest.Manifest, rep *report.Run) error {
	want := map[string]report.Finding{}
	for _, r := range m.Results {
		want[r.Name] = report.Finding{Output: r.Output, Rule: r.Compare}
	}
	for _, c := range m.Claims {
		want[c.Name] = report.Finding{Output: c.Output, Rule: claimRule(c)}
	}
	seen := map[string]bool{}
	for _, f := range rep.Findings {
		w, ok := want[f.Result]
		switch {
		case !ok || seen[f.Result]:
			return notWhole("result %q is none of this image, or stands there twice", f.Result)
		case f.Output != w.Output || !reflect.DeepEqual(f.Rule, w.Rule):
			return notWhole("result %q was compared by another rule than the image states", f.Result)
		}
		seen[f.Result] = true
	}
	for _, name := range rep.LeftOut {
		if _, ok := want[name]; !ok || seen[name] {
			return notWhole("%q is left out, and is none of this image or stands there twice", name)
		}
		seen[name] = true
	}
	for name := range want {
		if !seen[name] {
			return notWhole("it says nothing of result %q: run all steps", name)
		}
	}
	if c := report.Count(rep.Findings); c.Results != rep.Counts.Results || c.Reproduced != rep.Counts.Reproduced || !maps.Equal(c.Verdicts, rep.Counts.Verdicts) {
		return notWhole("its counts are not those of its results")
	}
	return nil
}

// claimRule is the rule that a finding about a claim states.
func claimRule(c manifest.Claim) manifest.Rule {
	t := c.Compare
	return manifest.Rule{Absolute: t.Absolute, Relative: t.Relative, ULP: t.ULP, Digits: t.Digits}
}

// checkFiles compares the digests of what the report judges with the files
// that the run left.
func checkFiles(rep *report.Run, files fs.FS) error {
	if files == nil {
		return notWhole("what the run left is not there")
	}
	digests := digestsOf(rep)
	for _, f := range rep.Findings {
		d, listed := digests[f.Output]
		if f.Verdict == report.Missing && !listed {
			continue
		}
		if !listed {
			return notWhole("it has no digest of %s", f.Output)
		}
		got, err := digestFile(files, strings.TrimPrefix(f.Output, "/"))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrReport, err)
		}
		if got != d {
			return notWhole("%s was changed since", f.Output)
		}
	}
	return nil
}

func digestsOf(rep *report.Run) map[string]manifest.Digest {
	all := map[string]manifest.Digest{}
	for _, o := range rep.Outputs {
		all[o.Path] = o.Digest
	}
	return all
}

func digestFile(files fs.FS, name string) (manifest.Digest, error) {
	info, err := fs.Stat(files, name) // before it is opened: a pipe would wait for a writer
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", name)
	}
	if err != nil {
		return "", err
	}
	f, err := files.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return manifest.Digest(fmt.Sprintf("sha256:%x", h.Sum(nil))), nil
}

func results(rep *report.Run) []statement.Result {
	digests := digestsOf(rep)
	all := []statement.Result{}
	for _, f := range rep.Findings {
		all = append(all, statement.Result{
			Name: f.Result, Output: f.Output, Digest: digests[f.Output],
			Verdict: f.Verdict, Reason: line(f.Reason), Set: line(f.Set),
		})
	}
	return all
}

// steps lists every step of the image: those that a quick run leaves out are
// skipped.
func steps(m *manifest.Manifest, rep *report.Run) []statement.Step {
	all := []statement.Step{}
	for _, s := range rep.Steps {
		all = append(all, statement.Step{Name: s.Name, Status: s.Status, Exit: s.Exit, Signal: s.Signal, WallMS: s.WallMS})
	}
	for _, s := range m.Steps {
		ran := slices.ContainsFunc(all, func(x statement.Step) bool { return x.Name == s.Name })
		if rep.Quick && !ran {
			all = append(all, statement.Step{Name: s.Name, Status: report.StepSkipped})
		}
	}
	return all
}

// engine names what started the steps.
func engine(rep *report.Run) string {
	for _, s := range rep.Steps {
		if s.Place != nil && s.Place.Engine != "" {
			return line(s.Place.Engine)
		}
		if s.Place != nil {
			return "workers"
		}
	}
	return "local"
}

func machine(m report.Machine) report.Machine {
	m.CPU, m.Kernel, m.Repro = line(m.CPU), line(m.Kernel), line(m.Repro)
	return m
}

// isolation leaves out the machine's own paths.
func isolation(i report.Isolation) statement.Isolation {
	out := statement.Isolation{Level: i.Level, Layers: i.Layers, Limits: i.Limits.By, Net: i.Net}
	for _, b := range i.Binds {
		parts := strings.Split(strings.TrimSuffix(b, ":rw"), ":")
		out.Binds = append(out.Binds, line(parts[len(parts)-1]))
	}
	if i.GPU != nil {
		if out.GPU = line(i.GPU.Driver); out.GPU == "" {
			out.GPU = "present"
		}
	}
	return out
}

func lines(all []string) (out []string) {
	for _, s := range all {
		out = append(out, line(s))
	}
	return out
}

// line makes a text fit for a statement: what is not shown becomes a question
// mark, and a long one is cut.
func line(s string) string {
	s = strings.Map(func(c rune) rune {
		if !unicode.IsGraphic(c) || c == utf8.RuneError {
			return '?'
		}
		return c
	}, s)
	const most = 1000
	if len(s) > most {
		cut := most
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}

// ReadRun reads the bytes of a report.json.
func ReadRun(b []byte) (*report.Run, error) {
	var r report.Run
	if err := manifest.Unmarshal(bytes.TrimSuffix(b, []byte("\n")), &r); err != nil {
		return nil, fmt.Errorf("not the report of a run: %w", err)
	}
	if r.Version != report.Version {
		return nil, fmt.Errorf("version %d of the report is not known to this program", r.Version)
	}
	return &r, nil
}
