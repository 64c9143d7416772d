package main

import (
	"context"
	"fmt"

	"repro/internal/sandbox"
)

func init() {
	benches["run.directory"] = runDirectory
}

// runDirectory runs /bin/true on a directory, writes going to an overlay.
func runDirectory(args []string) error {
	if err := sandbox.Prepare(args[1]); err != nil {
		return err
	}
	result, err := sandbox.Run(context.Background(), sandbox.Command{
		Lower: []string{args[0]}, Scratch: args[1], Args: []string{"/bin/true"}, Dir: "/",
	})
	if err == nil && result.Status() != 0 {
		err = fmt.Errorf("/bin/true ended with status %d", result.Status())
	}
	return err
}
