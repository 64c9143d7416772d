package report

import "testing"

func TestAdvice(t *testing.T) {
	threads := []string{"threads"}
	for _, c := range []struct {
		r    ResultSpread
		want string
	}{
		{ResultSpread{Causes: threads, Norm: "3.2e-15"}, "norm: 1e-13"},
		{ResultSpread{Causes: threads, Norm: "9.9e-6"}, "norm: 1e-4"},
		{ResultSpread{Causes: threads, Norm: "1.0e-5"}, ""}, // too far for rounding
		{ResultSpread{Causes: threads, Digits: "12.9"}, "relative: 1e-11"},
		{ResultSpread{Causes: threads, Digits: "6.0"}, "relative: 1e-5"},
		{ResultSpread{Causes: threads, Digits: "5.9"}, ""},
		{ResultSpread{Causes: threads}, ""},
		{ResultSpread{Norm: "3.2e-15"}, ""},
		{ResultSpread{Causes: threads, Norm: "3.2e-15", Random: true}, ""},
		{ResultSpread{Causes: threads, Norm: "3.2e-15", Other: "line 1 differs"}, ""},
	} {
		if got := c.r.Advice(); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.r, got, c.want)
		}
	}
}
