package cli

import "testing"

func TestOffer(t *testing.T) {
	for _, tt := range []struct {
		hint     string
		programs []string
		want     string
	}{
		{"ask", nil, "ask"}, {"", nil, ""}, {"ask", []string{"podman", "docker"}, "ask; or run it in containers: repro run --on podman"},
		{"", []string{"docker"}, "run it in containers: repro run --on docker"},
	} {
		if got := offer(tt.hint, tt.programs); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
