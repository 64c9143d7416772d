package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"repro/internal/atomicfile"
)

// FileName is where a gateway's folder holds its providers. It has their
// secrets: only the gateway's user can read it.
const FileName = "providers.json"

const (
	maxProviders = 16
	maxFile      = 1 << 20 // bytes
)

// Provider is somebody whose word is taken for who people are: ORCID, a
// university.
type Provider struct {
	ID     string `json:"id"`     // in addresses
	Name   string `json:"name"`   // on the button
	Issuer string `json:"issuer"` // as its tokens say it
	Client string `json:"client"` // how it knows this gateway
	Secret string `json:"secret,omitempty"`
	// Scopes are asked for beside openid, which alone tells who somebody is.
	Scopes []string `json:"scopes,omitempty"`
}

var providerID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func (p Provider) check() error {
	u, err := url.Parse(p.Issuer)
	switch {
	case !providerID.MatchString(p.ID):
		return fmt.Errorf("provider: %q: an id has 1 to 32 of a-z, 0-9 and -, and does not begin with -", p.ID)
	case strings.TrimSpace(p.Name) == "" || p.Client == "":
		return fmt.Errorf("provider: %s: needs a name and the id of a client", p.ID)
	case err != nil || u.Host == "" || u.RawQuery+u.Fragment != "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())):
		return fmt.Errorf("provider: %s: issuer %q: is not like https://orcid.org", p.ID, p.Issuer)
	case slices.ContainsFunc(p.Scopes, func(s string) bool { return s == "" || strings.ContainsAny(s, " \t\r\n\"\\") }):
		return fmt.Errorf("provider: %s: %q: are not scopes", p.ID, p.Scopes)
	}
	return nil
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Providers reads the providers of the gateway in dir: none if it has no such
// file.
func Providers(dir string) ([]Provider, error) {
	name := filepath.Join(dir, FileName)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Provider
	if len(b) > maxFile {
		err = fmt.Errorf("has %d bytes, at most %d can be", len(b), maxFile)
	} else if err = json.Unmarshal(b, &all); err == nil {
		err = checkAll(all)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

func checkAll(all []Provider) error {
	if len(all) > maxProviders {
		return fmt.Errorf("%d providers, at most %d can be", len(all), maxProviders)
	}
	seen := map[string]bool{}
	for _, p := range all {
		if err := p.check(); err != nil {
			return err
		}
		if seen[p.ID] {
			return fmt.Errorf("provider: %s: stands there twice", p.ID)
		}
		seen[p.ID] = true
	}
	return nil
}

// AddProvider adds p to those of the gateway in dir, in place of one of the same
// id. A gateway that is running takes it up at its next start.
func AddProvider(dir string, p Provider) error {
	all, err := Providers(dir)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(all, func(q Provider) bool { return q.ID == p.ID }); i >= 0 {
		all[i] = p
	} else {
		all = append(all, p)
	}
	if err := checkAll(all); err != nil {
		return err
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, FileName), append(b, '\n'), 0o600)
}
