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
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"repro/gateway/access"
	"repro/gateway/pages"
	"repro/gateway/store"
)

const (
	firstLink    = 24 * time.Hour   // how long the administrator's link is valid
	shutdownTime = 10 * time.Second // for requests that are being answered
	maxHeader    = 64 << 10         // bytes
)

const usage = `usage: repro-gateway serve [--data FOLDER] [--listen ADDRESS:PORT] [--origin URL]

Starts a gateway and prints its address and a link with which one person becomes
its administrator. All that it knows is in the folder.
`

// Main runs the command line args, whose first element is the program's name,
// and returns its exit status: those of repro.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(args, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "repro-gateway: error: %v\n\n%s", err, usage)
		return 2
	}
	if err := Serve(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "repro-gateway: error: %v\n", err)
		return 1
	}
	return 0
}

// Options say how a gateway is served.
type Options struct {
	Data   string // folder
	Listen string // address and port
	Origin string // what browsers reach it by; empty: http and the address it listens on
}

func parse(args []string, stderr io.Writer) (o Options, err error) {
	if len(args) < 2 || args[1] != "serve" {
		return o, errors.New("name a command: serve")
	}
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.Data, "data", "gateway-data", "")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8380", "")
	f.StringVar(&o.Origin, "origin", "", "")
	if err := f.Parse(args[2:]); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("serve: %q: takes no arguments", f.Arg(0))
	}
	if o.Origin != "" {
		u, err := url.Parse(o.Origin)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" || u.User != nil {
			return o, fmt.Errorf("--origin: %q: is not like https://gateway.example", o.Origin)
		}
		o.Origin = u.Scheme + "://" + u.Host
	}
	return o, nil
}

// Serve serves a gateway until ctx ends, then finishes the requests that it is
// answering. It prints its address and the administrator's link to stdout, and
// its log, as JSON, to stderr.
func Serve(ctx context.Context, o Options, stdout, stderr io.Writer) error {
	s, err := store.Open(ctx, o.Data, store.Options{})
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
	h, err := handler(s, k, o.Origin, slog.New(slog.NewJSONHandler(stderr, nil)))
	if err != nil {
		return err
	}
	link, err := administratorLink(ctx, s, k)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "gateway        %s\nadministrator  %s\n               for one use within %d hours\n", o.Origin, pages.JoinAddress(o.Origin, link), int(firstLink.Hours()))
	return serve(ctx, l, h)
}

// serve answers requests until ctx ends.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
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
func handler(s *store.Store, k *access.Key, origin string, log *slog.Logger) (http.Handler, error) {
	p := pages.New(s, k, origin)
	handlers := p.Handlers()
	handlers["GET /healthz"] = func(w http.ResponseWriter, r *http.Request, _ access.Visit) error {
		if err := s.Ping(r.Context()); err != nil {
			return err
		}
		_, err := io.WriteString(w, "ok\n")
		return err
	}
	g, err := access.New(s, k, handlers, access.Options{
		Secure: strings.HasPrefix(origin, "https:"),
		Fail:   pages.Fail,
		Log: func(r *http.Request, err error) { // no address: links are in it
			log.Error("request failed", "method", r.Method, "route", r.Pattern, "error", err.Error())
		},
	})
	if err != nil {
		return nil, err
	}
	p.Guard(g)
	return g, nil
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
