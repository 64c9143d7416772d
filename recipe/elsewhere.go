package recipe

import (
	"net/url"
	"strconv"
	"strings"

	"repro/internal/form"
)

// maxFetched bounds the stated size of a file that is kept elsewhere.
const maxFetched = 1 << 53

// elsewhere checks an entry of data that the image only names.
func (p *parser) elsewhere(n *form.Node, d Data) {
	switch {
	case !d.Fetch && d.Size != 0:
		p.Errorf(n, "data: size goes with fetch: the image knows the size of what it holds")
	case !d.Fetch:
	case IsGlob(d.Path.Value):
		p.ErrorAt(d.Path.Pos, "path: %q: a pattern cannot be fetched: name the file", d.Path.Value)
	default:
		if d.SHA256 == "" {
			p.Errorf(n, "data: fetch wants a sha256, so that what comes is what was meant")
		}
		if why := checkSource(d.Source); why != "" {
			p.Errorf(n, "data: fetch: source %q: %s", form.Shorten(d.Source), why)
		}
	}
}

// checkSource says why a file cannot be had from s, or nothing.
func checkSource(s string) string {
	const want = "want the file's address, https://…, or doi: and a DOI"
	if doi, ok := strings.CutPrefix(s, "doi:"); ok {
		return checkDOI(doi)
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return want
	}
	if strings.ContainsAny(s, " \t") {
		return want
	}
	return ""
}

// bytes reads a number of bytes.
func (p *parser) bytes(n *form.Node) int64 {
	size, err := strconv.ParseInt(n.Value, 10, 64)
	if !form.IsScalar(n) || n.Tag != "!!int" || err != nil || size < 1 || size > maxFetched {
		p.Errorf(n, "size: want the number of bytes, found %s", form.Describe(n))
		return 0
	}
	return size
}
