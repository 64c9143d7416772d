// Package filestat reads from a file's attributes what package os does not
// offer on every system: who owns it, whether it was touched, whether it is an
// overlay's whiteout.
package filestat
