// Package gateway is the web application in which people of a journal, a course
// or a department read what was submitted: the command line of repro-gateway
// and the server that it starts.
//
// What may be done by whom is decided in package access, what is known stands
// in package store, and package pages shows it.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"

	"repro/gateway/access"
	"repro/gateway/identity"
	"repro/gateway/operate"
	"repro/gateway/pages"
	"repro/gateway/rerun"
	"repro/gateway/store"
	"repro/gateway/upload"
)

const (
	firstLink    = 24 * time.Hour   // how long the administrator's link is valid
	shutdownTime = 10 * time.Second // for requests that are being answered
	maxHeader    = 64 << 10         // bytes
)

// Options say how a gateway is served.
type Options struct {
	Data   string // folder
	Listen string // address and port
	Origin string // what browsers reach it by; empty: http and the address it listens on

	Database string // address of PostgreSQL; empty: as before, or SQLite
	Proxied  bool   // by a web server that says from where requests come

	Workers int           // processes that run images; 0: others do, by the command work
	Runs    rerun.Options // what a run gets of them
}

// Serve serves a gateway until ctx ends, then finishes the requests that it is
// answering. It prints its address and the administrator's link to stdout, and
// its log, as JSON, to stderr.
func Serve(ctx context.Context, o Options, stdout, stderr io.Writer) error {
	s, err := store.Open(ctx, o.Data, store.Options{Database: o.Database})
	if err != nil {
		return err
	}
	defer s.Close()
	k, err := access.OpenKey(s.Dir())
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	if o.Origin == "" {
		o.Origin = "http://" + l.Addr().String()
	}
	h, err := handler(ctx, s, k, o.Origin, o.Proxied, slog.New(slog.NewJSONHandler(stderr, nil)))
	if err != nil {
		return err
	}
	link, err := administratorLink(ctx, s, k)
	if err != nil {
		return err
	}
	working, end := context.WithCancel(ctx)
	wait, err := startWorkers(working, o.Workers, o.Data, o.Runs, stderr)
	if err != nil {
		end()
		return err
	}
	defer func() { end(); wait() }()
	fmt.Fprintf(stdout, "gateway        %s\nadministrator  %s\n               for one use within %d hours\n", o.Origin, pages.JoinAddress(o.Origin, link), int(firstLink.Hours()))
	return serve(ctx, l, h)
}

// headerTime is how long the header of a request may take to come.
var headerTime = 10 * time.Second

// serve answers requests until ctx ends.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: headerTime, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err := server.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	<-failed
	return err
}

// handler puts the rooms together.
func handler(ctx context.Context, s *store.Store, k *access.Key, origin string, proxied bool, log *slog.Logger) (http.Handler, error) {
	u, err := upload.New(ctx, s)
	if err != nil {
		return nil, err
	}
	providers, err := identity.Providers(s.Dir())
	if err != nil {
		return nil, err
	}
	p := pages.New(s, k, u, origin, ctx.Done())
	p.SignIn(identity.New(providers, origin, k, identity.Options{}))
	handlers := p.Handlers()
	maps.Copy(handlers, u.Handlers())
	handlers["GET /healthz"] = func(w http.ResponseWriter, r *http.Request, _ access.Visit) error {
		if err := s.Ping(r.Context()); err != nil {
			return err
		}
		_, err := io.WriteString(w, "ok\n")
		return err
	}
	seen := operate.NewObserver(log, nil)
	handlers["GET /metrics"] = func(w http.ResponseWriter, r *http.Request, _ access.Visit) error {
		gauges, err := s.Gauges(r.Context())
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		return seen.Write(w, gauges)
	}
	limits := map[string]*operate.Limiter{access.Attempts: operate.NewLimiter(.5, 30, nil), access.Strangers: operate.NewLimiter(20, 400, nil), access.Changes: operate.NewLimiter(10, 300, nil)}
	g, err := access.New(s, k, handlers, access.Options{
		Allow:  func(what, who string) bool { return limits[what].Allow(who) },
		From:   func(r *http.Request) string { return operate.From(r, proxied) },
		Secure: strings.HasPrefix(origin, "https:"),
		Fail:   pages.Fail,
		Names:  p.Names,
		Log: func(r *http.Request, err error) { // no address: links are in it
			log.Error("request failed", "method", r.Method, "route", r.Pattern, "error", err.Error())
		},
	})
	if err != nil {
		return nil, err
	}
	p.Guard(g)
	return seen.Handler(g), nil
}

// administratorLink makes the link that a start prints, in place of those that
// earlier starts printed and nobody used.
func administratorLink(ctx context.Context, s *store.Store, k *access.Key) (string, error) {
	if err := s.RevokeUnused(ctx, 0, store.Site); err != nil {
		return "", err
	}
	l := store.Link{Venue: store.Site, Role: store.Administrator, Label: "administrator", Once: true, Expires: time.Now().Add(firstLink)}
	token := k.NewLink(l)
	_, err := s.AddLink(ctx, 0, l, store.HashOf(token))
	return token, err
}
