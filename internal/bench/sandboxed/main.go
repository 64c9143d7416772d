// Command sandboxed is the least program that runs another in a sandbox, on a
// directory, writes going to an overlay: sandboxed DIRECTORY SCRATCH PROGRAM...
// How long it takes is a goal: see script/bench run.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"repro/internal/rmtree"
	"repro/internal/sandbox"
)

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandboxed:", err)
		os.Exit(1)
	}
	os.Exit(status)
}

func run(args []string) (int, error) {
	if len(args) < 3 {
		return 0, errors.New("want sandboxed DIRECTORY SCRATCH PROGRAM [ARG]")
	}
	process := sandbox.Begin(false)
	defer process.Close()
	if err := sandbox.Prepare(args[1]); err != nil {
		return 0, err
	}
	result, err := sandbox.Run(context.Background(), sandbox.Command{
		Lower: args[:1], Scratch: args[1], Args: args[2:], Dir: "/", Process: process,
		Stdout: os.Stdout, Stderr: os.Stderr,
	})
	if err != nil {
		return 0, err
	}
	return result.Status(), rmtree.Remove(args[1])
}
