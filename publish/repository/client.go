package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"repro/publish/stranger"
)

// Limits on a server. SPEC.md, DEP-9.
const (
	maxTries   = 6                // of one request, and of one file
	longestAsk = 10 * time.Minute // that a server may ask to wait
	sendStall  = 10 * time.Minute // for which a server may take nothing, or answer nothing
)

// ErrToken is in the error about a token that a server does not take, or not any more.
var ErrToken = errors.New("the token is not valid, has expired, or does not allow this")

// StatusError is an answer that was not hoped for.
type StatusError struct {
	Status int
	Text   string        // the server's own words, if they can be read
	After  time.Duration // how long the server asks to wait
}

// Error implements error.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("answers %d %s", e.Status, http.StatusText(e.Status))
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// Unwrap says whether the token is at fault.
func (e *StatusError) Unwrap() error {
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		return ErrToken
	}
	return nil
}

// Request is one request that a dry run would have sent.
type Request struct {
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Header map[string]string `json:"header,omitempty"` // the token is masked
	Body   json.RawMessage   `json:"body,omitempty"`   // if it is JSON
	Text   string            `json:"text,omitempty"`   // if it is text of another kind
	Bytes  int64             `json:"bytes,omitempty"`  // of a file
}

// request is what is sent. Only one of json, text and body is set.
type request struct {
	method, path string // path: below the server's address, or an address of its own
	json         any
	text         string
	body         func() io.Reader
	size         int64 // of body
	kind         string
	header       map[string]string
	signed       bool   // the address itself gives leave: no token is sent
	example      string // what a server answers; a dry run takes it for the answer
}

// client talks to one server. It follows no redirects: a token stays where it was
// sent to.
type client struct {
	target *Target
	base   string // address, without a slash at its end
	host   string
	token  string
	http   *http.Client
	pause  time.Duration // before a first repetition
	dry    func(Request) // not nil: nothing is sent
}

func newClient(o Options) (*client, error) {
	base := strings.TrimRight(o.Server, "/")
	if base == "" {
		base = o.Target.Server
	}
	u, err := url.Parse(base)
	switch {
	case err == nil && u.User != nil: // it is not repeated: it may have a password in it
		return nil, fmt.Errorf("%s: server: has a name or a password in its address: the token is who you are", o.Target.Name)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "":
		return nil, fmt.Errorf("%s: server %q: want an address such as https://demo.example.org", o.Target.Name, base)
	case u.Scheme == "http" && !stranger.IsLoopback(u.Host):
		return nil, fmt.Errorf("%s: server %q: want https", o.Target.Name, base)
	}
	c := &client{target: o.Target, base: base, host: u.Host, token: o.Token, pause: o.pause, dry: o.DryRun}
	if c.pause == 0 {
		c.pause = time.Second
	}
	way := stranger.New(u.Host, stranger.Options{Stall: sendStall})
	c.http = &http.Client{Transport: way, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return c, nil
}

// address returns the absolute address of a request.
func (c *client) address(path string) string {
	if strings.HasPrefix(path, "/") {
		return c.base + path
	}
	return path
}

// trusted reports whether a host may see the token: the server's own, and those
// that the target names.
func (c *client) trusted(host string) bool {
	return host == c.host || slices.ContainsFunc(c.target.hosts, func(h string) bool {
		return host == h || strings.HasPrefix(h, ".") && strings.HasSuffix(host, h)
	})
}

// once sends a request and reads the JSON of its answer into out, which may be nil.
func (c *client) once(ctx context.Context, r request, out any) error {
	q, show, err := c.make(ctx, r)
	if err != nil {
		return err
	}
	if c.dry != nil {
		c.dry(show)
		return decode([]byte(r.example), out)
	}
	answer, err := c.http.Do(q)
	if err != nil {
		return plainer(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, stranger.MaxAnswer+1))
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return c.masked(refusal(answer, raw))
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch text := bytes.TrimSpace(raw); {
	case err != nil:
		return err
	case len(raw) > stranger.MaxAnswer:
		return stranger.Refuse(fmt.Sprintf("answers more than %d bytes", stranger.MaxAnswer))
	case kind == "text/html" || len(text) > 0 && text[0] == '<' && !isText(out):
		return &formError{fmt.Sprintf("answers with a web page in place of JSON: does %s answer at %s?", c.target.Title, c.base)}
	}
	return decode(raw, out)
}

func isText(out any) bool {
	_, ok := out.(*string)
	return ok
}

// formError is an answer of another form than the one that is documented.
type formError struct{ why string }

func (e *formError) Error() string { return e.why }

func decode(raw []byte, out any) error {
	if text, ok := out.(*string); ok {
		*text = string(raw)
		return nil
	}
	if out == nil || len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return &formError{fmt.Sprintf("answers with something else than the documented JSON: %v", err)}
	}
	return nil
}

