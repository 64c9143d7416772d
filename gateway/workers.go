package gateway

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"repro/cli"
	"repro/gateway/rerun"
	"repro/gateway/store"
	"repro/recipe"
)

const (
	maxWorkers   = 64
	restartTime  = time.Second      // before a worker that died is started again
	workerPeriod = 45 * time.Second // for a worker that was told to end
)

// limitFlags are the flags of what a run gets, of work and of serve.
func limitFlags(f *flag.FlagSet, o *rerun.Options) {
	f.IntVar(&o.CPUs, "cpus", 0, "")
	f.StringVar(&o.Memory, "memory", "", "")
	f.DurationVar(&o.Time, "time", 0, "")
	f.StringVar(&o.Engine, "on", "", "")
	f.Func("engine-option", "", func(s string) error {
		o.EngineOptions = append(o.EngineOptions, s)
		return nil
	})
}

func checkLimits(o rerun.Options) error {
	if o.CPUs < 0 || o.Time < 0 {
		return usagef("--cpus and --time: less than nothing")
	}
	if o.Memory != "" {
		if _, err := recipe.Size(o.Memory); err != nil {
			return usagef("--memory %q: %w", o.Memory, err)
		}
	}
	return nil
}

// limitArguments are the arguments that limitFlags reads as o.
func limitArguments(o rerun.Options) []string {
	args := []string{"--cpus", fmt.Sprint(o.CPUs), "--memory", o.Memory, "--time", o.Time.String(), "--on", o.Engine}
	for _, option := range o.EngineOptions {
		args = append(args, "--engine-option", option)
	}
	return args
}

// work is the command that runs what is in the queue.
func work(ctx context.Context, args []string, stderr io.Writer) error {
	var data string
	var o rerun.Options
	f := flags(&data)
	limitFlags(f, &o)
	host, _ := os.Hostname()
	f.StringVar(&o.Name, "name", cmp.Or(host, "local"), "")
	attached := f.Bool("attached", false, "") // by serve: to end when it has died
	if err := parse(f, args, 0); err != nil {
		return err
	}
	if err := checkLimits(o); err != nil {
		return err
	}
	if o.Name == "" || strings.ContainsAny(o.Name, `/\`) || o.Name[0] == '.' {
		return usagef("--name %q: is no name of a worker", o.Name)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	o.Program = []string{self}
	s, err := store.Open(ctx, data, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	stop := make(chan struct{})
	if *attached {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			close(stop)
		}()
	}
	return rerun.Work(ctx, s, o, stop, slog.New(slog.NewJSONHandler(stderr, nil)).With("worker", o.Name))
}

// startWorkers starts worker processes, and those that die again, until ctx
// ends; wait returns when they have ended.
func startWorkers(ctx context.Context, n int, data string, o rerun.Options, stderr io.Writer) (wait func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // several servers may share the folder
	var all sync.WaitGroup
	for i := range n {
		args := append([]string{"work", "--attached", "--data", data, "--name", fmt.Sprintf("%s-%d", cmp.Or(host, "local"), i+1)}, limitArguments(o)...)
		all.Go(func() {
			for ctx.Err() == nil {
				if err := workOnce(ctx, self, args, stderr); err != nil && ctx.Err() == nil {
					fmt.Fprintf(stderr, "repro-gateway: %s: %v\n", args[5], err)
				}
				select {
				case <-ctx.Done():
				case <-time.After(restartTime):
				}
			}
		})
	}
	return all.Wait, nil
}

// workOnce runs one worker process. Its standard input is open for as long as
// this process lives.
func workOnce(ctx context.Context, self string, args []string, stderr io.Writer) error {
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = stderr
	cmd.WaitDelay = workerPeriod
	cmd.Cancel = func() error {
		if runtime.GOOS == "windows" {
			return cmd.Process.Kill()
		}
		return cmd.Process.Signal(syscall.SIGTERM)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Wait()
}

// repro is the command line of repro itself: workers run images by it, and so do
// the jobs of engines.
func repro(args []string, stdout, stderr io.Writer) int {
	return cli.Main(append([]string{"repro"}, args...), os.Stdin, stdout, stderr)
}
