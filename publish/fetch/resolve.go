package fetch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"repro/publish/stranger"
)

// Resolver is the server that knows where what has a DOI of DataCite's is.
const Resolver = "https://api.datacite.org"

// Limits on what a server answers.
const (
	maxRecordFiles = 10_000 // of a record
	maxShown       = 300    // bytes of an address in an error
)

// ErrDOI is in the error about a DOI that leads to no deposit whose files can be found.
var ErrDOI = errors.New("no files are found by this DOI")

// Record is a deposit in a repository of research data.
type Record struct {
	DOI       string       `json:"doi"`
	Title     string       `json:"title,omitempty"`
	Publisher string       `json:"publisher,omitempty"`
	Page      string       `json:"page"` // for people
	Files     []RecordFile `json:"files"`

	client *http.Client // the way there
}

// RecordFile is a file of a deposit, as the repository states it.
type RecordFile struct {
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	Algorithm string `json:"algorithm,omitempty"` // md5, sha1, sha256 or sha512
	Checksum  string `json:"checksum,omitempty"`  // hexadecimal

	address string
}

var (
	doiSyntax = regexp.MustCompile(`^10\.[0-9]{4,9}(\.[0-9]+)*/[!-~]{1,1000}$`)
	doiPrefix = regexp.MustCompile(`^(?i:doi:|https?://(dx\.|www\.)?doi\.org/)`)
)

// ParseDOI reads a DOI as people write them: doi:10.5281/zenodo.1, or the address.
// What is meant as one and is none is returned too, with ok false.
func ParseDOI(name string) (doi string, ok bool) {
	prefix := doiPrefix.FindString(name)
	if prefix == "" {
		return "", false
	}
	return name[len(prefix):], doiSyntax.MatchString(name[len(prefix):])
}

// repositories are those whose interfaces are known, by the page that a DOI leads to.
var repositories = []func(page *url.URL) lister{invenioPage, dataversePage, osfPage, figsharePage}

// lister asks a repository for the files of a record.
type lister func(ctx context.Context, r *resolving) ([]RecordFile, error)

// resolving asks servers of which nothing is known.
type resolving struct {
	client *http.Client
	host   map[string]string // where tests have another server for one
}

// Resolve finds the files of the deposit that has a DOI. SPEC.md, EXT-5.
func Resolve(ctx context.Context, doi string, o Options) (*Record, error) {
	server := o.Resolver
	if server == "" {
		server = Resolver
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q: is not the address of a server", server)
	}
	r := &resolving{host: o.hosts, client: &http.Client{
		Transport: stranger.New(u.Host, stranger.Options{Plain: o.Plain}),
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > stranger.MaxRedirects {
				return stranger.Refuse(fmt.Sprintf("more than %d redirects", stranger.MaxRedirects))
			}
			return nil
		},
	}}
	var known struct {
		Data struct {
			Attributes struct {
				URL    string `json:"url"`
				Titles []struct {
					Title string `json:"title"`
				} `json:"titles"`
				Publisher json.RawMessage `json:"publisher"`
			} `json:"attributes"`
		} `json:"data"`
	}
	if err := r.get(ctx, strings.TrimRight(server, "/")+"/dois/"+url.PathEscape(doi), &known); err != nil {
		return nil, fmt.Errorf("doi:%s: %w: %w", doi, ErrDOI, err)
	}
	a := known.Data.Attributes
	page, err := url.Parse(a.URL)
	if err != nil || page.Host == "" {
		return nil, fmt.Errorf("doi:%s: %w: %s names no page", doi, ErrDOI, u.Host)
	}
	rec := &Record{DOI: doi, Page: a.URL, Publisher: publisher(a.Publisher), client: r.client}
	if len(a.Titles) > 0 {
		rec.Title = a.Titles[0].Title
	}
	for _, find := range repositories {
		if list := find(page); list != nil {
			rec.Files, err = list(ctx, r)
			if err == nil {
				err = rec.check()
			}
			if err != nil {
				return nil, fmt.Errorf("doi:%s: %s: %w", doi, page.Host, err)
			}
			return rec, nil
		}
	}
	return nil, fmt.Errorf("doi:%s: %w: %s is no repository whose files can be asked for: look there", doi, ErrDOI, shortened(page.Redacted()))
}

// shortened bounds what a server may write into an error.
func shortened(text string) string {
	if len(text) > maxShown {
		return text[:maxShown] + "..."
	}
	return text
}

func publisher(raw json.RawMessage) string {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return name
	}
	var form struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(raw, &form) // another form is none
	return form.Name
}

// check refuses names that lead elsewhere.
func (r *Record) check() error {
	seen := map[string]bool{}
	if len(r.Files) > maxRecordFiles {
		return fmt.Errorf("more than %d files", maxRecordFiles)
	}
	for _, f := range r.Files {
		name := filepath.FromSlash(f.Name)
		switch {
		case !filepath.IsLocal(name) || path.Clean(f.Name) != f.Name || strings.ContainsFunc(f.Name, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' }):
			return fmt.Errorf("a file called %.200q: leads out of the folder", f.Name)
		case seen[f.Name]:
			return fmt.Errorf("two files called %.200q", f.Name)
		case isPart(path.Base(f.Name)):
			return fmt.Errorf("a file called %.200q: what is not whole yet is called so", f.Name)
		case f.Size < 0:
			return fmt.Errorf("%.200q: a file of %d bytes", f.Name, f.Size)
		}
		seen[f.Name] = true
	}
	if len(r.Files) == 0 {
		return errors.New("the record has no files that everybody may read")
	}
	return nil
}

// get asks for a JSON document.
func (r *resolving) get(ctx context.Context, address string, out any) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	if other := r.host[u.Host]; other != "" {
		address = strings.Replace(address, "https://"+u.Host, other, 1)
	}
	for failures := 0; ; {
		err := r.once(ctx, address, out)
		if err == nil || !mayPass(err) {
			return err
		}
		if failures++; failures == maxTries {
			return err
		}
		if err := pause(ctx, failures, err); err != nil {
			return err
		}
	}
}

func (r *resolving) once(ctx context.Context, address string, out any) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	q.Header.Set("Accept", "application/json")
	q.Header.Set("User-Agent", "repro")
	answer, err := r.client.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return refusal(q.URL.Host, answer)
	}
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var other *json.UnmarshalTypeError // whose text shows names of Go
	switch err := json.Unmarshal(raw, out); {
	case errors.As(err, &other):
		return fmt.Errorf("%s answers with another form than is documented: %q is a %s", q.URL.Host, other.Field, other.Value)
	case err != nil:
		return fmt.Errorf("%s answers with something else than JSON: %w", q.URL.Host, err)
	}
	return nil
}
