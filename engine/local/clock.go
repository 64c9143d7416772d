package local

import (
	"strings"
	"time"
)

// stillClock returns the variables with which libfaketime, preloaded, shows
// programs a clock that stands still at the date of the paper. Clocks that
// measure durations go on, or a loop that waits would not end.
func stillClock(library, date, preload string) map[string]string {
	t, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return nil
	}
	return map[string]string{
		"LD_PRELOAD":                   strings.TrimSuffix(library+":"+preload, ":"),
		"FAKETIME":                     t.UTC().Format(time.DateTime),
		"FAKETIME_DONT_FAKE_MONOTONIC": "1",
		"FAKETIME_NO_CACHE":            "1",
		"NO_FAKE_STAT":                 "1", // times of files are those of the layers, or of the run
	}
}
