package outputs

import (
	"strings"

	"repro/format/manifest"
)

// LogName is the file name of a step's log. Names of steps are words by the
// rules of recipes; a hostile manifest may hold any.
func LogName(step string) string {
	safe := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.", c) {
			return c
		}
		return '_'
	}, step)
	if safe == "" || safe != step || strings.HasPrefix(safe, ".") || len(safe) > 100 {
		safe = safe[:min(len(safe), 60)] + "-" + manifest.DigestOf([]byte(step)).Short()
	}
	return strings.TrimLeft(safe, ".-") + ".log"
}
