// Package codecheck holds a codecheck.yml against the rules of CODECHECK's
// configuration file, version 2.0, as their machine-readable list of 2026-09-09
// names them: CC-CFG-001 to CC-CFG-031, with their severities, and those of
// other areas that can be told from the file and the folder it is in.
//
// Nothing is asked of a network: whether an address resolves or a name agrees
// with a register is left to CODECHECK's own program. SPEC.md, EXP-10.
package codecheck

import (
	"io/fs"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"repro/internal/form"
	"repro/internal/pattern"
)

// Severity says what a rule that is not met means.
type Severity string

// The severities.
const (
	Error   Severity = "error" // the register refuses the file
	Warning Severity = "warning"
	Info    Severity = "info" // advice
)

// Rule is what was found about one rule.
type Rule struct {
	ID       string   `json:"id"`
	Severity Severity `json:"severity"`
	Asks     string   `json:"asks"`
	Met      bool     `json:"met"`
	Found    string   `json:"found,omitempty"` // why not
	Person   bool     `json:"person"`          // the codechecker fills it in, and no program can
}

// version2 is the specification's address.
const version2 = "https://codecheck.org.uk/spec/config/2.0/"

var versions = []string{version2, strings.TrimSuffix(version2, "/"), "https://codecheck.org.uk/spec/config/1.0/", "https://codecheck.org.uk/spec/config/1.0"}

// rule is one row of the table. Check says why the rule is not met, or "".
type rule struct {
	id       string
	severity Severity
	asks     string
	person   bool
	check    func(*document) string
}

// rules are those of the list that need no network and no register.
var rules = []rule{
	{"CC-CFG-001", Error, "it is YAML in UTF-8", false, func(d *document) string { return d.broken }},
	{"CC-CFG-002", Error, "it begins with the mark ---", false, func(d *document) string {
		return unless(strings.HasPrefix(d.text, "---\n"), "the first line is another")
	}},
	{"CC-CFG-003", Error, "it is called codecheck.yml and lies at the top of the bundle", false, func(d *document) string {
		return unless(d.name == "codecheck.yml", "it is called "+d.name)
	}},
	{"CC-CFG-004", Error, "manifest: a list", false, func(d *document) string { return wantList(d.root, "manifest") }},
	{"CC-CFG-005", Error, "manifest: each entry has a file", false, each("manifest", has("file"))},
	{"CC-CFG-006", Error, "manifest: each file is relative to the bundle", false, each("manifest", relative)},
	{"CC-CFG-007", Info, "manifest: each entry has a comment", false, each("manifest", has("comment"))},
	{"CC-CFG-008", Error, "codechecker: a list of at least one", true, func(d *document) string { return wantList(d.root, "codechecker") }},
	{"CC-CFG-009", Error, "codechecker: each has a name", true, each("codechecker", has("name"))},
	{"CC-CFG-010", Warning, "codechecker: each has an ORCID", true, each("codechecker", has("ORCID"))},
	{"CC-CFG-011", Error, "report: where the certificate is published", true, text("report")},
	{"CC-CFG-012", Info, "report: an address that resolves, such as a DOI's", true, ifThere("report", isURL)},
	{"CC-CFG-013", Error, "report: the DOI is no placeholder", true, ifThere("report", func(s string) string { return unless(!placeholder.MatchString(s), "placeholder "+s) })},
	{"CC-CFG-014", Warning, "version: which specification is followed", false, text("version")},
	{"CC-CFG-015", Warning, "version: one that is published", false, func(d *document) string {
		s := scalar(d.root, "version")
		return unless(contains(versions, s), "unknown: "+s)
	}},
	{"CC-CFG-016", Error, "paper: is there", false, func(d *document) string {
		return unless(isMapping(member(d.root, "paper")), "missing")
	}},
	{"CC-CFG-017", Error, "paper: has a title", false, func(d *document) string { return has("title")(member(d.root, "paper")) }},
	{"CC-CFG-018", Error, "paper: authors: a list of at least one", false, func(d *document) string { return wantList(member(d.root, "paper"), "authors") }},
	{"CC-CFG-019", Error, "paper: each author has a name", false, authors(has("name"))},
	{"CC-CFG-020", Error, "paper: each author has an ORCID, without address", false, authors(plainORCID)},
	{"CC-CFG-021", Error, "paper: reference: where the article is", false, func(d *document) string { return has("reference")(member(d.root, "paper")) }},
	{"CC-CFG-022", Warning, "paper: reference: a DOI or a page, not a PDF", false, reference(func(s string) string {
		return unless(!isPDF(s) || isArchived(s), "a PDF")
	})},
	{"CC-CFG-023", Error, "no FIXME, TODO or XXXXX is left", false, func(d *document) string { return d.placeholders() }},
	{"CC-CFG-024", Error, "summary: a few words about the certificate", false, text("summary")},
	{"CC-CFG-025", Error, "certificate: the register's number", true, text("certificate")},
	{"CC-CFG-026", Error, "certificate: written YYYY-NNN", true, ifThere("certificate", func(s string) string { return unless(certificate.MatchString(s), "written "+s) })},
	{"CC-CFG-027", Warning, "paper: reference: an address and nothing else", false, reference(isURL)},
	{"CC-CFG-028", Info, "paper: reference: a DOI", false, reference(func(s string) string { return unless(isDOI(s), "none") })},
	{"CC-CFG-029", Error, "paper: reference-other: a list, if it is there", false, func(d *document) string {
		if member(member(d.root, "paper"), "reference-other") == nil {
			return ""
		}
		return wantList(member(d.root, "paper"), "reference-other")
	}},
	{"CC-CFG-030", Warning, "paper: reference-other: addresses", false, others},
	{"CC-CFG-031", Info, "paper: reference: a PDF only if an archive of the web holds it", false, reference(func(s string) string {
		return unless(!isPDF(s) || isArchived(s), "a PDF that no archive holds")
	})},
	{"CC-MET-001", Error, "each ORCID is valid, its last digit too", false, func(d *document) string { return d.orcids() }},
	{"CC-BUN-001", Error, "each file of the manifest is there", false, func(d *document) string { return d.missing() }},
}

