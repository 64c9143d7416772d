package rerun

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"repro/gateway/store"
)

// child is the process that runs an image.
type child struct {
	cmd    *exec.Cmd
	done   chan struct{} // closed when it has ended; then:
	status int           // its exit status; -1: a signal ended it
	err    error         // it could not be waited for

	log *liveLog
}

// arguments are those of repro for a run.
func arguments(o Options, r store.Run) []string {
	args := []string{"--quiet"}
	if r.Kind == store.RunDiff {
		return append(args, "diff", "--json", formerName, imageName)
	}
	if r.Kind == store.RunCalibrate {
		args = append(args, "calibrate", "--output", Spread, "--keep", keepName)
	} else {
		args = append(args, "run", "--live", "--output", Record)
		if r.Kind == store.RunQuick || r.Kind == store.RunTwice {
			args = append(args, "--"+string(r.Kind))
		}
		if o.Engine != "" {
			args = append(args, "--on", o.Engine)
			for _, option := range o.EngineOptions {
				args = append(args, "--engine-option", option)
			}
		} else {
			args = append(args, "--resume")
		}
	}
	args = append(args, "--progress", progressName)
	if o.CPUs > 0 {
		args = append(args, "--cpus", fmt.Sprint(o.CPUs))
	}
	if o.Memory != "" {
		args = append(args, "--memory", o.Memory)
	}
	args = append(args, imageName)
	if r.Step != "" {
		args = append(args, r.Step)
	}
	return args
}

// start starts the process of a run in its folder.
func start(o Options, dir string, r store.Run) (*child, error) {
	log, err := openLive(dir, r.Attempts)
	if err != nil {
		return nil, err
	}
	answer := summaryName
	if r.Kind == store.RunDiff {
		answer = diffName
	}
	summary, err := os.Create(filepath.Join(dir, answer))
	if err != nil {
		return nil, errors.Join(err, log.close())
	}
	args := append(o.Program[1:len(o.Program):len(o.Program)], arguments(o, r)...)
	c := &child{cmd: exec.Command(o.Program[0], args...), done: make(chan struct{}), log: log}
	c.cmd.Dir, c.cmd.Stderr, c.cmd.Stdout = dir, log, summary
	c.cmd.WaitDelay = time.Second
	ownGroup(c.cmd)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the process gets a signal when the thread that started it ends
		defer close(c.done)
		defer summary.Close()
		defer log.close()
		err := c.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		err = c.cmd.Wait()
		c.status = c.cmd.ProcessState.ExitCode()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
			c.err = err
		}
	}()
	return c, <-started
}

// end tells the process to end, waits for it, and kills it if that takes too
// long.
func (c *child) end(grace time.Duration) {
	signalEnd(c.cmd)
	select {
	case <-c.done:
	case <-time.After(grace):
		killGroup(c.cmd)
		<-c.done
	}
}

// lastError is the first error that repro printed at its end, without what
// programs put before it.
func (c *child) lastError() string {
	if c.status < 0 {
		return "was ended from outside: " + c.cmd.ProcessState.String()
	}
	return c.log.problem()
}

// liveLog takes what a process prints, up to a limit.
type liveLog struct {
	mu   sync.Mutex
	file *os.File
	left int64
	hide string // a path of this machine that is not shown
	tail []byte // the last lines
}

func openLive(dir string, attempt int) (*liveLog, error) {
	f, err := os.OpenFile(filepath.Join(dir, liveName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	full, err := filepath.Abs(dir)
	l := &liveLog{file: f, left: maxLive - info.Size(), hide: full + string(filepath.Separator)}
	if err == nil && attempt > 1 {
		_, err = fmt.Fprintf(l, "[begun again, attempt %d]\n", attempt)
	}
	return l, err
}

const maxTail = 8 << 10

// Write never fails: the run goes on when its log is full.
func (l *liveLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := bytes.ReplaceAll(p, []byte(l.hide), nil)
	l.tail = append(l.tail, text...)
	l.tail = l.tail[max(0, len(l.tail)-maxTail):]
	if l.left <= 0 {
		return len(p), nil
	}
	if int64(len(text)) > l.left {
		text = append(text[:l.left:l.left], "\n[the rest is in the logs of the steps]\n"...)
	}
	l.left -= int64(len(text))
	l.file.Write(text)
	return len(p), nil
}

func (l *liveLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

// problem is the first of the errors with which the log ends.
func (l *liveLog) problem() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	const mark = "repro: error: "
	lines := strings.Split(strings.TrimSpace(string(l.tail)), "\n")
	words := ""
	for i := len(lines) - 1; i >= 0 && strings.HasPrefix(lines[i], mark); i-- {
		words = strings.TrimPrefix(lines[i], mark)
	}
	return words
}
