package submit_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/gateway/access"
	"repro/gateway/pages"
	"repro/gateway/store"
	"repro/gateway/upload"
	"repro/internal/progress"
	"repro/publish/submit"
)

var ctx = context.Background()

func image(t *testing.T) *format.Image {
	t.Helper()
	env := tree.NewDir()
	if err := env.Put("bin/sh", tree.NewFile(0o755, bytes.Repeat([]byte("sh\n"), 5000))); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "x.sif")
	_, err := format.Create(ctx, name, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version, Arch: "amd64", Environment: manifest.Environment{Kind: "host"},
			Paper: manifest.Paper{Title: "A title", Authors: []manifest.Author{{Name: "A"}}, Date: "2026-01-01T00:00:00Z"},
			Steps: []manifest.Step{{Name: "run", Command: []string{"true"}, Dir: "/"}}, Results: []manifest.Result{},
		},
		Recipe: []byte("title: A title\n"), Inspect: []byte("{}\n"),
		Layers: []format.LayerSpec{{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: env}},
	})
	if err != nil {
		t.Fatal(err)
	}
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	return im
}

// gateway starts a real gateway behind a network that may do something to a
// request before it, and returns the address of a venue and an author's token.
func gateway(t *testing.T, network func(w http.ResponseWriter, r *http.Request) (through bool)) (venue, token string, s *store.Store) {
	t.Helper()
	s, err := store.Open(ctx, t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := access.OpenKey(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	u, err := upload.New(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	handlers := pages.New(s, k, u, "", t.Context().Done()).Handlers()
	maps.Copy(handlers, u.Handlers())
	handlers["GET /healthz"], handlers["GET /metrics"] = handlers["GET /style.css"], handlers["GET /style.css"]
	g, err := access.New(s, k, handlers, access.Options{Fail: pages.Fail, Log: func(*http.Request, error) {}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if network == nil || network(w, r) {
			g.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() { server.Close(); s.Close() })
	if err := s.AddVenue(ctx, 0, store.Venue{ID: "j", Name: "J", Quota: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	l := store.Link{Venue: "j", Role: store.Author, Label: "Ada", Expires: time.Now().Add(time.Hour)}
	token = k.NewLink(l)
	if _, err := s.AddLink(ctx, 0, l, store.HashOf(token)); err != nil {
		t.Fatal(err)
	}
	return server.URL + "/v/j", token, s
}

// TestSubmit sends an image over a network that breaks (GTW-6).
func TestSubmit(t *testing.T) {
	defer submit.SetPieceSize(5000)()
	var puts, bytesSent atomic.Int64
	venue, token, s := gateway(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return true
		}
		bytesSent.Add(r.ContentLength)
		switch puts.Add(1) % 3 {
		case 1:
			r.Body = io.NopCloser(io.LimitReader(r.Body, 3000)) // and then nothing more
		case 2:
			panic(http.ErrAbortHandler)
		}
		return true
	})
	im := image(t)
	last := int64(-1)
	r, err := submit.Image(ctx, im, "paper.sif", venue, submit.Options{Token: token, Wait: time.Millisecond, Progress: func(e progress.Event) {
		if e.Done < last || e.Total != im.Size() {
			t.Errorf("progress %+v after %d", e, last)
		}
		last = e.Done
	}})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := s.Submission(ctx, r.Submission)
	if id, _ := im.ContentID(); err != nil || sub.Content != id || r.Report.ContentID != id || r.Address != venue+"/submissions/"+r.Submission {
		t.Errorf("%+v, %+v, %v", r, sub, err)
	}
	if puts.Load() < 4 || bytesSent.Load() < im.Size() {
		t.Errorf("%d requests: the network was no trouble", puts.Load())
	}
}

// TestGoOn: what a program that was stopped has sent is not sent again.
func TestGoOn(t *testing.T) {
	defer submit.SetPieceSize(10000)()
	stop, cancel := context.WithCancel(ctx)
	var offsets []string
	venue, token, _ := gateway(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			if offsets = append(offsets, r.URL.Query().Get("offset")); len(offsets) == 3 {
				cancel()
				return false
			}
		}
		return true
	})
	im := image(t)
	if _, err := submit.Image(stop, im, "paper.sif", venue, submit.Options{Token: token}); !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: %v", err)
	}
	if _, err := submit.Image(ctx, im, "paper.sif", venue, submit.Options{Token: token}); err != nil {
		t.Fatal(err)
	}
	if offsets[0] != "0" || offsets[2] != "20000" || offsets[3] != "20000" {
		t.Errorf("sent at %v", offsets)
	}
}

// TestLost: who does not hear that the image is taken, because the gateway is killed
// or another command has finished the upload, asks again and is told.
func TestLost(t *testing.T) {
	im := image(t)
	var other string // what another command does before the next answer
	venue, token, s := gateway(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && other != "" {
			go io.Copy(io.Discard, r.Body)
			now := other
			other = ""
			if _, err := submit.Image(ctx, im, "paper.sif", "http://"+r.Host+"/v/j", submit.Options{Token: now}); err != nil {
				t.Error(err)
			}
			panic(http.ErrAbortHandler)
		}
		return true
	})
	other = token
	r, err := submit.Image(ctx, im, "paper.sif", venue, submit.Options{Token: token, Wait: time.Millisecond})
	if err != nil || r.Submission == "" || !r.Report.Intact {
		t.Fatalf("finished by another: %+v, %v", r, err)
	}
	finishes := 0
	inner := http.DefaultTransport
	client := &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		res, err := inner.RoundTrip(r)
		if strings.HasSuffix(r.URL.Path, "/finish") && err == nil {
			if finishes++; finishes == 1 {
				res.Body.Close()
				return nil, io.ErrUnexpectedEOF
			}
		}
		return res, err
	})}
	if r, err = submit.Image(ctx, im, "paper.sif", venue, submit.Options{Token: token, Wait: time.Millisecond, Client: client}); err != nil || finishes != 2 || r.Address == "" {
		t.Errorf("the answer is lost: %d finishes, %+v, %v", finishes, r, err)
	}
	if list, _, err := s.FindSubmissions(ctx, store.SubmissionQuery{Venue: "j", Most: 9}); err != nil || len(list) != 2 {
		t.Errorf("%d submissions of two, %v", len(list), err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRefused(t *testing.T) {
	im := image(t)
	venue, token, s := gateway(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut { // a byte changes on the way
			b, _ := io.ReadAll(r.Body)
			b[len(b)-5000] ^= 1
			r.Body = io.NopCloser(bytes.NewReader(b))
		}
		return true
	})
	_, err := submit.Image(ctx, im, "paper.sif", venue, submit.Options{Token: token})
	if !errors.Is(err, submit.ErrRefused) || !errors.Is(err, format.ErrMalformed) || !strings.Contains(err.Error(), "paper.sif: ") {
		t.Errorf("an altered image: %v", err)
	}
	if list, _, err := s.FindSubmissions(ctx, store.SubmissionQuery{Venue: "j", Most: 9}); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = submit.Image(ctx, im, "paper.sif", venue, submit.Options{Token: "wrong"})
	if !errors.Is(err, submit.ErrRefused) || errors.Is(err, format.ErrMalformed) || !strings.Contains(err.Error(), "this link is not valid") {
		t.Errorf("a wrong token: %v", err)
	}
	for _, address := range []string{"", "venue", "ftp://x/v/j", "https://x/", "https://x/v/j?a=b", "http://192.0.2.1/v/j"} {
		if _, err := submit.Image(ctx, im, "paper.sif", address, submit.Options{}); err == nil || errors.Is(err, submit.ErrRefused) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestGivesUp on a gateway that fails, that takes nothing or that makes up what
// it has.
func TestGivesUp(t *testing.T) {
	im := image(t)
	for answer, want := range map[string]string{
		"": "Internal Server Error", `{"id":"x","size":1,"offset":1}`: "of a file of", `{"offset":0}`: "takes nothing beyond byte 0",
		`{"offset":-1}`: "-1 of", "x": "answer to",
	} {
		puts := 0
		venue, token, _ := gateway(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut {
				return true
			}
			if puts++; puts > 100 {
				t.Fatal("goes on for ever")
			}
			if answer == "" {
				w.WriteHeader(500)
			}
			io.WriteString(w, answer)
			return false
		})
		_, err := submit.Image(ctx, im, "paper.sif", venue, submit.Options{Token: token, Wait: time.Microsecond})
		if err == nil || errors.Is(err, submit.ErrRefused) || !strings.Contains(err.Error(), want) && answer != "" && answer != "x" {
			t.Errorf("%q: %v", answer, err)
		}
	}
}
