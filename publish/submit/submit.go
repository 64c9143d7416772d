// Package submit sends images to a gateway (SPEC.md, GTW-6): in pieces, so that
// a connection that breaks costs little, and a program that is started again
// goes on where the last one stopped.
package submit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"repro/format"
	"repro/format/manifest"
	"repro/internal/progress"
	"repro/report"
)

const (
	maxAnswer = 64 << 20 // bytes of an answer
	tries     = 5        // without a byte more, before giving up
)

// pieceSize is how many bytes go in one request.
var pieceSize int64 = 64 << 20

// ErrRefused is in the error about an image that the gateway did not take.
var ErrRefused = errors.New("the gateway refused it")

// Options say how to send.
type Options struct {
	Token    string        // the secret of a link for authors
	Plain    bool          // also send it over http to another machine, where all on the way can read it
	Client   *http.Client  // nil: one that follows nothing
	Progress progress.Func // may be nil
	Wait     time.Duration // after a first failure, then twice as long each time; 0: a second
}

// Result is what became of an image.
type Result struct {
	Submission string         `json:"submission"`
	Address    string         `json:"address"` // of its page
	Report     *report.Verify `json:"report"`  // what the gateway's verifier found
}

// state is what the gateway says of an upload.
type state struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	Content manifest.Digest `json:"contentId"`
	Size    int64           `json:"size"`
	Offset  int64           `json:"offset"`
}

// statusError is an answer other than the one hoped for.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string {
	if e.text == "" {
		return http.StatusText(e.status)
	}
	return e.text
}

// Unwrap says what kind of refusal it is: none where trying again may help, and
// of an image where the gateway's verifier speaks.
func (e *statusError) Unwrap() []error {
	switch {
	case e.status == http.StatusUnprocessableEntity:
		return []error{ErrRefused, format.ErrMalformed}
	case e.status >= 400 && e.status < 500:
		return []error{ErrRefused}
	}
	return nil
}

type sender struct {
	venue string // address
	name  string
	image *format.Image
	o     Options
}

// Image sends an image under that name to the venue at an address such as
// https://gateway.example/v/journal.
func Image(ctx context.Context, image *format.Image, name, venue string, o Options) (*Result, error) {
	u, err := url.Parse(venue)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || !strings.HasPrefix(u.Path, "/v/") || u.RawQuery != "" {
		return nil, fmt.Errorf("submit: %q: is not the address of a venue, like https://gateway.example/v/journal", venue)
	}
	if u.Scheme == "http" && !o.Plain && !local(u.Hostname()) {
		return nil, fmt.Errorf("submit: %q: whoever is on the way could read the token: the address must begin with https", venue)
	}
	if o.Client == nil {
		o.Client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	if o.Wait == 0 {
		o.Wait = time.Second
	}
	s := sender{strings.TrimSuffix(venue, "/"), name, image, o}
	st, err := s.begin(ctx)
	if err == nil {
		err = s.send(ctx, st)
	}
	if err != nil {
		return nil, fmt.Errorf("submit: %s: %w", venue, err)
	}
	var r struct {
		Result
		Path string `json:"path"`
	}
	for failed := 0; ; failed++ { // who did not hear the answer may ask again
		err = s.ask(ctx, "POST", "/uploads/"+st.ID+"/finish", nil, 0, &r)
		if err == nil || errors.Is(err, ErrRefused) && !conflict(err) || failed == tries || wait(ctx, o.Wait<<failed) != nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("submit: %s: %w", venue, err)
	}
	r.Address = u.Scheme + "://" + u.Host + r.Path
	return &r.Result, nil
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// begin finds the upload of this image that was cut off, or begins one.
func (s sender) begin(ctx context.Context) (st state, err error) {
	content, err := s.image.ContentID()
	if err != nil {
		return st, err
	}
	var open []state
	if err := s.ask(ctx, "GET", "/uploads", nil, 0, &open); err != nil {
		return st, err
	}
	for _, st := range open {
		if st.Name == s.name && st.Content == content && st.Size == s.image.Size() && st.Offset <= st.Size {
			return st, nil
		}
	}
	doc, err := json.Marshal(state{Name: s.name, Content: content, Size: s.image.Size()})
	if err != nil {
		return st, err
	}
	return st, s.ask(ctx, "POST", "/uploads", bytes.NewReader(doc), int64(len(doc)), &st)
}

// send sends what is missing. After a failure it asks how far it came.
func (s sender) send(ctx context.Context, st state) error {
	path, failed := "/uploads/"+st.ID, 0
	for st.Offset < st.Size {
		s.o.Progress.Report(progress.Event{Task: "send " + s.name, Done: st.Offset, Total: st.Size, Bytes: true})
		before, n := st.Offset, min(pieceSize, st.Size-st.Offset)
		body := io.NewSectionReader(s.image.Bytes(), st.Offset, n)
		err := s.ask(ctx, "PUT", fmt.Sprintf("%s?offset=%d", path, st.Offset), body, n, &st)
		if errors.Is(err, ErrRefused) && !conflict(err) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		for err != nil {
			if failed++; failed > tries {
				return err
			}
			if wait(ctx, s.o.Wait<<(failed-1)) != nil {
				return ctx.Err()
			}
			if err = s.ask(ctx, "GET", path, nil, 0, &st); gone(err) {
				return nil // perhaps it was whole, and another command has finished it
			}
		}
		if st.Offset > before {
			failed = 0
		} else if failed++; failed > tries {
			return fmt.Errorf("the gateway takes nothing beyond byte %d", before)
		}
		if st.Offset < 0 || st.Offset > s.image.Size() || st.Size != s.image.Size() {
			return fmt.Errorf("the gateway says it has %d of %d bytes, of a file of %d", st.Offset, st.Size, s.image.Size())
		}
	}
	return nil
}

// conflict reports an offset that is not the gateway's any more.
func conflict(err error) bool {
	var e *statusError
	return errors.As(err, &e) && e.status == http.StatusConflict
}

// gone reports that an upload has ended.
func gone(err error) bool {
	var e *statusError
	return errors.As(err, &e) && e.status == http.StatusNotFound
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask sends one request and reads the JSON document of its answer into v.
func (s sender) ask(ctx context.Context, method, path string, body io.Reader, size int64, v any) error {
	r, err := http.NewRequestWithContext(ctx, method, s.venue+path, body)
	if err != nil {
		return err
	}
	r.ContentLength = size
	r.Header.Set("Authorization", "Bearer "+s.o.Token)
	r.Header.Set("Accept", "application/json")
	res, err := s.o.Client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return err
	}
	if len(b) > maxAnswer {
		return fmt.Errorf("the gateway answers with more than %d bytes", maxAnswer)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return &statusError{res.StatusCode, strings.TrimSpace(string(b[:min(len(b), 4096)]))}
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("the gateway's answer to %s %s: %w", method, path, err)
	}
	return nil
}
