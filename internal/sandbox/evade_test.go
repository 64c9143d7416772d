//go:build linux && (amd64 || arm64)

package sandbox

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTimeHolds lets programs try to run on when their time is over.
func TestTimeHolds(t *testing.T) {
	const mark = "87654.321"
	for name, script := range map[string]string{
		"waits":                       "sleep MARK",
		"works":                       "awk 'BEGIN { while (1) n++ }'",
		"ignores signals":             "trap '' TERM INT HUP QUIT; while :; do sleep 1; done",
		"answers signals with itself": "trap 'sleep MARK' TERM INT; sleep MARK",
		"in a session of its own":     "setsid sleep MARK & wait",
		"orphans":                     "(setsid sh -c 'sleep MARK &' &); sleep MARK",
		"begins again and again":      "f() { sleep 0.1; f & wait; }; f",
		"stands still":                "kill -STOP $$; sleep MARK",
		"stops its children":          "sleep MARK & kill -STOP $!; wait",
		"becomes others":              "exec sh -c 'exec sh -c \"exec sleep MARK\"'",
		"floods":                      "while :; do echo x; done",
	} {
		c, _ := newCommand(t, strings.ReplaceAll(script, "MARK", mark))
		c.Limits.Time = 700 * time.Millisecond
		r, err := Run(t.Context(), c)
		if err != nil || !r.TimedOut || r.Wall < c.Limits.Time || r.Wall > 30*time.Second {
			t.Errorf("%s: %+v %v", name, r, err)
		}
		if left := processesWith(mark); len(left) > 0 {
			t.Errorf("%s: %q are left", name, left)
		}
	}
	c, out := newCommand(t, "(setsid sleep "+mark+" &); echo over")
	if r, err := Run(t.Context(), c); err != nil || r.TimedOut || out.String() != "over\n" || len(processesWith(mark)) > 0 {
		t.Errorf("what outlives the program: %+v %v %s", r, err, out)
	}
}

// TestProcessesHold lets programs try to have more processes than they may.
func TestProcessesHold(t *testing.T) {
	const limit = 40
	for name, start := range map[string]string{
		"children":       "sleep 1000 &",
		"sessions":       "setsid sleep 1000 &",
		"orphans":        "(sleep 1000 &);",
		"orphans' heirs": "(setsid sh -c 'sleep 1000 & sleep 1000 &' &);",
		"shells":         "sh -c 'sleep 1000; true' &",
		"pipes":          "sleep 1000 | sleep 1000 | sleep 1000 &",
	} {
		// Shells give up when they cannot fork; one that does not goes on.
		c, out := newCommand(t, "for i in 1 2 3; do (i=0; while [ $i -lt 60 ]; do "+start+" i=$((i+1)); done) 2>/dev/null; done; set -- /proc/[0-9]*; echo $#")
		c.Limits.Processes, c.Limits.Time = limit, time.Minute
		_, err := Run(t.Context(), c)
		n, numErr := strconv.Atoi(strings.TrimSpace(out.String()))
		if err != nil || numErr == nil && n > limit+1 { // and process 1, which is not the program's
			t.Errorf("%s: %v, %q processes, want at most %d", name, err, out, limit)
		}
		if numErr != nil {
			t.Logf("%s: could not even count: %q", name, out)
		}
	}
}

// TestDiskHolds lets programs try to take more of a disk than they may, or seem to.
func TestDiskHolds(t *testing.T) {
	const limit = 24 << 20
	fill := func(to string) string { return "dd if=/dev/zero bs=1048576 count=48 2>/dev/null " + to }
	for name, script := range map[string]string{
		"appended":              "for i in 1 2 3 4; do dd if=/dev/zero bs=1048576 count=12 2>/dev/null >>x; done",
		"in /tmp":               fill(">/tmp/x"),
		"in a deep folder":      "d=.; i=0; while [ $i -lt 60 ]; do d=$d/d; i=$((i+1)); done; mkdir -p $d; " + fill(">$d/x"),
		"by many":               "for i in 1 2 3 4; do dd if=/dev/zero of=x$i bs=1048576 count=12 2>/dev/null & done; wait",
		"renamed on and on":     "i=0; while [ $i -lt 12 ]; do dd if=/dev/zero of=a bs=1048576 count=4 2>/dev/null; mv a b$i; i=$((i+1)); done",
		"removed, of children":  "(exec 3>x; rm x; dd if=/dev/zero bs=1048576 count=48 >&3 2>/dev/null; sleep 1000) & sleep 1000",
		"behind a hole":         "dd if=/dev/zero of=x bs=1048576 seek=100000 count=48 2>/dev/null",
		"in a closed directory": "mkdir d; chmod 0 d; chmod 0300 d; " + fill(">d/x") + "; chmod 0 d",
	} {
		c, out := newCommand(t, script+"; sleep 1000")
		c.Limits = Limits{Disk: limit, Time: time.Minute}
		if r, err := Run(t.Context(), c); err != nil || !r.OverDisk {
			t.Errorf("%s: %+v %v %s", name, r, err, out)
		}
	}
	c, out := newCommand(t, "dd if=/dev/zero of=x bs=1 seek=100000000000 count=1 2>/dev/null; sleep 0.4; echo done")
	c.Limits = Limits{Disk: limit, Time: time.Minute}
	if r, err := Run(t.Context(), c); err != nil || r.OverDisk || out.String() != "done\n" {
		t.Errorf("a hole is no disk: %+v %v %s", r, err, out)
	}
}
