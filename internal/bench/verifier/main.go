// Command verifier is the least program that verifies images with all that
// package verify can do. Its size is a goal: see script/bench verify.
package main

import (
	"context"
	"fmt"
	"os"

	"repro/format"
	"repro/format/manifest"
	"repro/key"
	"repro/key/store"
	"repro/report"
	"repro/verify"
	"repro/verify/policy"
)

func main() {
	rep, err := check(os.Args[1:])
	if rep != nil {
		b, _ := manifest.Marshal(rep)
		fmt.Printf("%s\n", b)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "verifier:", err)
		os.Exit(1)
	}
}

// check verifies the image that is named last by the policy or the keys before
// it.
func check(args []string) (*report.Verify, error) {
	if len(args) < 2 {
		return nil, fmt.Errorf("usage: verifier POLICY|KEY... IMAGE")
	}
	var trust verify.Trust
	for _, name := range args[:len(args)-1] {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		p, err := key.ParsePublic(b)
		if err == nil {
			trust.Add(p, "", key.Window{})
		} else if trust.Policy, err = policy.Parse(name, b); err != nil {
			return nil, err
		}
	}
	if trust.Policy != nil {
		dir, err := store.Dir()
		if err != nil {
			return nil, err
		}
		err = trust.Policy.Resolve(func(f key.Fingerprint) (*key.Public, error) {
			e, _ := store.Open(dir).Find(string(f))
			return e.Public, nil
		})
		if err != nil {
			return nil, err
		}
	}
	im, err := format.Open(args[len(args)-1])
	if err != nil {
		return nil, err
	}
	defer im.Close()
	return verify.Image(context.Background(), im, trust, verify.Options{})
}
