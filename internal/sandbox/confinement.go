package sandbox

import "io"

// Confinement is a program that runs in a container which somebody else has built
// around this process. Nothing is built around it any more: it gets no privileges,
// the filter of system calls, limits, and no way to open what lies in Hidden.
type Confinement struct {
	Hidden string // a folder right below /

	Args []string // the first is looked up in Env's PATH
	Dir  string   // absolute; made when missing
	Env  []string // the whole environment, NAME=value

	Inputs  []string // absolute paths that must exist before the program starts
	Outputs []string // absolute paths whose parent directories are made

	Limits Limits
	CPUs   []int // processors that the program may use; nil: all

	FixedAddresses bool
	Stdout, Stderr io.Writer // nil: discarded
}
