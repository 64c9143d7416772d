// Package inside is process 1 of a sandbox: it builds the root, starts the
// program, waits and reports.
//
// A sandbox's process 1 is this very executable, started again in new
// namespaces. It never reaches main: it is this package, when it is
// initialised, that does all the work. Go initialises the packages of a program
// in the order of their names, each as soon as those that it imports are. So
// this one imports nothing that waits for package unicode, as strings, fmt and
// all encodings do, and comes before nearly everything else: a sandbox starts
// in a third of the time. A test holds it to that.
//
// The other side is package sandbox.
package inside
