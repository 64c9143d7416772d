//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"repro/internal/rmtree"
)

func TestWhatAProgramSees(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{"id -u; id -g", "1000\n1000\n"},
		{"pwd", "/paper\n"},
		{"hostname", "repro\n"},
		{"cat /proc/sys/kernel/hostname", "repro\n"},
		{"umask", "0022\n"},
		{"cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '", " 1000 1000 1\n 1000 1000 1\n"},
		{"cat /proc/self/setgroups", "deny\n"},
		{"grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|SigIgn|SigBlk|Seccomp):' /proc/self/status",
			"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n" +
				"CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"},
		{"ulimit -c; ulimit -n; ulimit -s", "0\n4096\n8192\n"},
		{"cd /proc/self/fd; for f in *; do readlink $f; done | grep -v -e pipe: -e ^/dev/null -e ^/proc/", ""},
		{"env | grep -v ^PWD=", "HOME=/tmp/home\nPATH=/usr/bin:/bin\nLC_ALL=C\n"},
		{"cd /proc; for p in [0-9]*; do test $p = 1 -o $p = $$ || test ! -d $p || echo $p; done", ""},
		{"grep -c . /proc/net/dev", "3\n"}, // two lines of heading, and lo
		{"cat /proc/cmdline /proc/sys/kernel/random/boot_id", ""},
		{"ls /run /tmp", "/run:\n\n/tmp:\nhome\n"},
		{"ls /sys 2>/dev/null; echo $?", "2\n"},
		{"echo x > /dev/null; echo y > /dev/shm/f; cat /dev/shm/f; touch /etc/new; ls /etc", "y\nnew\n"},
		{"awk '{ print ($1 >= 1000 && $1 < 1010) }' /proc/uptime", "1\n"},
		{"touch /dev/x 2>/dev/null || echo read-only", "read-only\n"},
		// What a wall around files must not stand in the way of.
		{"echo x > /dev/stdout; echo y >/dev/fd/1; echo z > /proc/self/fd/1", "x\ny\nz\n"},
		{"echo in | cat /dev/stdin; echo in | cat /dev/fd/0", "in\nin\n"},
		{"mkdir -p a b; echo 1 > a/x; mv a/x b/y; ln b/y a/z; mv a /tmp/a; cat /tmp/a/z; mkfifo p; (echo 2 > p &); cat p", "1\n2\n"},
		{"ln /bin/sh /tmp/sh && /tmp/sh -c 'echo linked'; cp /bin/cat /dev/shm/cat && echo moved | /dev/shm/cat", "linked\nmoved\n"},
		{"test -t 0 || echo no terminal; (: </dev/tty) 2>/dev/null || echo no tty", "no terminal\nno tty\n"},
	} {
		out, r := run1(t, tt.script)
		if out != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q (exit %d)", tt.script, out, tt.want, r.Exit)
		}
	}
}

func TestExit(t *testing.T) {
	for _, tt := range []struct {
		script string
		exit   int
		signal string
	}{
		{"exit 0", 0, ""},
		{"exit 3", 3, ""},
		{"kill -9 $$", -1, "SIGKILL"},
		{"kill -SEGV $$", -1, "SIGSEGV"},
		{"for s in KILL TERM QUIT SEGV ABRT CHLD USR1 HUP STOP URG PIPE; do kill -$s 1; done; exit 5", 5, ""}, // process 1 does not listen
	} {
		_, r := run1(t, tt.script)
		if r.Exit != tt.exit || r.Signal != tt.signal {
			t.Errorf("%s: exit %d, signal %q", tt.script, r.Exit, r.Signal)
		}
	}
}

func TestStartErrors(t *testing.T) {
	c, _ := newCommand(t, "")
	c.Args = []string{"no-such-program"}
	_, err := Run(t.Context(), c)
	if _, ok := errors.AsType[*StartError](err); !ok || !errors.Is(err, os.ErrNotExist) && !strings.Contains(err.Error(), "not exist") {
		t.Errorf("missing program: %v", err)
	}
	c, _ = newCommand(t, "echo ran")
	c.Inputs = []string{"/bin/sh", "/paper/data.csv"}
	_, err = Run(t.Context(), c)
	if missing, ok := errors.AsType[*MissingError](err); !ok || len(missing.Paths) != 1 || missing.Paths[0] != "/paper/data.csv" {
		t.Errorf("missing input: %v", err)
	}
	for _, bad := range []Command{{}, {Args: []string{"x"}, Dir: "/"}, {Args: []string{"x"}, Lower: []string{"/"}, Dir: "rel"},
		{Args: []string{"x\x00"}, Lower: []string{"/"}, Dir: "/"}} {
		if _, err := Run(t.Context(), bad); err == nil {
			t.Errorf("%+v: accepted", bad)
		}
	}
}

