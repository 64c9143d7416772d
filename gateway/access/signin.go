package access

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"repro/gateway/store"
)

const maxSealed = 4000 // bytes of a sealed text: what fits into a cookie

// Seal signs a short text that travels through a browser, which can read it and
// change nothing (GTW-8).
func (k *Key) Seal(purpose, text string) string {
	return encode([]byte(text)) + "." + encode(k.sum("seal\x00"+purpose, text))
}

// Unseal returns the text that was sealed for that purpose.
func (k *Key) Unseal(purpose, sealed string) (text string, ok bool) {
	body, sum, found := strings.Cut(sealed, ".")
	if len(sealed) > maxSealed || !found {
		return "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil || !equal(sum, k.sum("seal\x00"+purpose, string(b))) {
		return "", false
	}
	return string(b), true
}

// SignIn starts a session of whoever a provider says that is, in the browser
// that asks, and uses their invitation, if there is one. A session that the
// browser had before ends.
func (g *Guard) SignIn(w http.ResponseWriter, r *http.Request, v Visit, id store.Identity, link string) error {
	var hash *store.Hash
	if link != "" {
		if err := g.key.checkLink(link, g.o.Now()); err != nil {
			return Refuse(http.StatusForbidden, "%v", err)
		}
		h := store.HashOf(link)
		hash = &h
	}
	session := newSession()
	_, err := g.store.SignIn(r.Context(), id, hash, store.HashOf(session), sessionTime)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Refuse(http.StatusForbidden, "nobody has invited you under this name: open the link that you were sent, and sign in there")
	case errors.Is(err, store.ErrNoLink), errors.Is(err, store.ErrTaken):
		return Refuse(http.StatusForbidden, "%v", err)
	case err != nil:
		return err
	}
	if err := g.endSession(r.Context(), v); err != nil {
		return err
	}
	g.setCookie(w, session, sessionTime)
	return nil
}

func (g *Guard) flowCookie() string {
	if g.o.Secure {
		return "__Host-repro-sign-in"
	}
	return "repro-sign-in"
}

// SetFlow lets a browser remember a sign-in that has begun: "" ends it. The
// provider sends people back from another site, which a strict cookie would not
// survive.
func (g *Guard) SetFlow(w http.ResponseWriter, value string, age time.Duration) {
	if value == "" {
		age = -time.Second
	}
	http.SetCookie(w, &http.Cookie{
		Name: g.flowCookie(), Value: value, Path: "/", MaxAge: int(age.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: g.o.Secure,
	})
}

// Flow returns what SetFlow let the browser remember.
func (g *Guard) Flow(r *http.Request) string {
	c, err := r.Cookie(g.flowCookie())
	if err != nil {
		return ""
	}
	return c.Value
}
