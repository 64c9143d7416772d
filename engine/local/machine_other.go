//go:build !linux

package local

import "runtime"

func cpuModel() string      { return "" }
func memorySize() int64     { return 0 }
func kernelVersion() string { return runtime.GOOS }

func scratchKind(string) string { return "disk" }
