package local

import (
	"maps"
	"runtime"
	"slices"
	"strings"

	"repro/format/manifest"
)

// environ returns the whole environment of a step, NAME=value, in byte order.
// Date is the paper's; clock is the path of libfaketime in the image, if it has
// one.
func environ(s manifest.Step, date, clock string) []string {
	env := s.Environ(date, runtime.GOARCH)
	if clock != "" && slices.Contains(s.Fixed, manifest.FixedClock) {
		maps.Copy(env, stillClock(clock, date, env["LD_PRELOAD"]))
	}
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// variable returns the value of a variable in env.
func variable(env []string, name string) string {
	for _, e := range env {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value
		}
	}
	return ""
}
