package run

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/engine/local"
	"repro/format/manifest"
	"repro/report"
)

func TestReproduced(t *testing.T) {
	e := fixture{
		code: map[string]string{"paper/in.txt": "3\n1\n2\n", "paper/results/sorted.txt": "stale\n"},
		steps: []manifest.Step{
			sh("sort", "test ! -e results/sorted.txt; sort in.txt > results/sorted.txt; echo sorted; echo warning >&2", "/paper/results/sorted.txt"),
			after(sh("count", "cat results/sorted.txt | tr -d '\\n' > digits.txt", "/paper/digits.txt"), "sort"),
		},
		published: map[string]string{"results/sorted.txt": "1\n2\n3\n", "digits.txt": "124"},
	}
	o := options(t)
	var live strings.Builder
	o.Log, o.Scratch = &live, t.TempDir()
	rep, err := e.run(t, o)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Counts.Results != 2 || rep.Counts.Reproduced != 1 {
		t.Errorf("counts: %+v\n%+v", rep.Counts, rep.Findings)
	}
	if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/digits.txt")); got != "123" {
		t.Errorf("digits.txt: %q", got)
	}
	if got := readFile(t, filepath.Join(o.Dir, "logs/sort.log")); got != "sorted\nwarning\n" {
		t.Errorf("log: %q", got)
	}
	if live.String() != "sort: sorted\nsort: warning\n" {
		t.Errorf("live: %q", &live)
	}
	for _, s := range rep.Steps {
		if s.Status != report.StepDone || s.WallMS <= 0 || s.MaxRSS <= 0 {
			t.Errorf("%+v", s)
		}
	}
	if len(rep.Outputs) != 2 || rep.Outputs[0].Digest != manifest.DigestOf([]byte("123")) {
		t.Errorf("outputs: %+v", rep.Outputs)
	}
	if rep.Machine.CPU == "" || rep.Machine.Memory == 0 || rep.Isolation.Level != "namespaces" {
		t.Errorf("%+v %+v", rep.Machine, rep.Isolation)
	}
	if left, _ := os.ReadDir(o.Scratch); len(left) != 0 {
		t.Errorf("left in the scratch directory: %v", left)
	}
}

func TestPublishedResultsAreOutOfReach(t *testing.T) {
	const secret = "42.4242424242"
	e := fixture{
		steps: []manifest.Step{sh("look", `
			grep -rlF -D skip "42.42424""24242" / --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev >found 2>/dev/null || true
			for f in /proc/self/mountinfo /proc/self/maps /proc/1/environ /proc/1/cmdline; do grep -l 'paper\.sif' $f >>found 2>/dev/null || true; done
			echo 41 >answer.txt`,
			"/paper/found", "/paper/answer.txt")},
		published: map[string]string{"answer.txt": secret + "\n"},
	}
	o := options(t)
	rep, err := e.run(t, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/found")); got != "" {
		t.Errorf("found in %s", got)
	}
	if len(rep.Findings) != 1 || rep.Findings[0].Verdict != report.Differs {
		t.Errorf("%+v", rep.Findings)
	}
}

