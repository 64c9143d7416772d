// Command repro builds, signs, verifies and re-runs images of published
// computational results.
package main

import (
	"os"

	"repro/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
