package gateway

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
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
	defaultData   = "gateway-data"
	defaultListen = "127.0.0.1:8380"
)

const usage = `usage: repro-gateway serve  [--data FOLDER] [--listen ADDRESS:PORT] [--origin URL] [--proxied]
                            [--database ADDRESS]
                            [--workers N] [--cpus N] [--memory SIZE] [--time DURATION]
                            [--on ENGINE] [--engine-option OPTION]...
       repro-gateway work   [--data FOLDER] [--name NAME] [--cpus N] ... as serve
       repro-gateway venue  [--data FOLDER] [--quota GIB] [--share GIB] ID NAME
       repro-gateway invite [--data FOLDER] [--origin URL] [--days N] VENUE ROLE NAME
       repro-gateway venue-key [--data FOLDER] VENUE
       repro-gateway backup [--data FOLDER] FILE
       repro-gateway restore [--data FOLDER] [--database ADDRESS] FILE
       repro-gateway audit [--data FOLDER] [--check FILE]
       repro-gateway provider [--data FOLDER] [--secret FILE] [--scopes S,S] ID NAME ISSUER CLIENT

serve starts a gateway and prints its address and a link with which one person
becomes its administrator; venue adds a venue; invite makes a link that gives
somebody a role there: administrator, editor, author, reviewer or reader; venue-key
makes a key by which a venue signs what reviewers say; provider lets people sign in
by OpenID Connect. Images are run again by workers: serve starts N of them (1), and
work is a further one, which may be on another machine that sees the folder; a run
gets what the flags say. backup writes all that a gateway knows, while it works, and
restore makes a new folder of it; audit prints the log of all changes, or checks that
it goes on from one that was printed before. --proxied is for a gateway behind a web
server that says in X-Forwarded-For who asks. With --database, several gateways that
see one folder share a database of PostgreSQL, postgres://USER@HOST/NAME, which the
folder remembers. All that a gateway knows is in the folder;
whoever can write there is its administrator.
`

// errUsage is in the error about a command line that says nothing that can be done.
var errUsage = errors.New("wrong usage")

func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errUsage, fmt.Errorf(format, args...))
}

// Main runs the command line args, whose first element is the program's name,
// and returns its exit status: those of repro.
func Main(args []string, stdout, stderr io.Writer) int {
	if len(args) > 2 && args[1] == "--quiet" || len(args) > 1 && args[1] == "run" { // a worker's, or an engine's
		return repro(args[1:], stdout, stderr)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command(ctx, args[1:], stdout, stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(stderr, "repro-gateway: error: %v\n\n%s", err, usage)
		return 2
	}
	fmt.Fprintf(stderr, "repro-gateway: error: %v\n", err)
	return 1
}

func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return usagef("name a command")
	}
	switch args[0] {
	case "help", "--help", "-help", "-h":
		return flag.ErrHelp
	case "serve":
		o, err := parseServe(args[1:])
		if err != nil {
			return err
		}
		return Serve(ctx, o, stdout, stderr)
	case "work":
		return work(ctx, args[1:], stderr)
	case "venue":
		return addVenue(ctx, args[1:], stdout)
	case "invite":
		return invite(ctx, args[1:], stdout)
	case "backup":
		return backup(ctx, args[1:], stdout)
	case "restore":
		return restore(ctx, args[1:], stdout)
	case "audit":
		return audit(ctx, args[1:], stdout)
	case "venue-key":
		return venueKey(ctx, args[1:], stdout)
	case "provider":
		return addProvider(args[1:], stdout)
	}
	return usagef("%q is not a command", args[0])
}

func flags(data *string) *flag.FlagSet {
	f := flag.NewFlagSet("", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(data, "data", defaultData, "")
	return f
}

func parse(f *flag.FlagSet, args []string, want int) error {
	if err := f.Parse(args); err != nil {
		return usagef("%w", err)
	}
	if f.NArg() != want {
		return usagef("%d arguments, not %d", f.NArg(), want)
	}
	return nil
}

func parseServe(args []string) (o Options, err error) {
	f := flags(&o.Data)
	f.StringVar(&o.Listen, "listen", defaultListen, "")
	f.StringVar(&o.Origin, "origin", "", "")
	f.BoolVar(&o.Proxied, "proxied", false, "")
	f.StringVar(&o.Database, "database", "", "")
	f.IntVar(&o.Workers, "workers", 1, "")
	limitFlags(f, &o.Runs)
	if err := parse(f, args, 0); err != nil {
		return o, err
	}
	if o.Workers < 0 || o.Workers > maxWorkers {
		return o, usagef("--workers: %d: is not from 0 to %d", o.Workers, maxWorkers)
	}
	if err := checkLimits(o.Runs); err != nil || o.Origin == "" {
		return o, err
	}
	o.Origin, err = parseOrigin(o.Origin)
	return o, err
}

func parseOrigin(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" || u.User != nil {
		return "", usagef("--origin: %q: is not like https://gateway.example", s)
	}
	return u.Scheme + "://" + u.Host, nil
}

func addVenue(ctx context.Context, args []string, stdout io.Writer) error {
	var data string
	f := flags(&data)
	quota, share := f.Int64("quota", 100, ""), f.Int64("share", 0, "")
	if err := parse(f, args, 2); err != nil {
		return err
	}
	if *quota < 1 || *quota > 1<<20 {
		return usagef("--quota: %d: is not from 1 to %d", *quota, 1<<20)
	}
	if *share < 0 || *share > *quota {
		return usagef("--share: %d: is not from 0 to the quota", *share)
	}
	s, err := store.Open(ctx, data, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.AddVenue(ctx, 0, store.Venue{ID: f.Arg(0), Name: f.Arg(1), Quota: *quota << 30, Personal: *share << 30}); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "added /v/%s\n", f.Arg(0))
	return nil
}

func invite(ctx context.Context, args []string, stdout io.Writer) error {
	var data string
	f := flags(&data)
	origin, days := f.String("origin", "http://"+defaultListen, ""), f.Int("days", 60, "")
	if err := parse(f, args, 3); err != nil {
		return err
	}
	address, err := parseOrigin(*origin)
	if err != nil {
		return err
	}
	if *days < 1 || *days > pages.MaxDays {
		return usagef("--days: %d: is not from 1 to %d", *days, pages.MaxDays)
	}
	s, err := store.Open(ctx, data, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	k, err := access.OpenKey(s.Dir())
	if err != nil {
		return err
	}
	l := store.Link{Venue: f.Arg(0), Role: store.Role(f.Arg(1)), Label: f.Arg(2), Expires: time.Now().Add(time.Duration(*days) * 24 * time.Hour)}
	token := k.NewLink(l)
	if _, err := s.AddLink(ctx, 0, l, store.HashOf(token)); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "link   %s\ntoken  %s\n", pages.JoinAddress(address, token), token)
	return nil
}