var (
	placeholder = pattern.New(`(?i)FIXME|TODO|XXXXX|zenodo\.0+$|^10\.0+/|0000000`)
	left        = pattern.New(`\b(FIXME|TODO)\b|XXXXX`)
	certificate = pattern.New(`^[0-9]{4}-[0-9]{3}$`)
	orcid       = pattern.New(`^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]$`)
	doi         = pattern.New(`^https://doi\.org/10\.[0-9]{4,9}/[^ ]+$`)
)

// document is a codecheck.yml that is held against the rules.
type document struct {
	name, text string
	broken     string // why it cannot be read
	root       *form.Node
	files      fs.FS // the bundle; nil: not looked at
}

// Check holds the file b, which is called name, against every rule, in the order
// of their numbers. The files are those of the bundle that it lies in; nil if
// they are not at hand: then they are taken to be there.
func Check(name string, b []byte, files fs.FS) []Rule {
	d := &document{name: path.Base(name), text: string(b), files: files}
	err := form.Form{Name: "codecheck.yml"}.Read(name, b, func(_ *form.Reader, n *form.Node) { d.root = n })
	switch {
	case !utf8.Valid(b):
		d.broken = "not UTF-8"
	case err != nil:
		d.broken = err.Error()
	}
	var all []Rule
	for _, r := range rules {
		found := r.check(d)
		all = append(all, Rule{ID: r.id, Severity: r.severity, Asks: r.asks, Met: found == "", Found: found, Person: r.person})
	}
	return all
}

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

func isURL(s string) string {
	u, err := url.Parse(s)
	return unless(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsAny(s, " \t"), "not an address: "+s)
}

func isDOI(s string) bool { return doi.MatchString(s) }

func isPDF(s string) bool {
	u, err := url.Parse(s)
	return err == nil && strings.HasSuffix(strings.ToLower(u.Path), ".pdf") && !isDOI(s)
}

func isArchived(s string) bool {
	u, err := url.Parse(s)
	return err == nil && contains([]string{"web.archive.org", "archive.org", "archive.ph", "perma.cc"}, u.Hostname())
}

// validORCID checks the last digit by ISO 7064, MOD 11-2.
func validORCID(s string) bool {
	if !orcid.MatchString(s) {
		return false
	}
	total := 0
	digits := strings.ReplaceAll(s, "-", "")
	for _, c := range digits[:15] {
		total = (total + int(c-'0')) * 2
	}
	check := (12 - total%11) % 11
	return digits[15] == "0123456789X"[check]
}

func contains(all []string, s string) bool {
	for _, x := range all {
		if x == s {
			return true
		}
	}
	return false
}