func TestStepsSeeOnlyWhatTheyNeed(t *testing.T) {
	e := fixture{steps: []manifest.Step{
		sh("a", "echo a > a.txt; echo extra > undeclared.txt; echo x > /tmp/x; mkdir $HOME/.config; ls -A /tmp > tmp.txt", "/paper/a.txt", "/paper/tmp.txt"),
		sh("b", "test ! -e a.txt; test ! -e undeclared.txt; echo b > b.txt", "/paper/b.txt"),
		after(sh("c", "cat a.txt undeclared.txt b.txt > c.txt; ls -A /tmp $HOME >> c.txt", "/paper/c.txt"), "a", "b"),
		after(sh("d", "cat a.txt c.txt > d.txt; rm a.txt", "/paper/d.txt"), "c"),
		after(sh("e", "test ! -e a.txt; echo e > e.txt", "/paper/e.txt"), "d"),
	}}
	o := options(t)
	if _, err := e.run(t, o); err != nil {
		t.Fatal(err)
	}
	want := "a\nextra\nb\n/tmp:\nhome\n\n/tmp/home:\n"
	if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/c.txt")); got != want {
		t.Errorf("c saw %q, want %q", got, want)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_TOKEN", "leak")
	e := fixture{steps: []manifest.Step{sh("env", "env | sort > env.txt; id >> env.txt; cat /etc/passwd >> env.txt; pwd >> env.txt; nproc >> env.txt", "/paper/env.txt")}}
	e.steps[0].Env = map[string]string{"MINE": "1", "TZ": "Europe/Berlin"}
	o := options(t)
	if _, err := e.run(t, o); err != nil {
		t.Fatal(err)
	}
	want := `BLIS_NUM_THREADS=1
HOME=/tmp/home
JULIA_NUM_THREADS=1
LANG=C.UTF-8
LC_ALL=C.UTF-8
LOGNAME=user
MINE=1
MKL_NUM_THREADS=1
MPLBACKEND=Agg
NUMEXPR_NUM_THREADS=1
OMP_NUM_THREADS=1
OPENBLAS_NUM_THREADS=1
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
PWD=/paper
PYTHONDONTWRITEBYTECODE=1
PYTHONHASHSEED=0
SHELL=/bin/sh
SOURCE_DATE_EPOCH=1714979289
TERM=dumb
TMPDIR=/tmp
TZ=Europe/Berlin
USER=user
uid=1000(user) gid=1000(user) groups=1000(user)
user:x:1000:1000::/tmp/home:/bin/sh
/paper
1
`
	got := readFile(t, filepath.Join(o.Dir, "outputs/paper/env.txt"))
	got = strings.ReplaceAll(got, ",65534", "") // groups of the caller's, if it is not root, have no name inside
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFailures(t *testing.T) {
	e := fixture{
		steps: []manifest.Step{
			sh("good", "echo 1 > good.txt", "/paper/good.txt"),
			after(sh("bad", "echo partial > bad.txt; echo going down; exit 3", "/paper/bad.txt"), "good"),
			after(sh("later", "echo 2 > later.txt", "/paper/later.txt"), "bad"),
			sh("aside", "echo 3 > aside.txt", "/paper/aside.txt"),
		},
		published: map[string]string{"good.txt": "1\n", "later.txt": "2\n", "aside.txt": "3\n"},
	}
	o := options(t)
	rep, err := e.run(t, o)
	step, ok := errors.AsType[*StepError](err)
	if !ok || !errors.Is(err, ErrStep) || step.Step != "bad" || !strings.Contains(err.Error(), "exit status 3") {
		t.Fatalf("%v", err)
	}
	if got := readFile(t, step.Log); got != "going down\n" {
		t.Errorf("log: %q", got)
	}
	if got := readFile(t, filepath.Join(o.Dir, "outputs/paper/bad.txt")); got != "partial\n" {
		t.Errorf("partial output: %q", got)
	}
	var got []string
	for _, s := range rep.Steps {
		got = append(got, s.Name+" "+s.Status)
	}
	if strings.Join(got, ", ") != "good done, bad failed, later skipped, aside done" {
		t.Errorf("%q", got)
	}
	if rep.Counts.Reproduced != 2 || rep.Counts.Verdicts[report.Missing] != 1 {
		t.Errorf("%+v", rep.Counts)
	}
}

func TestStepProblems(t *testing.T) {
	for _, tt := range []struct {
		name    string
		step    manifest.Step
		status  string
		problem string
	}{
		{"no output", sh("s", "true", "/paper/out"), report.StepFailed, `did not leave its output "/paper/out"`},
		{"no input", manifest.Step{Name: "s", Command: []string{"true"}, Dir: "/paper", Inputs: []string{"/paper/data.csv"}},
			report.StepFailed, `input "/paper/data.csv" does not exist`},
		{"no program", manifest.Step{Name: "s", Command: []string{"no-such-program"}, Dir: "/paper"}, report.StepFailed, "no-such-program"},
		{"signal", sh("s", "kill -SEGV $$"), report.StepKilled, "SIGSEGV"},
		{"time", manifest.Step{Name: "s", Command: []string{"sleep", "1000"}, Dir: "/paper", Time: 1}, report.StepTimedOut, "1s"},
		{"link", sh("s", "ln -s /etc/passwd out", "/paper/out"), report.StepFailed, "a symbolic link cannot be an output"},
		{"link on the way", sh("s", "mkdir x; echo 1 > x/out; rm -r d; ln -s x d", "/paper/d/out"), report.StepFailed, "/paper/d is a symbolic link"},
		{"link out", sh("s", "rm -r d; ln -s /../../../../etc d", "/paper/d/hostname"), report.StepFailed, "symbolic link"},
		{"fifo", sh("s", "mkfifo out", "/paper/out"), report.StepFailed, "a FIFO cannot be an output"},
		{"fifo in a directory", sh("s", "mkdir out; mkfifo out/f", "/paper/out"), report.StepFailed, "a FIFO"},
		{"huge", sh("s", "truncate -s 8T out", "/paper/out"), report.StepFailed, "bytes, more than"},
		{"stale", sh("s", "test ! -e /bin/ls", "/bin/ls"), report.StepFailed, "did not leave"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, err := fixture{steps: []manifest.Step{tt.step}}.run(t, options(t))
			if !errors.Is(err, ErrStep) {
				t.Fatal(err)
			}
			if s := rep.Steps[0]; s.Status != tt.status || !strings.Contains(s.Problem, tt.problem) {
				t.Errorf("%s: %s, want %s: %s", s.Status, s.Problem, tt.status, tt.problem)
			}
		})
	}
}