func TestWritesGoToScratch(t *testing.T) {
	c, out := newCommand(t, "mkdir -p results && echo 1 > results/a && rm /bin/true && ! ls /bin/true 2>&1")
	c.Outputs = []string{"/deep/er/out"}
	if r, err := Run(t.Context(), c); err != nil || r.Exit != 0 {
		t.Fatalf("%+v %v\n%s", r, err, out)
	}
	if b, err := os.ReadFile(filepath.Join(Upper(c.Scratch), "paper/results/a")); err != nil || string(b) != "1\n" {
		t.Errorf("output: %q, %v", b, err)
	}
	if info, err := os.Stat(filepath.Join(Upper(c.Scratch), "deep/er")); err != nil || !info.IsDir() {
		t.Errorf("the directory of an output was not made: %v", err)
	}
	if _, err := os.Stat(filepath.Join(testRoot(t), "bin/true")); err != nil {
		t.Errorf("a layer was written to: %v", err)
	}
	// What one program wrote is a layer for the next.
	next, out := newCommand(t, "cat results/a; ls /bin/true 2>/dev/null || echo gone")
	next.Lower = []string{Upper(c.Scratch), testRoot(t)}
	if _, err := Run(t.Context(), next); err != nil || out.String() != "1\ngone\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestTimeLimit(t *testing.T) {
	c, out := newCommand(t, "echo start; setsid sleep 1000 & sleep 1000")
	c.Limits.Time = 300 * time.Millisecond
	r, err := Run(t.Context(), c)
	if err != nil || !r.TimedOut || out.String() != "start\n" {
		t.Errorf("%+v, %v, %q", r, err, out)
	}
	if r.Wall > 10*time.Second {
		t.Errorf("took %v", r.Wall)
	}
}

func TestDescendantsEndWithTheProgram(t *testing.T) {
	// The orphan holds the output pipe open: Run would hang if it lived.
	_, r := run1(t, "setsid sh -c 'sleep 1000' & exit 0")
	if r.Exit != 0 || r.Wall > 10*time.Second {
		t.Errorf("%+v", r)
	}
}

func TestUsage(t *testing.T) {
	_, r := run1(t, "awk 'BEGIN { for (i = 0; i < 3000000; i++) s += i }' & wait")
	if r.CPU < 10*time.Millisecond || r.MaxRSS < 1<<20 || r.Wall < 10*time.Millisecond {
		t.Errorf("%+v", r)
	}
}

func TestProbe(t *testing.T) {
	if err := Probe(false); err != nil {
		t.Fatal(err)
	}
	for _, f := range Survey() {
		if f.Name == "" || f.Detail == "" || f.Needed && !f.Works {
			t.Errorf("%+v", f)
		}
	}
	// What cannot work is said, not tried again and again.
	c, _ := newCommand(t, "true")
	c.Lower = []string{t.TempDir()} // no mount points
	var unavailable *UnavailableError
	if err := Check(t.Context(), c); !errors.As(err, &unavailable) {
		t.Errorf("a root without mount points: %v", err)
	}
}

// TestNothingOfTheHostLeaks looks for the caller's names and paths in all that
// a program can read of itself and of its namespaces.
func TestNothingOfTheHostLeaks(t *testing.T) {
	secret := "leak" + filepath.Base(t.TempDir())
	dir := filepath.Join(t.TempDir(), secret)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("HOME", dir)
	t.Setenv(secret, secret)
	c, out := newCommand(t, `
		cat /proc/self/mountinfo /proc/self/mounts /proc/self/cgroup /proc/self/environ /proc/self/maps /proc/self/status \
			/proc/self/limits /proc/self/net/unix /proc/1/cmdline /proc/1/status /proc/1/stat
		ls -l /proc/self/fd /proc/self/ns /proc/self/ /proc/1/ / /tmp /dev/shm
		find /paper /tmp /run /dev /etc; env; ps axf`)
	scratch := filepath.Join(dir, "scratch") // in an overlay's options, the path would show
	if err := Prepare(scratch); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rmtree.Remove(scratch) })
	c.Scratch = scratch
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "overlay") {
		t.Errorf("saw too little:\n%s", out)
	}
	host, _ := os.Hostname()
	for _, word := range []string{secret, "repro-sandbox-root", "/" + host + "/"} {
		if strings.Contains(out.String(), word) {
			t.Errorf("%q leaked:\n%s", word, out)
		}
	}
}

func TestManyLayers(t *testing.T) {
	c, out := newCommand(t, "cd /paper; echo *")
	dir := t.TempDir()
	var want []string
	for i := range 300 {
		name := fmt.Sprintf("f%03d", i)
		layer := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Join(layer, "paper"), 0o755), os.WriteFile(filepath.Join(layer, "paper", name), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		c.Lower = append([]string{layer}, c.Lower...)
		want = append(want, name)
	}
	if err := ChangeOwner(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), c); err != nil || out.String() != strings.Join(want, " ")+"\n" {
		t.Errorf("%v %.200s", err, out)
	}
	c.Lower = make([]string, maxLayers+1)
	if _, err := Run(t.Context(), c); err == nil {
		t.Error("more layers than an overlay takes: accepted")
	}
}

func TestNetwork(t *testing.T) {
	// Programs may talk to each other over the loopback of their own network.
	c, out := newCommand(t, "")
	c.Args, c.Env = []string{"/attempt"}, []string{"REPRO_ATTEMPT=loopback"}
	if r, err := Run(t.Context(), c); err != nil || r.Exit != 0 || out.String() != "heard\n" {
		t.Errorf("%+v %v %s", r, err, out)
	}
	// The host's network only if it is asked for.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, host := range []bool{false, true} {
		c, out := newCommand(t, "")
		c.Args, c.Net = []string{"/attempt"}, host
		c.Env = []string{"REPRO_ATTEMPT=dial", "HOST_TCP=" + l.Addr().String()}
		if r, err := Run(t.Context(), c); err != nil || (r.Exit == 0) != host {
			t.Errorf("host's network %v: %+v %v %s", host, r, err, out)
		}
	}
}
