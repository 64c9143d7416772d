package run

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"repro/record"
)

// home is a directory that is empty when a step starts and gone when it ends.
const home = "/tmp/home"

// user is the name under which the steps' user is found in /etc/passwd.
const user = "user"

// environ is the whole environment of a step: the fixed variables of SPEC.md,
// RUN-7, and the step's own on top. date is the paper's.
func environ(s record.Step, date string) []string {
	threads := strconv.Itoa(max(1, s.CPUs))
	env := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME": home, "USER": user, "LOGNAME": user, "SHELL": "/bin/sh",
		"PWD": s.Dir, "TMPDIR": "/tmp", "TERM": "dumb",

		// What results should not depend on.
		"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC",
		"PYTHONHASHSEED": "0", "MPLBACKEND": "Agg",
		"PYTHONDONTWRITEBYTECODE": "1",

		// Sums are added up in another order by another number of threads.
		"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads,
		"BLIS_NUM_THREADS": threads, "NUMEXPR_NUM_THREADS": threads, "JULIA_NUM_THREADS": threads,
	}
	if t, err := time.Parse(time.RFC3339, date); err == nil {
		env["SOURCE_DATE_EPOCH"] = strconv.FormatInt(t.Unix(), 10)
	}
	maps.Copy(env, pinned(s))
	maps.Copy(env, s.Env)
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}
