// Command testlog shows what `go test -json` says as it comes: a line for each
// package when it ends, the own output of every test that failed, and at the
// end what was skipped and why. Its status is 1 if a test failed, or, with
// -strict, if one was skipped whose name is not in the file -skips.
//
//	go test -json ./... | testlog [-strict] [-skips FILE]
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	strict := flag.Bool("strict", false, "a skipped test that -skips does not list is a failure")
	skips := flag.String("skips", "", "file of the tests that may be skipped, a name a line; # begins a comment")
	flag.Parse()
	allowed, err := readSkips(*skips)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(2)
	}
	l := newLog(os.Stdout)
	if err := l.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testlog:", err)
		os.Exit(1)
	}
	if !l.finish(*strict, allowed) {
		os.Exit(1)
	}
}

// readSkips reads the names of tests that may be skipped.
func readSkips(file string) (map[string]bool, error) {
	allowed := map[string]bool{}
	if file == "" {
		return allowed, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		name, _, _ := strings.Cut(line, "#")
		if name = strings.TrimSpace(name); name != "" {
			allowed[name] = true
		}
	}
	return allowed, nil
}
