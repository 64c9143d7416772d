package cli

import "os"

// notifyResize does nothing: programs are run on Linux only.
func notifyResize(chan<- os.Signal) {}
