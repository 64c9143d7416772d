package pages

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"

	"repro/format/manifest"
	"repro/gateway/access"
	"repro/gateway/blind"
	"repro/gateway/store"
	"repro/report"
)

func (p *Pages) blindHandlers() map[string]access.Handler {
	return map[string]access.Handler{
		"POST /v/{venue}/blind":                          p.setBlind,
		"GET /v/{venue}/submissions/{submission}/names":  p.names,
		"POST /v/{venue}/submissions/{submission}/names": p.setNames,
	}
}

// Names finds in the image of a submission, and in what the verifier said of it,
// what tells whose work it is.
func (p *Pages) Names(ctx context.Context, submission string) ([]string, error) {
	sub, err := p.store.Submission(ctx, submission)
	if err != nil {
		return nil, err
	}
	f, im, err := p.images.Open(sub)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	var rep report.Verify
	if err := json.Unmarshal(sub.Report, &rep); err != nil {
		return nil, err
	}
	authors := slices.Clone(m.Paper.Authors)
	var keys []string
	for _, s := range rep.Signatures {
		authors, keys = append(authors, person(s.Signer)), append(keys, s.Fingerprint)
	}
	for _, a := range rep.Attestations {
		authors, keys = append(authors, person(a.Signer)), append(keys, a.Fingerprint)
		if a.By != nil {
			authors = append(authors, *a.By)
		}
	}
	return append(blind.Names(authors, m.Paper.DOI), fingerprints(keys)...), nil
}

// person reads the user id of a key: "Ada Lovelace <ada@example.org>".
func person(userID string) manifest.Author {
	name, rest, _ := strings.Cut(userID, "<")
	mail, _, _ := strings.Cut(rest, ">")
	name, _, _ = strings.Cut(name, "(")
	return manifest.Author{Name: strings.TrimSpace(name), Email: mail}
}

// fingerprints are keys as pages write them: whole, and the ends by which people
// know them.
func fingerprints(keys []string) (all []string) {
	const short = 16
	for _, k := range keys {
		if k = strings.ToLower(k); k != "" {
			all = append(all, k)
			if len(k) > short {
				all = append(all, k[len(k)-short:])
			}
		}
	}
	return all
}

func (p *Pages) setBlind(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	err := p.store.SetBlind(r.Context(), v.Person.ID, v.Venue.ID, store.Blind(r.PostForm.Get("blind")))
	if err := refused(err); err != nil {
		return err
	}
	http.Redirect(w, r, "/v/"+v.Venue.ID+"/people", http.StatusSeeOther)
	return nil
}

// namesPage is what the page of the names in a submission shows.
type namesPage struct {
	Path         string
	Found        []string
	Names, Files string // lines
}

func (p *Pages) names(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	sub, err := p.store.Submission(r.Context(), r.PathValue("submission"))
	if err != nil {
		return err
	}
	h, err := p.store.Hidden(r.Context(), sub.ID)
	if err != nil {
		return err
	}
	if !h.Searched {
		if h.Found, err = p.Names(r.Context(), sub.ID); err != nil {
			return err
		}
	}
	var found []string
	for _, n := range h.Found {
		found = append(found, strings.TrimPrefix(n, "="))
	}
	return show(w, http.StatusOK, "names", frame{"What says whose work it is", v, namesPage{pathOf(sub), found, strings.Join(h.Names, "\n"), strings.Join(h.Files, "\n")}})
}

func (p *Pages) setNames(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	sub, err := p.store.Submission(r.Context(), r.PathValue("submission"))
	if err != nil {
		return err
	}
	names, files := listed(r.PostForm.Get("names")), listed(r.PostForm.Get("files"))
	if len(names) > blind.MaxNames || len(files) > blind.MaxFiles || slices.ContainsFunc(slices.Concat(names, files), func(s string) bool { return len(s) > blind.MaxName }) {
		return access.Refuse(http.StatusBadRequest, "at most %d names and %d files of %d bytes each can be listed", blind.MaxNames, blind.MaxFiles, blind.MaxName)
	}
	for _, f := range files {
		if _, err := path.Match(f, ""); err != nil {
			return access.Refuse(http.StatusBadRequest, "%q: is no pattern of files", f)
		}
	}
	if err := p.store.SetHidden(r.Context(), v.Person.ID, sub, names, files); err != nil {
		return err
	}
	http.Redirect(w, r, pathOf(sub)+"/names", http.StatusSeeOther)
	return nil
}

// listed are the lines of a form that say something.
func listed(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return all
}
