package key

import (
	"fmt"
	"time"
)

// Window is the time in which a key is trusted, from From (included) to Until
// (excluded). A zero time is an open end.
type Window struct{ From, Until time.Time }

// ParseWindow reads the two ends of a window: days such as 2026-03-01, or RFC
// 3339 times. A day as the first end means its first second, as the last end
// it is included. An empty text is an open end.
func ParseWindow(from, until string) (Window, error) {
	var w Window
	var err error
	if w.From, _, err = parseEnd(from); err != nil {
		return w, err
	}
	var day bool
	if w.Until, day, err = parseEnd(until); err != nil {
		return w, err
	}
	if day {
		w.Until = w.Until.AddDate(0, 0, 1)
	}
	if !w.From.IsZero() && !w.Until.IsZero() && !w.From.Before(w.Until) {
		return w, fmt.Errorf("window from %s until %s: it ends before it starts", from, until)
	}
	return w, nil
}

func parseEnd(s string) (t time.Time, day bool, err error) {
	if s == "" {
		return t, false, nil
	}
	if t, err = time.Parse(time.DateOnly, s); err == nil {
		return t, true, nil
	}
	if t, err = time.Parse(time.RFC3339, s); err != nil {
		return t, false, fmt.Errorf("time %q: want a day such as 2026-03-01, or a time such as 2026-03-01T12:00:00Z", s)
	}
	return t.UTC(), false, nil
}

// Contains reports whether t lies in w.
func (w Window) Contains(t time.Time) bool {
	return (w.From.IsZero() || !t.Before(w.From)) && (w.Until.IsZero() || t.Before(w.Until))
}

// String says for a person when that is.
func (w Window) String() string {
	switch from, until := w.From.Format(time.RFC3339), w.Until.Format(time.RFC3339); {
	case w == Window{}:
		return "always"
	case w.Until.IsZero():
		return "from " + from
	case w.From.IsZero():
		return "before " + until
	default:
		return "from " + from + ", before " + until
	}
}
