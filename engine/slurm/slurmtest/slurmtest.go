//go:build linux

// Package slurmtest starts a real Slurm cluster on this machine for tests: one
// controller and three nodes, all on the loopback interface. It needs root and
// Slurm's daemons.
package slurmtest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Nodes is how many nodes the cluster has, Processors how many each of them has.
const (
	Nodes      = 3
	Processors = 2
)

// Partition is the name of its partition, Short of one of the same nodes that lets no
// job run for longer than a minute.
const (
	Partition = "main"
	Short     = "short"
)

var cluster = sync.OnceValues(startCluster)

// stop ends what startCluster began.
var stop []func()

// Main runs the tests of a package and then ends the cluster, if one of them
// needed it. It is what TestMain calls.
func Main(m *testing.M) { os.Exit(Tests{m}.Run()) }

// Tests are the tests of a package that may need the cluster.
type Tests struct{ M interface{ Run() int } }

// Run runs them and then ends the cluster.
func (t Tests) Run() int {
	code := t.M.Run()
	for i := len(stop) - 1; i >= 0; i-- {
		stop[i]()
	}
	return code
}

// controller ends and starts the controller.
var controller struct{ stop, start func() error }

// WithoutController calls f while the cluster's controller is not there.
func WithoutController(t *testing.T, f func()) {
	t.Helper()
	if err := controller.stop(); err != nil {
		t.Fatalf("stop Slurm's controller: %v", err)
	}
	defer func() {
		if err := controller.start(); err != nil {
			t.Fatalf("start Slurm's controller again: %v", err)
		}
	}()
	f()
}

// Configure replaces a line of slurm.conf until the test ends.
func Configure(t *testing.T, line, by string) {
	t.Helper()
	replace := func(line, by string) {
		t.Helper()
		conf := os.Getenv("SLURM_CONF")
		b, err := os.ReadFile(conf)
		if err != nil || !strings.Contains(string(b), line+"\n") {
			t.Fatalf("%s: no line %q: %v", conf, line, err)
		}
		if err := os.WriteFile(conf, []byte(strings.Replace(string(b), line+"\n", by+"\n", 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("scontrol", "reconfigure").CombinedOutput(); err != nil {
			t.Fatalf("%s%v", out, err)
		}
	}
	replace(line, by)
	t.Cleanup(func() { replace(by, line) })
}

// Missing says what this machine lacks for a cluster; nil if that is nothing.
func Missing() error {
	if os.Getuid() != 0 {
		return errors.New("needs root, to start a Slurm cluster")
	}
	for _, program := range []string{"munged", "slurmctld", "slurmd", "sbatch"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("needs Slurm: %w", err)
		}
	}
	return nil
}

// Start starts the cluster, unless it runs, and returns its slurm.conf.
func Start() (conf string, err error) { return cluster() }

// Need starts the cluster with the first test that needs it, and has Slurm's
// programs find it. It skips the test where that is not possible, and returns the
// cluster's slurm.conf.
func Need(t *testing.T) (conf string) {
	t.Helper()
	if err := Missing(); err != nil {
		t.Skip(err)
	}
	conf, err := Start()
	if err != nil {
		t.Fatalf("start a Slurm cluster: %v", err)
	}
	t.Setenv("SLURM_CONF", conf)
	return conf
}

func startCluster() (conf string, err error) {
	dir, err := os.MkdirTemp("", "repro-slurm-")
	if err != nil {
		return "", err
	}
	stop = append(stop, func() { os.RemoveAll(dir) })
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"munge", "state", "spool", "log"} {
		if err := os.Mkdir(at(name), 0o711); err != nil {
			return "", err
		}
	}
	key := make([]byte, 1024)
	_, _ = rand.Read(key)
	if err := errors.Join(os.Chmod(dir, 0o711), os.WriteFile(at("munge/key"), key, 0o400)); err != nil {
		return "", err
	}
	text, err := configuration(dir)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(at("cgroup.conf"), []byte(cgroups), 0o644); err != nil {
		return "", err
	}
	conf = at("slurm.conf")
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		return "", err
	}
	daemons := [][]string{
		{"munged", "--foreground", "--force", "--key-file=" + at("munge/key"), "--socket=" + at("munge/socket"), "--pid-file=" + at("munge/pid"),
			"--log-file=" + at("munge/log"), "--seed-file=" + at("munge/seed")},
		{"slurmctld", "-D", "-c"},
	}
	for i := range Nodes {
		daemons = append(daemons, []string{"slurmd", "-D", "-N", fmt.Sprint("n", i+1)})
	}
	for i, args := range daemons {
		end, err := daemon(conf, args)
		if err != nil {
			return "", err
		}
		if i == 1 {
			controller.stop = end
		}
		if i == 0 {
			if err := waitFor(5*time.Second, func() bool { _, err := os.Stat(at("munge/socket")); return err == nil }); err != nil {
				return "", fmt.Errorf("munged: %w", err)
			}
		}
	}
	controller.start = func() error {
		end, err := daemon(conf, []string{"slurmctld", "-D"}) // with the jobs that it knew
		controller.stop = end
		return errors.Join(err, waitForNodes(conf))
	}
	if err := waitForNodes(conf); err != nil {
		logs, _ := os.ReadFile(at("log/slurmctld.log"))
		return "", fmt.Errorf("%w: %s", err, logs[max(0, len(logs)-2000):])
	}
	return conf, nil
}

