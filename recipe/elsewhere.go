package recipe

import (
	"net/url"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFetched bounds the stated size of a file that is kept elsewhere.
const maxFetched = 1 << 53

// elsewhere checks an entry of data that the image only names.
func (p *parser) elsewhere(n *yaml.Node, d Data) {
	switch {
	case !d.Fetch && d.Size != 0:
		p.errorf(at(n), "data: size goes with fetch: the image knows the size of what it holds")
	case !d.Fetch:
	case IsGlob(d.Path.Value):
		p.errorf(d.Path.Pos, "path: %q: a pattern cannot be fetched: name the file", d.Path.Value)
	default:
		if d.SHA256 == "" {
			p.errorf(at(n), "data: fetch wants a sha256, so that what comes is what was meant")
		}
		if why := checkSource(d.Source); why != "" {
			p.errorf(at(n), "data: fetch: source %q: %s", shorten(d.Source), why)
		}
	}
}

// checkSource says why a file cannot be had from s, or nothing.
func checkSource(s string) string {
	const form = "want the file's address, https://…, or doi: and a DOI"
	if doi, ok := strings.CutPrefix(s, "doi:"); ok {
		return checkDOI(doi)
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return form
	}
	if strings.ContainsAny(s, " \t") {
		return form
	}
	return ""
}

// truth reads true or false.
func (p *parser) truth(what string, n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Value != "true" && n.Value != "false" {
		p.errorf(at(n), "%s: want true or false, found %s", what, describe(n))
		return false
	}
	return n.Value == "true"
}

// bytes reads a number of bytes.
func (p *parser) bytes(n *yaml.Node) int64 {
	size, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || size < 1 || size > maxFetched {
		p.errorf(at(n), "size: want the number of bytes, found %s", describe(n))
		return 0
	}
	return size
}
