package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	form "repro/format/bundle"
	"repro/verify/bundle"
	"repro/verify/bundle/bundletest"
)

// benchOffline measures how long it takes without a network to check what somebody
// without a key file signed: certificate, log and time. One bundle is an attestation
// of 8 KiB in a log of a million entries, and some are what servers of sigstore made.
func benchOffline(args []string) error {
	flags := flag.NewFlagSet("offline", flag.ContinueOnError)
	rounds := flags.Int("rounds", 200, "checks of each")
	from := flags.String("made", "verify/bundle/testdata/loopback", "folder of bundles that servers made")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := madeByServers(*from)
	if err != nil {
		return err
	}
	all = append(all, attestedInLog())
	var goals []goal
	for _, o := range all {
		took, err := o.time(max(1, *rounds))
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		fmt.Printf("%s: the first check %.2f ms, the slowest %.2f ms\n", o.name, milliseconds(took[0]), milliseconds(slices.Max(took)))
		slices.Sort(took)
		goals = append(goals, goal{measure: "check offline: " + o.name, got: milliseconds(took[len(took)/2]), want: 5, unit: " ms"})
	}
	return printGoals(os.Stdout, goals)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// offline is a bundle and what it takes to check it.
type offline struct {
	name         string
	bundle, root []byte
	message      []byte // nil: it is in the bundle
	by           bundle.Identity
}

// time checks the bundle again and again, each time from its bytes and those of the
// trusted root. A check that fails, or of which certificate, log or time is missing,
// does not count as one.
func (o offline) time(rounds int) (took []time.Duration, err error) {
	now := time.Now()
	for range rounds {
		start := time.Now()
		b, err := form.Parse(o.bundle)
		if err != nil {
			return nil, err
		}
		root, err := bundle.ParseRoot(o.root)
		if err != nil {
			return nil, err
		}
		r, err := bundle.Verify(b, o.message, bundle.Trust{Root: root, Identities: []bundle.Identity{o.by}}, now)
		took = append(took, time.Since(start))
		if err != nil {
			return nil, err
		}
		if r.Identity != o.by || len(r.Logs) == 0 || len(r.Times) == 0 {
			return nil, errors.New("not signed with certificate, log and time")
		}
	}
	return took, nil
}

// madeByServers reads the bundles that servers of sigstore made.
func madeByServers(dir string) (all []offline, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.sigstore.json"))
	if err != nil || len(names) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s: no bundles", dir))
	}
	for _, name := range names {
		stem := strings.TrimSuffix(name, ".sigstore.json")
		var parts [4][]byte
		for i, suffix := range []string{".sigstore.json", ".root.json", ".message", ".identity"} {
			if parts[i], err = os.ReadFile(stem + suffix); err != nil {
				return nil, err
			}
		}
		issuer, subject, _ := strings.Cut(strings.TrimSpace(string(parts[3])), " ")
		all = append(all, offline{"signature by servers, " + filepath.Base(stem), parts[0], parts[1], parts[2], bundle.Identity{Issuer: issuer, Subject: subject}})
	}
	return all, nil
}

// attestedInLog makes an attestation that is one of a million entries of a log.
func attestedInLog() offline {
	at := time.Now().Add(-time.Hour)
	s := bundletest.New("log.example", at.AddDate(-1, 0, 0), at.AddDate(10, 0, 0))
	b := s.Sign(bundletest.Signing{
		Subject: bundletest.Subject, Provider: bundletest.Provider, At: at, Type: "application/vnd.in-toto+json",
		Payload: make([]byte, 8<<10), Log: 1, Stamped: true, Leaves: 1_000_000,
	})
	return offline{"attestation of 8 KiB in a log of 1,000,000", b.Encode(), s.TrustedRoot(), nil, bundle.Identity{Issuer: bundletest.Provider, Subject: bundletest.Subject}}
}
