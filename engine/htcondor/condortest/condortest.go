//go:build linux

// Package condortest starts a real HTCondor pool on this machine for tests: a
// central manager, an access point and an execution point of three slots, all on
// the loopback interface, in a Debian root of their own that script/condor makes.
// It needs root.
package condortest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// User runs the programs in the pool; script/condor makes it.
const User = "1000"

// Root is the folder with the Debian root.
func Root() string {
	if dir := os.Getenv("REPRO_CONDOR_ROOT"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "repro-condor")
}

// Missing says what this machine lacks for a pool; nil if that is nothing.
func Missing() error {
	if os.Getuid() != 0 {
		return errors.New("needs root, to start an HTCondor pool")
	}
	if _, err := os.Stat(filepath.Join(Root(), "usr/sbin/condor_master")); err != nil {
		return fmt.Errorf("needs HTCondor, which script/condor installs: %w", err)
	}
	return nil
}

// Pool is a pool that runs.
type Pool struct {
	dir    string
	master *exec.Cmd
}

var pool = sync.OnceValues(start)

// Start starts the pool, unless it runs. Folders below that for temporary files
// are seen in it.
func Start() (*Pool, error) { return pool() }

// Tests are the tests of a package that may need the pool.
type Tests struct{ M interface{ Run() int } }

// Run runs them and then ends the pool.
func (t Tests) Run() int {
	code := t.M.Run()
	if started != nil {
		started.stop()
	}
	return code
}

var started *Pool

// insideVariable is set where a test runs in the pool.
const insideVariable = "REPRO_TEST_IN_POOL"

// Inside reports whether a test runs in the pool. If not, it runs it there, as an
// ordinary User, and fails with it; it skips it where there can be no pool.
func Inside(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideVariable) != "" {
		return true
	}
	if err := Missing(); err != nil {
		t.Skip(err)
	}
	p, err := Start()
	if err != nil {
		t.Fatalf("start an HTCondor pool: %v", err)
	}
	dir, err := p.Folder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "test")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{program, "-test.run=^" + t.Name() + "$", "-test.timeout=10m"}
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	out, err := p.Command(dir, []string{insideVariable + "=1", "TMPDIR=" + dir}, args...).CombinedOutput()
	if err != nil {
		t.Errorf("in the pool: %v\n%s", err, out)
	} else if testing.Verbose() {
		t.Logf("in the pool:\n%s", out)
	}
	return false
}

// Folder makes a folder in which the pool's user may write.
func (p *Pool) Folder() (string, error) {
	dir, err := os.MkdirTemp("", "repro-condor-")
	if err != nil {
		return "", err
	}
	uid, err := strconv.Atoi(User)
	return dir, errors.Join(err, os.Chown(dir, uid, uid), os.Chmod(dir, 0o755))
}

// Command is a command in the pool, by its User, in the folder dir.
func (p *Pool) Command(dir string, env []string, args ...string) *exec.Cmd {
	pid := strconv.Itoa(p.master.Process.Pid)
	words := []string{"-t", pid, "-m", "-p", "--root=/proc/" + pid + "/root", "--wd=/", "--",
		"setpriv", "--reuid=" + User, "--regid=" + User, "--clear-groups", "--",
		"env", "-i", "HOME=/home/user", "USER=user", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "CONDOR_CONFIG=/pc/config"}
	words = append(append(words, env...), "sh", "-c", `cd "$0" && exec "$@"`, dir)
	cmd := exec.Command("nsenter", append(words, args...)...)
	cmd.Dir = "/"
	return cmd
}

func start() (*Pool, error) {
	dir, err := os.MkdirTemp("", "repro-pool-")
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"config": fmt.Sprintf(config, port), "init": initScript,
		"hosts": "127.0.0.1 localhost " + host + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			return nil, err
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command("/bin/sh", filepath.Join(dir, "init"), Root(), dir, os.TempDir())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Pool{dir: dir, master: cmd}
	started = p
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(300 * time.Millisecond) {
		out, err := p.Command("/", nil, "condor_status", "-af", "Name").CombinedOutput()
		if err == nil && len(out) > 0 {
			return p, nil
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(filepath.Join(dir, "log"))
			return nil, fmt.Errorf("not up after a minute: %w: %s%s", err, out, text)
		}
	}
}

// stop ends every process of the pool: the first is init of their namespace.
func (p *Pool) stop() {
	_ = p.master.Process.Kill()
	_ = p.master.Wait()
	_ = os.RemoveAll(p.dir)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// initScript makes the Debian root the root of its mount namespace. A plain chroot
// would not do: no user namespaces can be made in one, and HTCondor's starter wants
// a mount point as root.
const initScript = `set -e
root=$1 dir=$2 temp=$3
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mkdir -p ".$temp" pc .old
mount --bind "$temp" ".$temp"
mount --rbind /dev dev
mount -t sysfs sys sys
mount -t tmpfs -o mode=755 tmp pc
mount --bind "$dir/hosts" etc/hosts
mkdir pc/spool pc/execute pc/log pc/run pc/lock
cp "$dir/config" pc/config
chmod 1777 pc/execute
chroot . chown -R condor: /pc
pivot_root . .old
mount -t proc proc /proc
umount -l /.old
export CONDOR_CONFIG=/pc/config
exec condor_master -f
`

const config = `CONDOR_HOST = 127.0.0.1
NETWORK_INTERFACE = 127.0.0.1
BIND_ALL_INTERFACES = False
COLLECTOR_PORT = %[1]d
COLLECTOR_HOST = 127.0.0.1:%[1]d
USE_SHARED_PORT = False
LOCAL_DIR = /pc
SPOOL = /pc/spool
EXECUTE = /pc/execute
LOG = /pc/log
RUN = /pc/run
LOCK = /pc/lock
RELEASE_DIR = /usr
LIBEXEC = /usr/libexec/condor
LIB = /usr/lib/condor
SBIN = /usr/sbin
BIN = /usr/bin
DAEMON_LIST = MASTER COLLECTOR NEGOTIATOR SCHEDD STARTD
SEC_DEFAULT_AUTHENTICATION_METHODS = FS
SEC_CLIENT_AUTHENTICATION = OPTIONAL
SEC_DEFAULT_AUTHENTICATION = OPTIONAL
SEC_DEFAULT_ENCRYPTION = OPTIONAL
SEC_DEFAULT_INTEGRITY = OPTIONAL
ALLOW_WRITE = *
ALLOW_READ = *
ALLOW_ADMINISTRATOR = root@*, condor@*
ALLOW_DAEMON = *
ALLOW_NEGOTIATOR = *
UID_DOMAIN = test
TRUST_UID_DOMAIN = True
STARTER_ALLOW_RUNAS_OWNER = True
FILESYSTEM_DOMAIN = test
BASE_CGROUP =
MOUNT_UNDER_SCRATCH =
CREATE_CGROUP_WITHOUT_ROOT = False
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_CYCLE_DELAY = 1
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
UPDATE_INTERVAL = 3
PERIODIC_EXPR_INTERVAL = 5
MAX_PERIODIC_EXPR_INTERVAL = 5
START = True
SUSPEND = False
PREEMPT = False
KILL = False
NUM_CPUS = 3
MEMORY = 3000
RUNBENCHMARKS = False
NUM_SLOTS_TYPE_1 = 1
SLOT_TYPE_1 = 100%%
SLOT_TYPE_1_PARTITIONABLE = True
`
