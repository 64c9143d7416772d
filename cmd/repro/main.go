// Command repro builds, signs, verifies and re-runs images of published
// computational results.
package main

import (
	"os"

	"repro/cli"
	"repro/internal/sandbox"
)

func main() {
	sandbox.Init() // does not return where this process is the inside of a sandbox
	os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
