package pages

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"repro/gateway/access"
	"repro/gateway/store"
)

func (p *Pages) tokenHandlers() map[string]access.Handler {
	return map[string]access.Handler{
		"GET /tokens":                 p.tokens,
		"POST /tokens":                p.addToken,
		"POST /tokens/{token}/revoke": p.revokeToken,
	}
}

// tokensPage is what the page of tokens shows.
type tokensPage struct {
	Tokens []store.Token
	Now    time.Time
}

// Open reports whether a token can be used now.
func (p tokensPage) Open(t store.Token) bool { return !t.Revoked && p.Now.Before(t.Expires) }

func (p *Pages) tokens(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	all, err := p.store.Tokens(r.Context(), v.Person.ID)
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, "tokens", frame{"Tokens for programs", v, tokensPage{all, time.Now()}})
}

func (p *Pages) addToken(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	if v.Program {
		return access.Refuse(http.StatusForbidden, "a program cannot make tokens: sign in")
	}
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil || days < 1 || days > MaxDays {
		return access.Refuse(http.StatusBadRequest, "a token is valid for 1 to %d days", MaxDays)
	}
	t := store.Token{Label: r.PostForm.Get("label"), Expires: time.Now().Add(time.Duration(days) * 24 * time.Hour).Truncate(time.Second).UTC()}
	secret := access.NewToken()
	if err := refused(p.store.AddToken(r.Context(), v.Person.ID, t, store.HashOf(secret))); err != nil {
		return err
	}
	return show(w, http.StatusCreated, "token", frame{"A token for " + t.Label, v, struct {
		store.Token
		Secret string
	}{t, secret}})
}

func (p *Pages) revokeToken(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	id, err := strconv.ParseInt(r.PathValue("token"), 10, 64)
	if err != nil {
		return fmt.Errorf("token: %w", store.ErrNotFound)
	}
	if err := p.store.RevokeToken(r.Context(), v.Person.ID, id); err != nil {
		return err
	}
	http.Redirect(w, r, "/tokens", http.StatusSeeOther)
	return nil
}
