//go:build !linux

package main

import "errors"

func (b *enginesBench) spread() error { return errors.New("takes Linux") }
