package pages

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"repro/gateway/access"
	"repro/gateway/store"
)

func (p *Pages) peopleHandlers() map[string]access.Handler {
	return map[string]access.Handler{
		"GET /join":                           p.join,
		"POST /join":                          p.joined,
		"POST /leave":                         p.leave,
		"GET /v/{venue}/people":               p.people,
		"POST /v/{venue}/links":               p.addLink,
		"POST /v/{venue}/links/{link}/revoke": p.revokeLink,
	}
}

// join asks before it uses a link: programs that look at letters open links, too.
func (p *Pages) join(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	return show(w, http.StatusOK, "join", frame{"You are invited", v, door{p.identity.Providers(), r.URL.Query().Get("token")}})
}

func (p *Pages) joined(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if err := p.guard.Join(w, r, v, r.PostFormValue("token")); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (p *Pages) leave(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	if err := p.guard.Leave(w, r, v); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// invitations are what the page of people shows.
type invitations struct {
	Links []store.Link
	May   []store.Role
	Now   time.Time
}

// Open reports whether a link can be used now.
func (i invitations) Open(l store.Link) bool { return !l.Revoked && i.Now.Before(l.Expires) }

func (p *Pages) people(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	links, err := p.store.Links(r.Context(), v.Venue.ID)
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, "people", frame{"People of " + v.Venue.Name, v, invitations{links, access.MayGive(v.Role), time.Now()}})
}

// MaxDays is how long a link may be valid.
const MaxDays = 366

func (p *Pages) addLink(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil || days < 1 || days > MaxDays {
		return access.Refuse(http.StatusBadRequest, "a link is valid for 1 to %d days", MaxDays)
	}
	l := store.Link{
		Venue: v.Venue.ID, Role: store.Role(r.PostForm.Get("role")), Label: r.PostForm.Get("label"),
		Expires: time.Now().Add(time.Duration(days) * 24 * time.Hour).Truncate(time.Second).UTC(),
	}
	if !slices.Contains(access.MayGive(v.Role), l.Role) {
		return access.Refuse(http.StatusForbidden, "you cannot give that role")
	}
	token := p.key.NewLink(l)
	if _, err := p.store.AddLink(r.Context(), v.Person.ID, l, store.HashOf(token)); err != nil {
		return refused(err)
	}
	return show(w, http.StatusCreated, "link", frame{"A link for " + l.Label, v, struct {
		store.Link
		Address, Token string
	}{l, JoinAddress(p.origin, token), token}})
}

// JoinAddress is where a link is opened in a browser.
func JoinAddress(origin, token string) string { return origin + "/join?token=" + token }

func (p *Pages) revokeLink(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	id, err := strconv.ParseInt(r.PathValue("link"), 10, 64)
	if err != nil {
		return fmt.Errorf("link: %w", store.ErrNotFound)
	}
	links, err := p.store.Links(r.Context(), v.Venue.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(links, func(l store.Link) bool { return l.ID == id })
	if i < 0 {
		return fmt.Errorf("link: %w", store.ErrNotFound)
	}
	if !slices.Contains(access.MayGive(v.Role), links[i].Role) {
		return access.Refuse(http.StatusForbidden, "you cannot take that role away")
	}
	if err := p.store.RevokeLink(r.Context(), v.Person.ID, v.Venue.ID, id); err != nil {
		return err
	}
	http.Redirect(w, r, "/v/"+v.Venue.ID+"/people", http.StatusSeeOther)
	return nil
}
