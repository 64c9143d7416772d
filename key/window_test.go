package key_test

import (
	"testing"
	"time"

	"repro/key"
)

// TestWindow asks of each window about the seconds on both sides of its ends.
func TestWindow(t *testing.T) {
	const first, last = "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"
	for _, c := range []struct {
		from, until string
		text        string
		in, out     []string
	}{
		{"", "", "always", []string{first, last, "0001-01-01T00:00:00Z"}, nil},
		{"2026-03-01", "", "from " + first, []string{first, "2026-03-01T00:00:01Z"}, []string{"2026-02-28T23:59:59Z"}},
		{"", "2026-03-31", "before " + last, []string{"2026-03-31T00:00:00Z", "2026-03-31T23:59:59Z"}, []string{last}},
		{"2026-03-01", "2026-03-01", "from " + first + ", before 2026-03-02T00:00:00Z",
			[]string{first, "2026-03-01T23:59:59Z"}, []string{"2026-02-28T23:59:59Z", "2026-03-02T00:00:00Z"}},
		{first, last, "from " + first + ", before " + last,
			[]string{first, "2026-03-31T23:59:59Z"}, []string{"2026-02-28T23:59:59Z", last, "2026-04-01T00:00:01Z"}},
		{"2026-03-01T02:00:00+02:00", "", "from " + first, []string{first}, []string{"2026-02-28T23:59:59Z"}},
	} {
		w, err := key.ParseWindow(c.from, c.until)
		if err != nil {
			t.Errorf("%q until %q: %v", c.from, c.until, err)
			continue
		}
		if w.String() != c.text {
			t.Errorf("%q until %q: %q, want %q", c.from, c.until, w, c.text)
		}
		for _, s := range c.in {
			if !w.Contains(at(t, s)) {
				t.Errorf("%s does not contain %s", w, s)
			}
		}
		for _, s := range c.out {
			if w.Contains(at(t, s)) {
				t.Errorf("%s contains %s", w, s)
			}
		}
	}
	for _, c := range [][2]string{
		{"yesterday", ""}, {"", "2026-02-30"}, {"2026-03-02", "2026-03-01"}, {first, first}, {"2026-03-01T00:00:00", ""},
	} {
		if w, err := key.ParseWindow(c[0], c[1]); err == nil {
			t.Errorf("%q until %q is read as %s", c[0], c[1], w)
		}
	}
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return when
}
