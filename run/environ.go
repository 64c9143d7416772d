package run

import (
	"maps"
	"runtime"
	"slices"

	"repro/record"
)

// environ is the whole environment of a step as a process takes it, in byte
// order. date is the paper's.
func environ(s record.Step, date string) []string {
	env := s.Environ(date, runtime.GOARCH)
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}
