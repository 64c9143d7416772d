package main

import (
	"slices"
	"testing"
	"time"
)

func TestIdealTime(t *testing.T) {
	for _, c := range []struct {
		steps, processors int
		want              time.Duration
	}{{24, 6, 40 * time.Second}, {25, 6, 50 * time.Second}, {1, 6, 10 * time.Second}, {6, 6, 10 * time.Second}} {
		if got := idealTime(c.steps, c.processors, 10*time.Second); got != c.want {
			t.Errorf("%d steps on %d processors: %v, want %v", c.steps, c.processors, got, c.want)
		}
	}
}

func TestOverhead(t *testing.T) {
	runs := func(seconds ...time.Duration) *subject {
		s := &subject{}
		for _, d := range seconds {
			s.runs = append(s.runs, measure{wall: d * time.Second})
		}
		return s
	}
	a, b := runs(9, 5, 7), runs(1, 3, 2)
	if got := overhead(a, b, 4, least); got != 1000 {
		t.Errorf("by the best runs %v ms, want 1000", got)
	}
	if got := overhead(a, b, 4, (*subject).wall); got != 1250 {
		t.Errorf("by the medians %v ms, want 1250", got)
	}
}

// Root runs things as another user, who has the folder.
func TestByUser(t *testing.T) {
	b := &enginesBench{dir: "/work"}
	s := b.byUser("x", "echo", "a b")
	if n := len(s.argv); n < 2 || !slices.Equal(s.argv[n-2:], []string{"echo", "a b"}) || !slices.Contains(s.env, "HOME=/work") {
		t.Errorf("%+v", s)
	}
}
