package registry

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"repro/format"
	"repro/internal/progress"
	"repro/publish/stranger"
)

// Options say how to talk to a registry. The zero value is the strictest.
type Options struct {
	PlainHTTP bool // let a registry answer over HTTP that is not this machine
	Progress  progress.Func

	// Split sends an image as one blob for each of its layers and two for the rest, so
	// that images share those that they have in common. Only this package joins them.
	Split bool

	// Cache is a folder of this user's for what spares traffic: which repository has
	// which blob, and what was read of images in place. Empty: nothing is kept.
	Cache string

	mirrors      []string    // files; nil: those of podman
	certificates []string    // folders; nil: those of Docker and podman
	tls          *tls.Config // found there

	stall time.Duration // tests are less patient
	pause time.Duration // before a first repetition
}

// Repository is where images lie in a registry. Goroutines may share it.
type Repository struct {
	ref    Reference // where it is
	named  Reference // as the user calls it: of a mirror, what that mirrors
	client *http.Client
	base   string // of all addresses
	o      Options
}

// Connect asks the registry of ref who may use it, and logs in as the user does
// with Docker and podman: by their stores and their credential helpers. Push says
// whether images will be sent.
//
// Images come from a mirror that podman's configuration names, if that has them.
func Connect(ctx context.Context, ref Reference, push bool, o Options) (*Repository, error) {
	if !push {
		if r, err := fromMirror(ctx, ref, o); r != nil || err != nil {
			return r, err
		}
	}
	return dial(ctx, ref, push, o)
}

func dial(ctx context.Context, ref Reference, push bool, o Options) (*Repository, error) {
	if o.pause == 0 {
		o.pause = 200 * time.Millisecond
	}
	host := ref.ref.Context().Registry
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, ref.ref.Context())
	if err != nil {
		return nil, fmt.Errorf("%s: log in: %w", ref.host(), err)
	}
	if o.PlainHTTP && host.Scheme() != "http" {
		if host, err = name.NewRegistry(ref.host(), name.Insecure); err != nil {
			return nil, err
		}
	}
	action := transport.PullScope
	if push {
		action = transport.PushScope
	}
	if o.certificates == nil {
		o.certificates = certificateFolders()
	}
	if o.tls, err = certificates(ref.host(), o.certificates); err != nil {
		return nil, err
	}
	g := stranger.New(ref.host(), stranger.Options{Plain: o.PlainHTTP, TLS: o.tls, Stall: o.stall})
	var way http.RoundTripper
	err = retry(ctx, o.pause, func() (bool, error) {
		way, err = transport.NewWithContext(ctx, host, auth, g, []string{ref.ref.Scope(action)})
		return false, err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: log in: %w", ref.host(), plainer(err))
	}
	r := &Repository{ref: ref, named: ref, o: o, base: "https://" + ref.host()}
	r.client = &http.Client{Transport: way, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > stranger.MaxRedirects {
			return stranger.Refuse(fmt.Sprintf("more than %d redirects", stranger.MaxRedirects))
		}
		return nil
	}}
	return r, nil
}

// Reference returns what the repository was connected for.
func (r *Repository) Reference() Reference { return r.named }

// address returns that of something in the repository. Whether it is https is
// settled where the registry was asked first.
func (r *Repository) address(kind, id string) string {
	return r.base + "/v2/" + r.ref.repository() + "/" + kind + "/" + id
}

// failure names host and object.
func (r *Repository) failure(object string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s/%s: %s: %w", r.ref.host(), r.ref.repository(), object, err)
}

// statusError is an answer that was not asked for.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return e.text }

// Unwrap says whether another login may help.
func (e *statusError) Unwrap() error {
	if e.code == http.StatusUnauthorized || e.code == http.StatusForbidden {
		return ErrLogin
	}
	return nil
}

// ErrLogin is in the error about a registry that does not let this user do what was
// asked.
var ErrLogin = errors.New("the registry does not allow this to whom it takes you for")

