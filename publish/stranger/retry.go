package stranger

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// MayPass reports whether a server that answered with this status may answer
// otherwise a little later.
func MayPass(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented:
		return false
	}
	return status >= 500
}

// AskedToWait returns how long a server asks to wait: Retry-After (RFC 9110 section
// 10.2.3), or what Zenodo says when there were too many requests. 0 if it does not.
func AskedToWait(h http.Header, now time.Time) time.Duration {
	after := h.Get("Retry-After")
	if n, err := strconv.ParseUint(after, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(0, at.Sub(now))
	}
	if n, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && h.Get("X-RateLimit-Remaining") == "0" {
		return max(0, time.Unix(n, 0).Sub(now))
	}
	return 0
}

// Wait waits d before the request that failed with err is made again, or as long as
// the server asked to wait with that. It ends with an error that wraps err if that
// is longer than most, and with that of ctx.
func Wait(ctx context.Context, d, asked, most time.Duration, err error) error {
	if asked > most {
		return fmt.Errorf("%w: it asks to wait for %s: try again then", err, asked.Round(time.Second))
	}
	if asked > 0 {
		d = asked
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
