// Command repro-gateway serves images of published computational results to
// the people of a journal, a course or a department.
package main

import (
	"os"

	"repro/gateway"
)

func main() {
	os.Exit(gateway.Main(os.Args, os.Stdout, os.Stderr))
}
