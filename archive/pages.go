package archive

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
	External []row // files kept elsewhere
}

type pageAuthor struct{ Name, ORCID, Affiliation string }

type pageResult struct {
	Name, Claim, File, Link, Verdict, Reason, Tone string
	Picture                                        template.URL
}

type pageSigner struct{ Name, Fingerprint, Status string }

func (d *deposit) preview() ([]byte, error)   { return d.page("", false) }
func (d *deposit) startPage() ([]byte, error) { return d.page(payloadDir+"/", true) }

func (d *deposit) page(base string, start bool) ([]byte, error) {
	paper := d.manifest.Paper
	p := &page{
		Policy: policy, CSS: template.CSS(pageCSS), Base: base, Start: start,
		Title: shown(paper.Title), Year: d.date.Format("2006"), Abstract: shown(d.description()), Licence: paper.Licence,
		Image: d.imageName(), Size: sizeOf(d.im.Size()), Content: string(d.content),
		Commands: strings.Split(strings.TrimSpace(d.commands()), "\n"), Rows: d.contents(), Cite: d.cite(),
		Runner: d.hasProgram(), NoImage: d.options.NoImage,
	}
	for _, x := range d.external() {
		p.External = append(p.External, row{shown(x.path), shown(x.source)})
	}
	if d.options.DOI != "" {
		p.DOI = doiURL(d.options.DOI)
	}
	if paper.DOI != "" {
		p.PaperDOI = doiURL(paper.DOI)
	}
	for _, a := range paper.Authors {
		p.Authors = append(p.Authors, pageAuthor{shown(a.Name), a.ORCID, shown(a.Affiliation)})
	}
	p.judge(d)
	if n := len(d.runs); n > 0 && d.byPath[d.runs[n-1].dir+"/report.html"] != nil {
		p.Report = base + d.runs[n-1].dir + "/report.html"
	}
	if err := p.results(d); err != nil {
		return nil, err
	}
	p.signatures(d.verified)
	p.facts(d)
	var b bytes.Buffer
	if err := pageForm().Execute(&b, p); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

// judge says in plain words what the last run gave.
func (p *page) judge(d *deposit) {
	last := d.last()
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

func (p *page) results(d *deposit) error {
	room := int64(maxPictures)
	for _, r := range d.manifest.Results {
		out := pageResult{Name: r.Name, Claim: shown(r.Claim), File: path.Base(r.Published), Verdict: d.verdict(r.Name), Tone: "none"}
		if e := d.byPath[path.Join(outputsDir, r.Published)]; e != nil {
			out.Link = p.Base + iri(e.path)
			if t := formatOf(e.path); strings.HasPrefix(t, "image/") && t != "image/svg+xml" && e.size <= min(room, maxPicture) {
				b, err := read(e)
				if err != nil {
					return err
				}
				room -= e.size
				out.Picture = template.URL("data:" + t + ";base64," + base64.StdEncoding.EncodeToString(b))
			}
		}
		if last := d.last(); last != nil {
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

func read(e *entry) ([]byte, error) {
	r, err := e.open()
	if err != nil {
		return nil, about(e.path, err)
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

func (p *page) facts(d *deposit) {
	add := func(name, value string) {
		if value != "" {
			p.Facts = append(p.Facts, row{name, value})
		}
	}
	add("Software", d.environmentText())
	add("Made for", d.manifest.Arch+", Linux")
	if last := d.last(); last != nil {
		add("Last run on", fmt.Sprintf("%s, %d cores, %s of memory", shown(last.Machine.CPU), last.Machine.CPUs, sizeOf(last.Machine.Memory)))
	}
	add("Run time", d.timeText())
	add("Memory", d.mostMemory())
	add("Licence", d.manifest.Paper.Licence)
	add("Content id", string(d.content))
}

// cite is one line to cite the deposit by.
func (d *deposit) cite() string {
	var names []string
	for _, a := range d.manifest.Paper.Authors {
		names = append(names, shown(a.Name))
	}
	if len(names) == 0 {
		names = []string{"Anonymous"}
	}
	s := fmt.Sprintf("%s (%s). %s.", strings.Join(names, "; "), d.date.Format("2006"), strings.TrimSuffix(shown(d.manifest.Paper.Title), "."))
	if d.options.Publisher != "" {
		s += " " + d.options.Publisher + "."
	}
	if d.options.DOI != "" {
		s += " " + doiURL(d.options.DOI)
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
