package access

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"repro/format/manifest"
	"repro/gateway/blind"
	"repro/gateway/store"
)

// HidesAuthors reports whether the visitor must not learn whose work it is: then
// no handler shows a whole image, and the names of files that people sent.
func (v Visit) HidesAuthors() bool {
	return v.Venue.Blind == store.DoubleBlind && (v.Role == store.Reviewer || v.Role == store.Reader)
}

// HidesReviewers reports whether the visitor must not learn who reviews.
func (v Visit) HidesReviewers() bool {
	return v.Venue.ID != "" && v.Venue.Blind != store.NotBlind && (v.Role == store.Author || v.Role == store.Reviewer || v.Role == store.Reader)
}

// maskFor returns what stands between the visitor and the answer; nil if that is
// nothing.
func (g *Guard) maskFor(r *http.Request, v Visit) (*blind.Mask, error) {
	if !v.HidesAuthors() && !v.HidesReviewers() {
		return nil, nil
	}
	return g.MaskOf(r.Context(), v, r.PathValue("submission"))
}

// MaskOf returns the mask for what is said to a visitor of a submission, such as
// its title in a list. Without a submission, it hides reviewers alone.
func (g *Guard) MaskOf(ctx context.Context, v Visit, submission string) (*blind.Mask, error) {
	var names, files []string
	if v.HidesReviewers() {
		people, err := g.store.Reviewers(ctx, v.Venue.ID, v.Person.ID)
		if err != nil {
			return nil, err
		}
		names = append(names, namesOf(people)...)
	}
	if v.HidesAuthors() && submission != "" {
		h, err := g.hidden(ctx, submission)
		if err != nil {
			return nil, err
		}
		names = slices.Concat(names, h.Found, h.Names, namesOf(h.People))
		files = h.Files
	}
	return blind.New(names, files), nil
}

// hidden returns what says whose work a submission is. Its image is searched the
// first time.
func (g *Guard) hidden(ctx context.Context, submission string) (store.Hidden, error) {
	h, err := g.store.Hidden(ctx, submission)
	if err != nil || h.Searched {
		return h, err
	}
	if h.Found, err = g.o.Names(ctx, submission); err != nil {
		return h, err
	}
	return h, g.store.SetFound(ctx, submission, h.Found)
}

func namesOf(people []store.Identity) []string {
	var all []manifest.Author
	for _, p := range people {
		all = append(all, manifest.Author{Name: p.Name}, manifest.Author{Name: p.Subject})
	}
	return blind.Names(all, "")
}

// wildcard is one in a pattern of http.ServeMux.
var wildcard = regexp.MustCompile(`\{(\w+)(?:\.\.\.)?\}`)

// serveMasked answers through the mask. What the visitor was shown as pseudonyms
// comes back in addresses, and the handler sees what they stand for.
func (g *Guard) serveMasked(w http.ResponseWriter, r *http.Request, v Visit, h Handler) {
	m := v.Mask.NewWriter(w, func(w http.ResponseWriter) {
		g.o.Fail(w, r, v, &Error{http.StatusForbidden, "this file says whose work it is, and is not shown to you"})
	})
	r = unmasked(r, v)
	err := error(nil)
	if v.Mask.Withholds(r.PathValue("path")) {
		err = Refuse(http.StatusForbidden, "this file says whose work it is, and is not shown to you")
	} else {
		err = h(m, r, v)
	}
	if err != nil {
		g.fail(m, r, v, err)
	}
	if err := m.Finish(); err != nil {
		g.o.Log(r, err)
	}
}

type hidesAuthors struct{}

// HidesAuthors reports of the context of a request whether its visitor must not
// learn whose work it is, as [Visit.HidesAuthors] does.
func HidesAuthors(ctx context.Context) bool { return ctx.Value(hidesAuthors{}) != nil }

func unmasked(r *http.Request, v Visit) *http.Request {
	m, ctx := v.Mask, r.Context()
	if v.HidesAuthors() {
		ctx = context.WithValue(ctx, hidesAuthors{}, true)
	}
	out := r.Clone(ctx)
	for _, w := range wildcard.FindAllStringSubmatch(r.Pattern, -1) {
		out.SetPathValue(w[1], m.Original(r.PathValue(w[1])))
	}
	q := url.Values{}
	for name, values := range r.URL.Query() {
		for _, v := range values {
			q.Add(name, m.Original(v))
		}
	}
	out.URL.RawQuery = q.Encode()
	out.Header.Del("Range") // a piece of a name is not found
	out.Header.Del("If-Range")
	return out
}
