package cli_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"repro/cli"
	"repro/engine/htcondor/condortest"
	"repro/engine/slurm/slurmtest"
	"repro/format"
	"repro/gateway"
	"repro/internal/sandbox"
)

func TestMain(m *testing.M) {
	testscript.Main(slurmtest.Tests{M: condortest.Tests{M: m}}, map[string]func(){
		"repro": func() { os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) },

		"repro-gateway": func() { os.Exit(gateway.Main(os.Args, os.Stdout, os.Stderr)) },

		"sigstore-kms-testing": kmsPlugin,
		"repro-keyless":        keyless,
	})
}

// TestScripts plays what users type: testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	p := params()
	p.Dir = "testdata/script"
	testscript.Run(t, p)
}

// params is what scripts have in common.
func params() testscript.Params {
	return testscript.Params{
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXAMPLES", os.Getenv("PWD")+"/../examples")
			env.Setenv("SCRIPTS", os.Getenv("PWD")+"/../script")
			env.Setenv("VALIDATORS", validators())
			env.Setenv("WORKFLOWS", workflows())
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/.cache")
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/.config")
			env.Setenv("REGISTRY", containerRegistry())
			env.Setenv("REPRO_TEST_DEBIAN", os.Getenv("REPRO_TEST_DEBIAN"))
			return errors.Join( // another user works there too
				os.Chmod(filepath.Dir(env.WorkDir), 0o755),
				os.Chmod(env.Getenv("TMPDIR"), fs.ModeSticky|0o777),
			)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"flip":       flip,
			"foreign":    foreign,
			"sifsign":    sifsign,
			"nobody":     nobody,
			"interrupt":  interrupt,
			"slurm":      startSlurm,
			"tsa":        tsa,
			"pool":       pool,
			"bundled":    bundled,
			"repository": fakeRepository,
		},
		Condition: condition,
	}
}

// exits runs a command and checks its exit status: exits STATUS COMMAND [ARG...].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s ended with status %d, want %d", args[1], got, want)
	}
}

// flip changes one bit in the middle of an object: flip IMAGE OBJECT.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip IMAGE OBJECT, or -end for the last byte")
	}
	name := ts.MkAbs(args[0])
	image, err := format.Open(name)
	ts.Check(err)
	offset := int64(-1)
	for _, o := range image.Objects() {
		if o.Name == args[1] {
			offset = o.Offset + o.Size/2
		}
	}
	if args[1] == "-end" {
		offset = image.Size() - 1
	}
	ts.Check(image.Close())
	if offset < 0 {
		ts.Fatalf("%s has no object %q", args[0], args[1])
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	ts.Check(err)
	defer f.Close()
	var b [1]byte
	_, err = f.ReadAt(b[:], offset)
	ts.Check(err)
	b[0] ^= 1
	_, err = f.WriteAt(b[:], offset)
	ts.Check(err)
}

// nobody runs a command as an ordinary user: nobody STATUS COMMAND [ARG...].
func nobody(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: nobody STATUS COMMAND [ARG...]")
	}
	if args[1] == "repro" {
		args[1] = publicProgram(ts)
	}
	setpriv := []string{args[0], "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"}
	exits(ts, neg, append(setpriv, args[1:]...))
}

// publicProgram is a copy of this test's program, which plays repro, that every
// user may start: the test's own stands where only its user may look.
func publicProgram(ts *testscript.TestScript) string {
	name := ts.MkAbs(".bin/repro")
	if _, err := os.Stat(name); err == nil {
		return name
	}
	ts.Check(os.MkdirAll(filepath.Dir(name), 0o755))
	program, err := exec.LookPath(filepath.Join(binaries(ts), "repro"))
	ts.Check(err)
	content, err := os.ReadFile(program)
	ts.Check(err)
	ts.Check(os.WriteFile(name, content, 0o755))
	return name
}

// pool runs a shell command in an HTCondor pool of this machine, as its user, who
// gets all files of the script: pool STATUS COMMAND.
func pool(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: pool STATUS COMMAND")
	}
	p, err := condortest.Start()
	ts.Check(err)
	ts.Check(ts.Exec("chown", "-R", condortest.User+":"+condortest.User, ts.Getenv("WORK")))
	cmd := p.Command(ts.MkAbs("."), []string{"TMPDIR=" + ts.Getenv("TMPDIR")}, "sh", "-c", "PATH="+filepath.Dir(publicProgram(ts))+":$PATH; "+args[1])
	exits(ts, false, append([]string{args[0]}, cmd.Args...))
}

