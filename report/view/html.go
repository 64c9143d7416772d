package view

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"repro/format/manifest"
	"repro/report"
)

//go:embed report.tmpl
var reportTemplate string

//go:embed report.css
var reportCSS string

var rep = sync.OnceValue(func() *template.Template { return template.Must(template.New("report").Parse(reportTemplate)) })

// policy lets a browser load nothing but this file: no script, no request, the
// one style sheet by its digest, pictures that stand in the file.
var policy = func() string {
	sum := sha256.Sum256([]byte(reportCSS))
	return "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}()

// Files gives the report what it shows beside the facts. Each part may be nil.
type Files struct {
	Published fs.FS             // holds each Finding.Published
	New       fs.FS             // holds each Finding.Output, taken from its root
	Logs      fs.FS             // holds each StepStatus.Log
	Pictures  map[string][]byte // PNG by the name of a result: where its pictures differ
}

// HTML writes the report of a run as one file that needs nothing else: no
// script, no request to anywhere, at home in a browser, on paper and in an
// archive. A file that can't be shown is said to be so, and never stops the
// report.
func HTML(ctx context.Context, w io.Writer, r *report.Run, files Files) error {
	b := &builder{ctx: ctx, files: files, room: maxRoom, pictureRoom: maxPictureRoom, slideRoom: maxSlides}
	var out bytes.Buffer
	if err := rep().Execute(&out, b.page(r)); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// CompareHTML writes what `repro compare` found as one file, as [HTML] does
// for a run. The files are those that were compared.
func CompareHTML(ctx context.Context, w io.Writer, title string, r *report.Compare, files Files) error {
	b := &builder{ctx: ctx, files: files, room: maxRoom, pictureRoom: maxPictureRoom, slideRoom: maxSlides}
	p := b.page(&report.Run{Paper: manifest.Paper{Title: title}, Findings: r.Findings})
	p.Comparison = true
	if r.Counts.Results == 0 {
		p.Lead = "There are no files to compare."
	} else if r.Counts.Reproduced == r.Counts.Results {
		p.Lead = "Every published file came out again."
	}
	p.Footer = "Written by repro. This file is complete in itself: it loads nothing and runs no script."
	var out bytes.Buffer
	if err := rep().Execute(&out, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// page is what the template shows. All text in it is clean.
type page struct {
	Policy        string
	CSS           template.CSS
	Comparison    bool // of files: there was no run
	Title         string
	Authors       string
	DOI, DOILink  string
	Verdict, Lead string
	Tone          string
	Failing       []failed
	MoreFailing   int
	Segments      []segment
	Signed        signedFact
	Attestations  []attestation
	CPU           string
	MachineMore   string
	RunWords      string
	RunMore       []string
	Results       []result
	Glance        bool // list the results before showing them
	Steps         []step
	Repeat        *repeat // nil: there was no second run
	Image         []field
	Objects       []object
	Outputs       []output
	Footer        string
}

type repeat struct {
	Words string
	Moved []field
}

type failed struct{ ID, Name, Verdict string }

type segment struct {
	Tone        string
	Words       string
	From, Count int
}

type signedFact struct {
	Tone, Words string
	More        []string
}

type field struct {
	Name, Value string
	Code        bool
}

type step struct {
	Name, Status, Tone, Wall, CPU, Memory, Log, LogNote string

	Open bool // show the log
}

type object struct {
	ID                               uint32
	Name, Size, State, Tone, Signers string
}

type output struct{ Path, Size, Digest string }

func (b *builder) page(r *report.Run) *page {
	p := &page{
		Policy: policy, CSS: template.CSS(reportCSS),
		Title: Clean(r.Paper.Title), Authors: authors(r.Paper.Authors), DOI: Clean(r.Paper.DOI), DOILink: doiLink(r.Paper.DOI),
		CPU: orUnknown(Clean(r.Machine.CPU)), MachineMore: machine(r.Machine),
		Footer: "Written by repro " + Clean(r.Machine.Repro) + ". This file is complete in itself: it loads nothing and runs no script.",
	}
	p.judge(r)
	p.Signed, p.Attestations = signed(r.Verify), attestationRows(r.Verify)
	p.run(r)
	for i, f := range r.Findings {
		p.Results = append(p.Results, b.result(i, f))
	}
	for _, s := range r.Steps {
		p.Steps = append(p.Steps, b.step(s))
	}
	if r.Repeat != nil {
		p.Repeat = &repeat{Words: sentence(repeatWords(r))}
		for _, m := range r.Repeat.Moved {
			p.Repeat.Moved = append(p.Repeat.Moved, field{Clean(m.Path), Clean(movedWords(m)), false})
		}
	}
	p.Glance = len(p.Results) > 3
	p.describe(r)
	return p
}

// judge fills in the verdict in plain words.
func (p *page) judge(r *report.Run) {
	c := report.Count(r.Findings)
	p.Verdict = fmt.Sprintf("Reproduced %d of %d published results", c.Reproduced, c.Results)
	p.Tone = "warn"
	switch {
	case c.Results == 0:
		p.Verdict, p.Lead = "Nothing to compare", "The image names no published results, or its steps did not run to the end."
	case c.Reproduced == c.Results:
		p.Tone = "good"
		p.Lead = "The experiment was run again from the image, and every published result that it names came out again."
	case c.Reproduced == 0:
		p.Tone = "bad"
	}
	if c.Results > 0 && c.Reproduced < c.Results {
		p.Lead = "Not reproduced:"
		p.Failing, p.MoreFailing = failing(r.Findings)
	}
	for _, s := range r.Steps {
		if s.Status != "done" {
			p.Tone = "bad"
			p.Lead = strings.TrimSpace(fmt.Sprintf("Step %s %s. %s", Clean(s.Name), ended(s.Status), p.Lead))
			break
		}
	}
	p.segments(c)
}

// ended says what became of a step that is not done.
func ended(status string) string {
	switch status {
	case "failed", "timed out":
		return status
	case "killed", "skipped":
		return "was " + status
	}
	return "is not done: " + Clean(status)
}

// failing lists the results that did not come out again, or the first of them
// and how many more there are.
func failing(findings []report.Finding) ([]failed, int) {
	const most = 12
	var out []failed
	for i, f := range findings {
		if !f.Verdict.Reproduced() {
			out = append(out, failed{resultID(i), Clean(f.Result), string(f.Verdict)})
		}
	}
	return out[:min(most, len(out))], max(0, len(out)-most)
}

func resultID(i int) string { return fmt.Sprintf("result-%d", i+1) }

func (p *page) segments(c report.Counts) {
	from := 0
	for _, v := range []report.Verdict{report.Identical, report.SameContent, report.SameAsPrinted, report.WithinSpread,
		report.WithinTolerance, report.NeedsEyes, report.Differs, report.Missing} {
		if n := c.Verdicts[v]; n > 0 {
			p.Segments = append(p.Segments, segment{className(toneOf(v)), inWords(v, n), from, n})
			from += n
		}
	}
}

func className(t tone) string {
	return map[tone]string{good: "good", warn: "warn", bad: "bad"}[t]
}

func authors(all []manifest.Author) string {
	var out []string
	for _, a := range all {
		text := a.Name
		if a.Affiliation != "" {
			text += " (" + a.Affiliation + ")"
		}
		out = append(out, Clean(text))
	}
	return strings.Join(out, ", ")
}

// doiLink is where a DOI that looks like one leads.
func doiLink(doi string) string {
	if !strings.HasPrefix(doi, "10.") || strings.IndexFunc(doi, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return ""
	}
	return "https://doi.org/" + doi
}

// day is a time's date in words, or the text as it is.
func day(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return t.UTC().Format("2 January 2006")
}

func orUnknown(s string) string {
	if s == "" {
		return "not known"
	}
	return s
}

func machine(m report.Machine) string {
	parts := []string{fmt.Sprintf("%d %s", m.CPUs, noun(m.CPUs, "core")), bytesOf(m.Memory), m.Arch, m.Kernel}
	out := parts[:0]
	for _, part := range parts {
		if part != "" {
			out = append(out, Clean(part))
		}
	}
	return strings.Join(out, " · ")
}

// signed says who vouches for the image.
func signed(v *report.Verify) signedFact {
	if v == nil {
		return signedFact{Tone: "warn", Words: "Not verified in this run"}
	}
	f := signedFact{Tone: "bad", Words: sentence(Clean(v.Verdict))}
	var trusted, others []string
	for _, s := range v.Signatures {
		name := Clean(s.Signer)
		if name == "" {
			name = Clean(s.Fingerprint)
		}
		if s.Trusted && s.Status == report.SignatureValid {
			trusted = append(trusted, name)
			f.More = append(f.More, "Key "+grouped(Clean(s.Fingerprint)))
		} else {
			others = append(others, fmt.Sprintf("%s: %s", orUnknown(name), Clean(s.Status)))
		}
	}
	switch {
	case v.Verdict == report.ImageSigned && len(trusted) > 0:
		f.Tone, f.Words = "good", "Signed by "+strings.Join(trusted, ", ")+", whom the reviewer trusts"
	case v.Verdict == report.ImageNotSigned && onlyUnknown(v.Signatures):
		return signedFact{Tone: "warn", Words: "Signer not known to the reviewer", More: []string{Clean(v.Reason)}}
	default:
		f.More = append(f.More, Clean(v.Reason))
	}
	if len(others) > 0 {
		f.More = append(f.More, "Also: "+strings.Join(others, "; "))
	}
	return f
}

// onlyUnknown reports whether there are signatures, and nothing to say against
// them but that nobody named the signers.
func onlyUnknown(all []report.SignatureStatus) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, func(s report.SignatureStatus) bool { return s.Status != report.SignatureUnknown })
}

// grouped parts a fingerprint into fours, as people compare them.
func grouped(fingerprint string) string {
	if strings.Trim(fingerprint, "0123456789abcdefABCDEF") != "" || len(fingerprint)%4 != 0 {
		return fingerprint
	}
	var b strings.Builder
	for i := 0; i < len(fingerprint); i += 4 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(fingerprint[i : i+4])
	}
	return b.String()
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (p *page) run(r *report.Run) {
	if t, err := time.Parse(time.RFC3339Nano, r.Started); err == nil {
		p.RunWords = t.UTC().Format("2 January 2006, 15:04 UTC")
	}
	if took := elapsed(r.Started, r.Finished); took != "" {
		p.RunMore = append(p.RunMore, "Took "+took)
	}
	network := "no network"
	if r.Isolation.Net {
		network = "with the machine's network"
	}
	if r.Isolation.Level != "" {
		p.RunMore = append(p.RunMore, Clean("Isolated by "+r.Isolation.Level)+", "+network)
	}
	for _, note := range r.Isolation.Notes {
		p.RunMore = append(p.RunMore, Clean(note))
	}
	if words := bareNotebooks(r); words != "" {
		p.RunMore = append(p.RunMore, sentence(Clean(words)))
	}
}

func (p *page) describe(r *report.Run) {
	add := func(name, value string, code bool) {
		if value != "" {
			p.Image = append(p.Image, field{name, Clean(value), code})
		}
	}
	add("Image", r.Image, true)
	add("Content id", string(r.ContentID), true)
	add("Licence", r.Paper.Licence, false)
	add("Date of the paper", day(r.Paper.Date), false)
	add("Keywords", strings.Join(r.Paper.Keywords, ", "), false)
	add("Layers", strings.TrimSuffix(r.Isolation.Layers+": "+r.Isolation.Reason, ": "), false)
	if r.Verify == nil {
		return
	}
	p.Objects = objectRows(r.Verify)
	for i, o := range r.Outputs {
		if i == maxOutputs {
			p.Outputs = append(p.Outputs, output{Path: fmt.Sprintf("… and %d more", len(r.Outputs)-i)})
			break
		}
		p.Outputs = append(p.Outputs, output{Clean(o.Path), bytesOf(o.Size), Clean(strings.TrimPrefix(string(o.Digest), "sha256:"))})
	}
}
