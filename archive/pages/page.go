// Package pages writes what people read of a deposit: the preview, the page to
// start from, README.md, and the passages about results, machines and times that
// other documents have too.
package pages

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"

	"repro/archive/deposit"
	"repro/report"
)

//go:embed page.tmpl
var pageTemplate string

//go:embed page.css
var pageCSS string

var pageForm = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageTemplate)) })

// policy lets a browser load nothing but the page: no script, no request, the
// one style sheet by its digest, pictures that stand in the page.
var policy = func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}()

// Limits on the pictures that a page shows.
const (
	maxPicture  = 1 << 20
	maxPictures = 6 << 20
)

// page is what the template shows.
type page struct {
	Policy   string
	CSS      template.CSS
	Base     string // leads from the page to the payload
	Title    string
	Authors  []pageAuthor
	Year     string
	Abstract string
	DOI      string // link
	PaperDOI string // link
	Licence  string
	Start    bool // the page at the root of the bag
	Image    string
	Size     string
	Content  string
	Lead     string
	Tone     string
	Results  []pageResult
	Commands []string
	Signers  []pageSigner
	Signed   string
	Rows     []row
	Facts    []row
	Cite     string
	Report   string // link
	Runner   bool   // the program is there
	NoImage  bool
	Beside   bool
	External []row // files kept elsewhere
}

type pageAuthor struct{ Name, ORCID, Affiliation string }

type pageResult struct {
	Name, Claim, File, Link, Verdict, Reason, Tone string
	Picture                                        template.URL
}

type pageSigner struct{ Name, Fingerprint, Status string }

// Preview is ro-crate-preview.html.
func Preview(d *deposit.Deposit) ([]byte, error) { return render(d, "", false) }

// Start is START-HERE.html, at the root of a bag.
func Start(d *deposit.Deposit) ([]byte, error) { return render(d, "data/", true) }

func render(d *deposit.Deposit, base string, start bool) ([]byte, error) {
	paper := d.Manifest.Paper
	p := &page{
		Policy: policy, CSS: template.CSS(pageCSS), Base: base, Start: start,
		Title: shown(paper.Title), Year: d.Date.Format("2006"), Abstract: shown(d.Description()), Licence: paper.Licence,
		Image: d.ImageName, Size: deposit.Size(d.ImageSize), Content: string(d.ContentID),
		Commands: strings.Split(strings.TrimSpace(commands(d)), "\n"), Rows: contents(d), Cite: cite(d),
		Runner: d.Program, NoImage: d.NoImage, Beside: d.Beside,
	}
	for _, x := range d.External {
		p.External = append(p.External, row{shown(x.Path), shown(x.Source)})
	}
	if d.DOI != "" {
		p.DOI = deposit.DOI(d.DOI)
	}
	if paper.DOI != "" {
		p.PaperDOI = deposit.DOI(paper.DOI)
	}
	for _, a := range paper.Authors {
		p.Authors = append(p.Authors, pageAuthor{shown(a.Name), a.ORCID, shown(a.Affiliation)})
	}
	p.judge(d)
	if n := len(d.Runs); n > 0 && d.Find(d.Runs[n-1].Dir+"/report.html") != nil {
		p.Report = base + d.Runs[n-1].Dir + "/report.html"
	}
	if err := p.results(d); err != nil {
		return nil, err
	}
	p.signatures(d.Verified)
	p.facts(d)
	var b bytes.Buffer
	if err := pageForm().Execute(&b, p); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

// judge says in plain words what the last run gave.
func (p *page) judge(d *deposit.Deposit) {
	last := d.LastRun()
	if last == nil {
		p.Lead, p.Tone = "No run is recorded here yet.", "none"
		return
	}
	c := report.Count(last.Findings)
	p.Lead = fmt.Sprintf("When it was last run, on %s, %d of %d published results came out again.", last.Finished[:min(10, len(last.Finished))], c.Reproduced, c.Results)
	if p.Tone = "good"; c.Reproduced < c.Results || c.Results == 0 {
		p.Tone = "bad"
	}
}

func (p *page) results(d *deposit.Deposit) error {
	room := int64(maxPictures)
	for _, r := range d.Manifest.Results {
		out := pageResult{Name: r.Name, Claim: shown(r.Claim), File: path.Base(r.Published), Verdict: verdict(d, r.Name), Tone: "none"}
		if e := d.Find(path.Join(deposit.Outputs, r.Published)); e != nil {
			out.Link = p.Base + deposit.IRI(e.Path)
			if t := deposit.MediaType(e.Path); strings.HasPrefix(t, "image/") && t != "image/svg+xml" && e.Size <= min(room, maxPicture) {
				b, err := read(e)
				if err != nil {
					return err
				}
				room -= e.Size
				out.Picture = template.URL("data:" + t + ";base64," + base64.StdEncoding.EncodeToString(b))
			}
		}
		if last := d.LastRun(); last != nil {
			for _, f := range last.Findings {
				if f.Result == r.Name {
					out.Reason = shown(f.Reason)
					if out.Tone = "bad"; f.Verdict.Reproduced() {
						out.Tone = "good"
					}
				}
			}
		}
		p.Results = append(p.Results, out)
	}
	return nil
}

func read(e *deposit.Entry) ([]byte, error) {
	r, err := e.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Path, err)
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxPicture))
}

func (p *page) signatures(v *report.Verify) {
	p.Signed = "Nobody has signed this image."
	if v == nil {
		return
	}
	for _, s := range v.Signatures {
		name := shown(s.Signer)
		if name == "" {
			name = "a key without a name"
		}
		p.Signers = append(p.Signers, pageSigner{name, s.Fingerprint, s.Status})
	}
	if v.Verdict == report.ImageSigned {
		var who []string
		for _, s := range p.Signers {
			if s.Status == report.SignatureValid && !slices.Contains(who, s.Name) {
				who = append(who, s.Name)
			}
		}
		p.Signed = "Signed by " + strings.Join(who, ", ") + ": when this package was made, every byte of the image was covered by a valid signature."
	}
}

func (p *page) facts(d *deposit.Deposit) {
	add := func(name, value string) {
		if value != "" {
			p.Facts = append(p.Facts, row{name, value})
		}
	}
	add("Software", Environment(d))
	add("Made for", d.Manifest.Arch+", Linux")
	if last := d.LastRun(); last != nil {
		add("Last run on", fmt.Sprintf("%s, %d cores, %s of memory", shown(last.Machine.CPU), last.Machine.CPUs, deposit.Size(last.Machine.Memory)))
	}
	add("Run time", RunTime(d))
	add("Memory", d.MostMemory())
	add("Licence", d.Manifest.Paper.Licence)
	add("Content id", string(d.ContentID))
}

// cite is one line to cite the deposit by.
func cite(d *deposit.Deposit) string {
	var names []string
	for _, a := range d.Manifest.Paper.Authors {
		names = append(names, shown(a.Name))
	}
	if len(names) == 0 {
		names = []string{"Anonymous"}
	}
	s := fmt.Sprintf("%s (%s). %s.", strings.Join(names, "; "), d.Date.Format("2006"), strings.TrimSuffix(shown(d.Manifest.Paper.Title), "."))
	if d.Publisher != "" {
		s += " " + d.Publisher + "."
	}
	if d.DOI != "" {
		s += " " + deposit.DOI(d.DOI)
	}
	return s
}

// shown is text without what makes it read otherwise than it is: controls and
// the format characters of Unicode (CVE-2021-42574).
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) {
			return '\ufffd'
		}
		return r
	}, s)
}