// startSlurm has what follows in a script use a Slurm cluster of this machine.
func startSlurm(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: slurm")
	}
	conf, err := slurmtest.Start()
	ts.Check(err)
	ts.Setenv("SLURM_CONF", conf)
}

// binaries is the folder that testscript put in front of PATH.
func binaries(ts *testscript.TestScript) string {
	return filepath.SplitList(ts.Getenv("PATH"))[0]
}

// interrupt runs a command, sends it SIGINT as soon as FILE exists, or a file
// matches it, and checks that it ends with status 130: interrupt FILE COMMAND
// [ARG...].
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupt FILE COMMAND [ARG...], or -said for when it has said something")
	}
	program, err := exec.LookPath(filepath.Join(binaries(ts), args[1]))
	ts.Check(err)
	cmd := exec.Command(program, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "HOME=" + ts.Getenv("HOME"), "XDG_CACHE_HOME=" + ts.Getenv("XDG_CACHE_HOME"), "TMPDIR=" + ts.Getenv("TMPDIR"), "SLURM_CONF=" + ts.Getenv("SLURM_CONF")}
	var stderr saying
	cmd.Stderr = &stderr
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			ts.Fatalf("ended before it could be interrupted: %v\n%s", err, stderr.String())
		case <-time.After(time.Millisecond):
		}
		if args[0] == "-said" && stderr.String() != "" {
			break
		}
		if found, _ := filepath.Glob(ts.MkAbs(args[0])); len(found) > 0 {
			break
		}
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	if err := <-ended; !errors.As(err, &exit) || exit.ExitCode() != 130 || !strings.Contains(stderr.String(), "error: interrupted\n") {
		ts.Fatalf("ended with %v, want status 130\n%s", err, stderr.String())
	}
}

// saying is what a program that still runs has said.
type saying struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *saying) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *saying) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// condition knows what a script may ask of the machine.
func condition(cond string) (bool, error) {
	switch cond {
	case "root":
		return os.Getuid() == 0, nil
	case "sandbox":
		return sandbox.Probe(false) == nil, nil
	case "fuse":
		_, err := os.Stat("/dev/fuse")
		return err == nil && os.Getuid() == 0, nil
	case "debian":
		return os.Getuid() == 0 && os.Getenv("REPRO_TEST_DEBIAN") != "", nil
	case "static": // this test, which plays repro: CGO_ENABLED=0
		self, err := os.Executable()
		if err != nil {
			return false, err
		}
		f, err := elf.Open(self)
		if err != nil {
			return false, nil
		}
		defer f.Close()
		return f.Section(".interp") == nil, nil
	case "workflows": // installs them, so it must be asked for
		_, err := exec.LookPath("python3")
		return err == nil && os.Getenv("REPRO_TEST_NETWORK") != "" && sandbox.Probe(false) == nil, nil
	case "validators": // installs them, so it must be asked for
		for _, program := range []string{"python3", "npm", "java", "git"} {
			if _, err := exec.LookPath(program); err != nil {
				return false, nil
			}
		}
		return os.Getenv("REPRO_TEST_NETWORK") != "" && sandbox.Probe(false) == nil, nil
	case "podman":
		for _, program := range []string{"podman", "runc"} {
			if _, err := exec.LookPath(program); err != nil {
				return false, nil
			}
		}
		return os.Getuid() == 0, nil
	case "gpu":
		found, err := filepath.Glob("/dev/nvidia*")
		return len(found) > 0, err
	case "loop":
		_, err := os.Stat("/dev/loop-control")
		return err == nil && os.Getuid() == 0, nil
	case "mpi":
		for _, program := range []string{"mpirun", "mpicc"} {
			if _, err := exec.LookPath(program); err != nil {
				return false, nil
			}
		}
		return true, nil
	case "condor":
		return condortest.Missing() == nil, nil
	case "slurm":
		return slurmtest.Missing() == nil, nil
	case "faketime":
		found, err := filepath.Glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
		return len(found) > 0, err
	case "numpy":
		return exec.Command("/usr/bin/python3", "-c", "import numpy, matplotlib").Run() == nil, nil
	}
	return false, errors.New("unknown condition " + strconv.Quote(cond))
}

// validators is where script/validators installs other people's programs: out
// of the repository, kept from one test to the next.
func validators() string {
	if dir := os.Getenv("REPRO_VALIDATORS"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "repro-validators")
}

// workflows is the same for script/workflows.
func workflows() string {
	if dir := os.Getenv("REPRO_WORKFLOWS"); dir != "" {
		return dir
	}
	return filepath.Join(filepath.Dir(validators()), "repro-workflows")
}