// waitForNodes waits until the controller knows that all nodes are up.
func waitForNodes(conf string) error {
	return waitFor(60*time.Second, func() bool {
		cmd := exec.Command("sinfo", "--noheader", "--Node", "--partition="+Partition, "--format=%T")
		cmd.Env = append(os.Environ(), "SLURM_CONF="+conf)
		out, err := cmd.Output()
		states := strings.Fields(string(out))
		return err == nil && len(states) == Nodes && !slices.ContainsFunc(states, func(s string) bool {
			return strings.HasSuffix(s, "*") || s == "unknown" || strings.HasPrefix(s, "down")
		})
	})
}

// daemon starts a daemon, which end ends; so does the end of all tests.
func daemon(conf string, args []string) (end func() error, err error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "SLURM_CONF="+conf)
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	end = sync.OnceValue(func() error {
		_ = cmd.Process.Signal(os.Interrupt)
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		return nil
	})
	stop = append(stop, func() { _ = end() })
	return end, nil
}

func waitFor(limit time.Duration, ready func() bool) error {
	for deadline := time.Now().Add(limit); !ready(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after %v", limit)
		}
	}
	return nil
}

// configuration is a slurm.conf without accounting and network.
func configuration(dir string) (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	host, _, _ = strings.Cut(host, ".")
	ports, err := freePorts(1 + Nodes)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `ClusterName=test
SlurmctldHost=%s(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=%s/munge/socket,cred_expire=10
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
SlurmctldPort=%d
StateSaveLocation=%[2]s/state
SlurmdSpoolDir=%[2]s/spool/%%n
SlurmctldPidFile=%[2]s/slurmctld.pid
SlurmdPidFile=%[2]s/slurmd-%%n.pid
SlurmctldLogFile=%[2]s/log/slurmctld.log
SlurmdLogFile=%[2]s/log/slurmd-%%n.log
ProctrackType=proctrack/linuxproc
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=1
MpiDefault=none
ReturnToService=2
MinJobAge=300
MaxArraySize=11
SlurmdTimeout=20
KillWait=2
`, host, dir, ports[0])
	if HoldsMemory() {
		b.WriteString("TaskPlugin=task/cgroup\n")
	} else {
		b.WriteString("TaskPlugin=task/none\n")
	}
	for i := range Nodes {
		fmt.Fprintf(&b, "NodeName=n%d NodeHostname=%s NodeAddr=127.0.0.1 Port=%d CPUs=%d RealMemory=4000 State=UNKNOWN\n", i+1, host, ports[1+i], Processors)
	}
	fmt.Fprintf(&b, "PartitionName="+Partition+" Nodes=n[1-%d] Default=YES MaxTime=INFINITE State=UP\n", Nodes)
	fmt.Fprintf(&b, "PartitionName="+Short+" Nodes=n[1-%d] MaxTime=1 State=UP\n", Nodes)
	return b.String(), nil
}

// groups is where control groups of version 1 bound memory.
const groups = "/sys/fs/cgroup/memory"

// cgroups is cgroup.conf.
const cgroups = "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nConstrainRAMSpace=yes\n"

// HoldsMemory reports whether the cluster holds jobs to the memory that they ask
// for. It takes this machine's control groups, of version 1.
func HoldsMemory() bool {
	probe, err := os.MkdirTemp(groups, "repro-probe-")
	if err != nil {
		return false
	}
	return os.Remove(probe) == nil
}

func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
