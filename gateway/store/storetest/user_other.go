//go:build !unix

package storetest

import (
	"syscall"
	"testing"
)

func asPostgres(testing.TB, string) *syscall.SysProcAttr { return nil }
