//go:build amd64 || arm64

package observe

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// killedIn is where the process that TestKilled kills observes its command.
const killedIn = "REPRO_TEST_KILLED_IN"

// TestKilled kills the process that observes: its command, which nobody would
// answer any more, ends too.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(killedIn); dir != "" {
		_, _ = Run(t.Context(), Command{
			Args: []string{"/bin/sh", "-c", "echo $$ > " + filepath.Join(dir, "pid") + "; exec sleep 60"},
			Dir:  dir, Own: dir, Scratch: filepath.Join(dir, "scratch"), Way: Calls, Env: []string{"PATH=/usr/bin:/bin"},
		})
		return
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "scratch"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestKilled$")
	cmd.Env = append(os.Environ(), killedIn+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for end := time.Now().Add(10 * time.Second); pid == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(dir, "pid"))
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if pid == 0 {
		t.Skip("this machine does not offer it, or the command did not start in ten seconds")
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if unix.Kill(pid, 0) == unix.ESRCH {
			return
		}
		if status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status"); err == nil && strings.Contains(string(status), "\nState:\tZ") {
			return // killed, and whoever adopted it has not asked yet
		}
	}
	_ = unix.Kill(pid, unix.SIGKILL)
	t.Error("the command lives on")
}