// TestShape shows what layers cannot put in a step's way.
func TestShape(t *testing.T) {
	e := fixture{
		code: map[string]string{"data/old.txt": "x", "tmp/left": "x", "run/left": "x", "dev/null": "x", "proc/left": "x", "sys/left": "x",
			"etc/passwd": "root:x:0:0::/root:/bin/sh"},
		links: map[string]string{"paper/results": "/data", "var": "/data", "etc/hosts": "/nowhere"},
		steps: []manifest.Step{
			sh("look", "ls -A /tmp /run /sys; cat /etc/passwd; test -c /dev/null; test -d /proc/self; ls -A /var"),
			sh("link", "echo 1 > results/new.txt", "/paper/results/new.txt"),
		},
	}
	o := options(t)
	rep, err := e.run(t, o)
	if !errors.Is(err, ErrStep) {
		t.Fatal(err)
	}
	want := "/run:\n\n/sys:\ndevices\n\n/tmp:\nhome\nroot:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/tmp/home:/bin/sh\ntmp\n"
	if got := readFile(t, filepath.Join(o.Dir, "logs/look.log")); got != want || rep.Steps[0].Status != report.StepDone {
		t.Errorf("%+v\n%q\n%q", rep.Steps[0], got, want)
	}
	if p := rep.Steps[1].Problem; !strings.Contains(p, `"/paper/results" is a symbolic link`) {
		t.Error(p)
	}
}

func TestOtherMachine(t *testing.T) {
	e := fixture{arch: "s390x", steps: []manifest.Step{sh("s", "true")}}
	if _, err := e.run(t, options(t)); !errors.Is(err, ErrMachine) {
		t.Error(err)
	}
}

func TestCleaningUpFollowsNoLink(t *testing.T) {
	host := t.TempDir()
	for _, dir := range []string{"tmp", "var/tmp"} {
		if err := os.MkdirAll(filepath.Join(host, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(host, dir, "precious"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, copyRoot := range []bool{false, true} {
		e := fixture{steps: []manifest.Step{
			sh("links", "rm -rf /var /tmp /sys; ln -s "+host+" /var; ln -s "+host+"/tmp /tmp; ln -s "+host+"/tmp /sys"),
			after(sh("deeper", "true"), "links"),
		}}
		o := options(t)
		if copyRoot {
			o.Host.Layers = local.LayersCopy
		}
		_, _ = e.run(t, o)
		for _, name := range []string{"tmp/precious", "var/tmp/precious"} {
			if _, err := os.Stat(filepath.Join(host, name)); err != nil {
				t.Errorf("copy %v: %v", copyRoot, err)
			}
		}
	}
}
