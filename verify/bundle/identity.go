package bundle

import (
	"cmp"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"

	"repro/key"
)

// Identity is whom a provider says that somebody is.
type Identity = key.Identity

var (
	oidIssuer    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}
	oidIssuerV2  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}
	oidOtherName = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 7}
	oidSAN       = asn1.ObjectIdentifier{2, 5, 29, 17}
)

// identify says whether the caller wants the one whose certificate it is.
func (c *check) identify(wanted []Identity) (*Result, error) {
	if id := c.result.Identity; !slices.Contains(wanted, id) {
		return nil, wrong(ErrUnknown, "signed by %s", id)
	}
	slices.SortStableFunc(c.result.Times, func(a, b Time) int { return a.Time.Compare(b.Time) })
	return &c.result, nil
}

// IdentityOf reads the identity out of a certificate that was checked: exactly
// one name, and the provider.
func IdentityOf(c *x509.Certificate) (id Identity, err error) {
	names := slices.Clone(c.EmailAddresses)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	other, err := otherNames(c)
	if err != nil {
		return id, err
	}
	names = append(names, other...)
	if len(names)+len(c.DNSNames)+len(c.IPAddresses) != 1 || len(names) != 1 {
		return id, fmt.Errorf("it is for %d names, want one", len(names)+len(c.DNSNames)+len(c.IPAddresses))
	}
	id.Subject = names[0]
	id.Issuer, err = issuerOf(c)
	if id.Subject == "" || id.Issuer == "" || strings.ContainsFunc(id.Subject+id.Issuer, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return id, cmp.Or(err, fmt.Errorf("it names %q by %q, which is no identity", id.Subject, id.Issuer))
	}
	return id, err
}

// issuerOf reads which provider vouched.
func issuerOf(c *x509.Certificate) (string, error) {
	var issuer string
	var have bool
	for _, e := range c.Extensions {
		text := string(e.Value)
		switch {
		case e.Id.Equal(oidIssuerV2):
			if rest, err := asn1.UnmarshalWithParams(e.Value, &text, "utf8"); err != nil || len(rest) > 0 {
				return "", fmt.Errorf("its issuer is not text")
			}
		case !e.Id.Equal(oidIssuer):
			continue
		}
		if have && text != issuer {
			return "", fmt.Errorf("it names two issuers")
		}
		issuer, have = text, true
	}
	return issuer, nil
}

// otherNames reads the names that are neither addresses nor of machines, as
// Fulcio writes user names: NAME!DOMAIN.
func otherNames(c *x509.Certificate) (all []string, err error) {
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidSAN) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(e.Value, &names); err != nil || len(rest) > 0 {
			return nil, fmt.Errorf("its names cannot be read")
		}
		for _, n := range names {
			switch n.Tag {
			case 1, 2, 6, 7: // mail, machine, URI, IP: read by x509
				continue
			case 0:
			default:
				return nil, fmt.Errorf("it has a name of an unknown kind")
			}
			var name struct {
				Type  asn1.ObjectIdentifier
				Value string `asn1:"utf8,explicit,tag:0"`
			}
			if rest, err := asn1.UnmarshalWithParams(n.FullBytes, &name, "tag:0"); err != nil || len(rest) > 0 || !name.Type.Equal(oidOtherName) {
				return nil, fmt.Errorf("it has a name of an unknown kind")
			}
			all = append(all, name.Value)
		}
	}
	return all, nil
}
