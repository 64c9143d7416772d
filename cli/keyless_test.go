package cli_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"repro/verify/bundle/bundletest"
)

// keyless plays repro-keyless with a sigstore in memory, which lives for one
// call: it signs standard input and leaves the root to trust beside. The real
// program is a module of its own and has its own tests.
func keyless() {
	at := time.Now().UTC().Truncate(time.Second)
	s := bundletest.New("log.example", at.AddDate(-1, 0, 0), at.AddDate(1, 0, 0))
	message, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = os.WriteFile("root.json", s.TrustedRoot(), 0o644)
	}
	if err != nil || os.Getenv("KEYLESS") == "" {
		fmt.Fprintln(os.Stderr, "the provider says no", err)
		fmt.Fprintln(os.Stderr, "called with", strings.Join(os.Args[1:], " "))
		os.Exit(1)
	}
	b := s.Sign(bundletest.Signing{Subject: bundletest.Subject, Provider: bundletest.Provider, At: at.Add(-5 * time.Minute), Payload: message, Log: 2, Stamped: true})
	_, _ = os.Stdout.Write(b.Encode())
}

// bundled makes FILE.json, a bundle over FILE by the usual identity, and the
// root to trust in root.json: bundled FILE.
func bundled(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bundled FILE")
	}
	message, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	at := time.Now().UTC().Truncate(time.Second).Add(-5 * time.Minute)
	s := bundletest.New("log.example", at.AddDate(-1, 0, 0), at.AddDate(1, 0, 0))
	b := s.Sign(bundletest.Signing{Subject: bundletest.Subject, Provider: bundletest.Provider, At: at, Payload: message, Log: 1, Stamped: true})
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".json"), b.Encode(), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("root.json"), s.TrustedRoot(), 0o644))
}