// do sends a request and returns an answer of one of the wanted statuses.
func (r *Repository) do(q *http.Request, want ...int) (*http.Response, error) {
	answer, err := r.client.Do(q)
	if err != nil {
		return nil, plainer(err)
	}
	for _, code := range want {
		if answer.StatusCode == code {
			return answer, nil
		}
	}
	defer answer.Body.Close()
	return nil, &statusError{answer.StatusCode, complaint(answer)}
}

// plainer leaves out what an error of net/http repeats, method and address, and what
// a registry may write into one of the library.
func plainer(err error) error {
	var refused *stranger.RefusedError
	var told *transport.Error
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &told) && !isCertificate(err): // asked with TLS and without: the first tells more
		text := answers(fmt.Sprintf("%d %s", told.StatusCode, http.StatusText(told.StatusCode)))
		if len(told.Errors) > 0 {
			text += words(string(told.Errors[0].Code), told.Errors[0].Message)
		}
		return &statusError{told.StatusCode, text}
	}
	return err
}

func isCertificate(err error) bool {
	var wrong *tls.CertificateVerificationError
	return errors.As(err, &wrong)
}

func answers(status string) string { return fmt.Sprintf("the registry answers %.100q", status) }

// words are a registry's own, on one line and of a bounded length: else it could write
// lines that look like ours.
func words(code, message string) string {
	return fmt.Sprintf(": %.100s: %.300s", strings.Join(strings.Fields(code), " "), strings.Join(strings.Fields(message), " "))
}

// complaint is what a registry says of a failure: its own words, if they are in the
// form that the specification of registries gives them.
func complaint(answer *http.Response) string {
	text := answers(answer.Status)
	raw, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	var form struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(raw, &form) != nil || len(form.Errors) == 0 {
		return text
	}
	return text + words(form.Errors[0].Code, form.Errors[0].Message)
}

// document asks for a JSON document of at most stranger.MaxAnswer bytes. None is nil.
func (r *Repository) document(ctx context.Context, address, accept string) (raw []byte, kind string, err error) {
	err = retry(ctx, r.o.pause, func() (bool, error) {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return false, err
		}
		q.Header.Set("Accept", accept)
		answer, err := r.do(q, http.StatusOK, http.StatusNotFound)
		if err != nil {
			return false, err
		}
		defer answer.Body.Close()
		if answer.StatusCode == http.StatusNotFound {
			raw = nil
			return false, nil
		}
		kind, _, _ = mime.ParseMediaType(answer.Header.Get("Content-Type"))
		raw, err = io.ReadAll(answer.Body)
		return false, err
	})
	if err == nil && raw != nil && (kind == "text/html" || !json.Valid(raw)) {
		return nil, kind, fmt.Errorf("answers with %s in place of JSON: is this a registry?", orUnknown(kind))
	}
	return raw, kind, err
}

func orUnknown(kind string) string {
	if kind == "" || strings.HasSuffix(kind, "json") {
		return "something else"
	}
	return kind
}

// maxTries is how often something is tried that does not get on.
const maxTries = 6

// retry calls try until it succeeds, fails for good, or has failed maxTries times
// in a row without getting on, waiting longer each time.
func retry(ctx context.Context, pause time.Duration, try func() (progressed bool, err error)) error {
	wait := pause
	for failures := 0; ; {
		progressed, err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !mayPass(err) {
			return err
		}
		if progressed {
			failures, wait = 0, pause
			continue
		}
		if failures++; failures == maxTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, 10*time.Second)
	}
}

// mayPass reports whether the same may succeed a little later.
func mayPass(err error) bool {
	var status *statusError
	var told *transport.Error
	var refused *stranger.RefusedError
	var reader *localError
	switch {
	case errors.As(err, &refused), errors.As(err, &reader):
		return false
	case errors.As(err, &status):
		return stranger.MayPass(status.code)
	case errors.As(err, &told):
		return stranger.MayPass(told.StatusCode)
	}
	return stranger.IsNetwork(err) || errors.Is(err, format.ErrAltered) // a block that came wrong comes again
}

// localError is a failure of this machine's: of a file that is read or written.
type localError struct{ error }

func (e *localError) Unwrap() error { return e.error }
