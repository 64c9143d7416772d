package timestamp

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"repro/internal/form"
	"repro/key"
)

// Limits on a file of authorities.
const (
	maxAuthorities = 100
	maxChain       = 8 // certificates of one authority
	filesVersion   = 1
)

// ParseAuthorities reads whose word about times somebody believes. The file is
// one certificate or chain in PEM, which is one authority; or a form:
//
//	authorities: 1               # version of this form
//	list:
//	  - name: University of Examples
//	    from: 2020-01-01         # may be missing, like the next two
//	    until: 2032-12-31
//	    compromised: 2031-06-01
//	    certificates: |
//	      -----BEGIN CERTIFICATE-----
//	      …
//
// The last certificate is the one that is trusted. SPEC.md, TSP-8.
func ParseAuthorities(name string, b []byte) ([]*Authority, error) {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("-----BEGIN")) {
		chain, err := parseChain(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return []*Authority{{Name: subject(chain), Chain: chain}}, nil
	}
	var all []*Authority
	err := form.Form{Name: "authorities"}.Read(name, b, func(r *form.Reader, root *form.Node) {
		var version int
		r.Mapping("authorities", root, []form.Field{
			form.Must("authorities", r.StoreInt("authorities", &version, filesVersion, filesVersion)),
			form.Must("list", func(n *form.Node) { all = ReadAuthorities(r, "list", n) }),
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// ReadAuthorities reads a list of authorities that stands in another form, such
// as a policy, as what; r takes note of what is wrong.
func ReadAuthorities(r *form.Reader, what string, n *form.Node) []*Authority {
	d := &authorityParser{Reader: r}
	for _, e := range r.List(what, n, 1, maxAuthorities) {
		d.authority(e)
	}
	return d.all
}

type authorityParser struct {
	*form.Reader
	all []*Authority
}

func (d *authorityParser) authority(n *form.Node) {
	a := &Authority{}
	var from, until, compromised string
	d.Mapping("authority", n, []form.Field{
		form.Must("name", d.StoreLine("name", &a.Name, nil)),
		form.May("from", d.StoreLine("from", &from, nil)),
		form.May("until", d.StoreLine("until", &until, nil)),
		form.May("compromised", d.StoreLine("compromised", &compromised, nil)),
		form.Must("certificates", func(n *form.Node) {
			text, ok := d.Text("certificates", n)
			if !ok {
				return
			}
			var err error
			if a.Chain, err = parseChain([]byte(text)); err != nil {
				d.Errorf(n, "certificates: %v", err)
			}
		}),
	})
	var err error
	if a.Window, err = key.ParseWindow(from, until); err != nil {
		d.Errorf(n, "authority: %v", err)
	}
	if a.Compromised, err = start(compromised); err != nil {
		d.Errorf(n, "compromised: %v", err)
	}
	if len(a.Chain) > 0 && slices.ContainsFunc(d.all, a.Same) {
		d.Errorf(n, "authority: its key stands here a second time: two names would count as two")
	}
	if len(a.Chain) > 0 {
		d.all = append(d.all, a)
	}
}

// start reads a time, or a day as its first second.
func start(s string) (time.Time, error) {
	w, err := key.ParseWindow(s, "")
	return w.From, err
}

// parseChain reads certificates in PEM with nothing around them.
func parseChain(b []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for rest := bytes.TrimSpace(b); len(rest) > 0; rest = bytes.TrimSpace(rest) {
		var block *pem.Block
		before := rest
		block, rest = pem.Decode(rest)
		switch {
		case block == nil || !bytes.HasPrefix(before, []byte("-----BEGIN CERTIFICATE-----")) || len(block.Headers) > 0:
			return nil, fmt.Errorf("want certificates in PEM and nothing else")
		case len(chain) == maxChain:
			return nil, fmt.Errorf("more than %d certificates", maxChain)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(chain)+1, err)
		}
		if n := len(chain); n > 0 && chain[n-1].CheckSignatureFrom(c) != nil {
			return nil, fmt.Errorf("certificate %d did not issue the one before it: one authority a file, its own certificate first", n+1)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("want certificates in PEM")
	}
	return chain, nil
}

// subject is what to call an authority that the caller gave no name.
func subject(chain []*x509.Certificate) string {
	s := chain[0].Subject
	if s.CommonName != "" {
		return s.CommonName
	}
	return strings.TrimSpace(s.String())
}
