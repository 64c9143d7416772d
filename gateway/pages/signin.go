package pages

import (
	"errors"
	"net/http"

	"repro/gateway/access"
	"repro/gateway/identity"
	"repro/gateway/store"
)

func (p *Pages) signInHandlers() map[string]access.Handler {
	return map[string]access.Handler{
		"POST /sign-in/{provider}":       p.signIn,
		"GET /sign-in/{provider}/return": p.signedIn,
	}
}

// door is what a page for strangers offers: the providers, and the invitation
// that they may have opened.
type door struct {
	Providers []identity.Provider
	Token     string
}

// onward is a page that leads on by itself. A redirect would not do: where it
// answers a form, the content policy holds its target, and where it follows
// another site, browsers keep the strict cookie to themselves.
type onward struct{ Address, Words string }

// signIn sends somebody to a provider.
func (p *Pages) signIn(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	address, cookie, err := p.identity.Begin(r.Context(), r.PathValue("provider"), r.PostFormValue("token"))
	if errors.Is(err, identity.ErrNoProvider) {
		return access.Refuse(http.StatusNotFound, "%v", err)
	}
	if err != nil {
		p.guard.Log(r, err)
		return access.Refuse(http.StatusBadGateway, "this provider does not answer now: try again later")
	}
	p.guard.SetFlow(w, cookie, identity.FlowTime)
	return show(w, http.StatusOK, "onward", frame{"Signing in", v, onward{address, "Go on to the provider"}})
}

// signedIn takes somebody back from a provider.
func (p *Pages) signedIn(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	cookie := p.guard.Flow(r)
	p.guard.SetFlow(w, "", 0)
	id, link, err := p.identity.Finish(r.Context(), r.PathValue("provider"), cookie, r.URL.Query())
	switch {
	case errors.Is(err, identity.ErrFlow), errors.Is(err, identity.ErrRefused):
		return access.Refuse(http.StatusForbidden, "%v", err)
	case err != nil:
		p.guard.Log(r, err)
		return access.Refuse(http.StatusBadGateway, "this provider does not answer now: try again later")
	}
	if err := p.guard.SignIn(w, r, v, store.Identity(id), link); err != nil {
		return err
	}
	return show(w, http.StatusOK, "onward", frame{"Signed in", access.Visit{}, onward{"/", "Go on"}})
}
