//go:build !linux

package main

import "errors"

func bareRoot([]string) error { return errors.New("capture.bare: works on Linux only") }