// make makes the request, and what a person may see of it.
func (c *client) make(ctx context.Context, r request) (*http.Request, Request, error) {
	address := c.address(r.path)
	show := Request{Method: r.method, URL: address, Header: map[string]string{}, Text: r.text}
	var body io.Reader
	var size int64
	kind := r.kind
	switch {
	case r.json != nil:
		raw, err := json.Marshal(r.json)
		if err != nil {
			return nil, show, err
		}
		body, size, show.Body = bytes.NewReader(raw), int64(len(raw)), raw
		if kind == "" {
			kind = "application/json"
		}
	case r.text != "":
		body, size = strings.NewReader(r.text), int64(len(r.text))
	case r.body != nil:
		size, show.Bytes = r.size, r.size
		ctx = stranger.Large(ctx)
		if body = http.NoBody; c.dry == nil && size > 0 {
			body = r.body()
		}
	}
	q, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return nil, show, err
	}
	q.ContentLength = size
	q.GetBody = nil // what is sent again is for us to say
	if kind != "" {
		q.Header.Set("Content-Type", kind)
	}
	q.Header.Set("Accept", "application/json")
	q.Header.Set("User-Agent", "repro")
	for k, v := range r.header {
		q.Header.Set(k, v)
	}
	for k := range q.Header {
		show.Header[k] = q.Header.Get(k)
	}
	if !r.signed && c.trusted(q.URL.Host) {
		name, value := c.target.authorize(c.token)
		q.Header.Set(name, value)
		show.Header[name] = "<token>"
	}
	if r.signed { // whoever has such an address may write there
		u := *q.URL
		u.RawQuery = "<signature>"
		show.URL = u.String()
	}
	return q, show, nil
}

// plainer leaves out what an error of net/http repeats, the address among it: some
// addresses give leave by themselves.
func plainer(err error) error {
	var refused *stranger.RefusedError
	if errors.As(err, &refused) {
		return refused
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// refusal is what a server says of a failure.
func refusal(answer *http.Response, raw []byte) *StatusError {
	e := &StatusError{Status: answer.StatusCode, Text: complaint(raw), After: stranger.AskedToWait(answer.Header, time.Now())}
	if answer.StatusCode >= 300 && answer.StatusCode < 400 {
		e.Text = fmt.Sprintf("leads to %.200q, where a token must not go: give the server's own address with --server", answer.Header.Get("Location"))
	}
	return e
}

// masked takes the token out of what a server says: some repeat what they were sent.
func (c *client) masked(e *StatusError) error {
	_, value := c.target.authorize(c.token)
	for _, secret := range []string{value, c.token} {
		if secret != "" {
			e.Text = strings.ReplaceAll(e.Text, secret, "<token>")
		}
	}
	return e
}

// complaint finds the words for a person in the answer of a server.
func complaint(raw []byte) string {
	var form struct {
		Message string          `json:"message"`
		Detail  string          `json:"detail"`
		Errors  json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(raw, &form) != nil {
		return ""
	}
	text := form.Message
	if text == "" {
		text = form.Detail
	}
	if len(form.Errors) > 2 {
		text += " " + string(form.Errors)
	}
	return fmt.Sprintf("%.500s", strings.Join(strings.Fields(text), " "))
}

// repeat is once for what may be asked for again: it changes nothing, or nothing
// more the second time.
func (c *client) repeat(ctx context.Context, r request, out any) error {
	for failures := 0; ; {
		err := c.once(ctx, r, out)
		if err == nil || !mayPass(err) {
			return err
		}
		if failures++; failures == maxTries {
			return err
		}
		if err := c.wait(ctx, failures, err); err != nil {
			return err
		}
	}
}

// wait waits as long as a server asked for, or longer after each failure.
func (c *client) wait(ctx context.Context, failures int, err error) error {
	var asked time.Duration
	if status := (*StatusError)(nil); errors.As(err, &status) {
		asked = status.After
	}
	return stranger.Wait(ctx, min(c.pause<<(failures-1), 60*c.pause), asked, longestAsk, err)
}

// mayPass reports whether the same may succeed a little later.
func mayPass(err error) bool {
	var status *StatusError
	if errors.As(err, &status) {
		return stranger.MayPass(status.Status) || status.Status == http.StatusLocked
	}
	return stranger.IsNetwork(err)
}

// refusedForNow reports whether a server did nothing, and may later.
func refusedForNow(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && (status.Status == http.StatusTooManyRequests || status.Status == http.StatusLocked)
}

// definite reports whether a server said that it did not do what was asked.
func definite(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Status < 500 && status.Status != http.StatusRequestTimeout
}

// unsure reports whether a request that failed may have been carried out.
func unsure(err error) bool { return err != nil && !definite(err) }

func hasStatus(err error, status int) bool {
	var e *StatusError
	return errors.As(err, &e) && e.Status == status
}
