package lease

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var quick = Timing{Beat: 10 * time.Millisecond, Patience: 400 * time.Millisecond}

func never() (bool, error) { return false, nil }

func acquire(t *testing.T, dir string) *Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	l, err := Acquire(ctx, dir, Holder{Node: "here", PID: 1}, quick, never)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOneAtATime(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	var holders, most int
	seen := map[int]bool{}
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			l := acquire(t, dir)
			held, stop := l.Hold(t.Context())
			mu.Lock()
			holders++
			most = max(most, holders)
			if seen[l.Number()] {
				t.Errorf("lease %d was held twice", l.Number())
			}
			seen[l.Number()] = true
			mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			if held.Err() != nil {
				t.Errorf("lease %d was lost: %v", l.Number(), context.Cause(held))
			}
			mu.Lock()
			holders--
			mu.Unlock()
			stop()
			if err := l.Release(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most != 1 || len(seen) != 6 {
		t.Errorf("at most %d at once; %d leases", most, len(seen))
	}
}

// A holder that lives keeps its lease for longer than patience lasts; one that
// does not show it any more loses it, and learns that when it wakes up.
func TestTakeOver(t *testing.T) {
	dir := t.TempDir()
	first := acquire(t, dir)
	held, stop := first.Hold(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), 2*quick.Patience)
	defer cancel()
	if l, err := Acquire(ctx, dir, Holder{}, quick, never); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a lease that is held: %+v, %v", l, err)
	}
	if held.Err() != nil {
		t.Errorf("the holder lost it: %v", context.Cause(held))
	}
	stop() // without Release: as if it were killed
	start := time.Now()
	second := acquire(t, dir)
	if took := time.Since(start); took < quick.Patience-quick.Beat {
		t.Errorf("taken over after %v", took)
	}
	if second.Number() != first.Number()+1 {
		t.Errorf("lease %d after %d", second.Number(), first.Number())
	}
	again, stop := first.Hold(t.Context())
	defer stop()
	select {
	case <-again.Done():
		if !errors.Is(context.Cause(again), ErrLost) {
			t.Error(context.Cause(again))
		}
	case <-time.After(10 * time.Second):
		t.Error("a holder that woke up does not notice")
	}
}

func TestIsAlive(t *testing.T) {
	dir := t.TempDir()
	var w Watch
	if w.IsAlive(dir, quick.Patience) {
		t.Error("nobody is alive")
	}
	l := acquire(t, dir)
	_, stop := l.Hold(t.Context())
	for start := time.Now(); time.Since(start) < 2*quick.Patience; time.Sleep(quick.Beat) {
		if !w.IsAlive(dir, quick.Patience) {
			t.Fatal("a holder that beats is dead")
		}
	}
	stop()
	for start := time.Now(); w.IsAlive(dir, quick.Patience); time.Sleep(quick.Beat) {
		if time.Since(start) > 20*time.Second {
			t.Fatal("a holder that does not beat is alive")
		}
	}
	other := acquire(t, dir)
	if !w.IsAlive(dir, quick.Patience) {
		t.Error("who has taken over is dead")
	}
	if err := other.Release(); err != nil || w.IsAlive(dir, quick.Patience) {
		t.Errorf("who has gone is alive: %v", err)
	}
}

func TestReleaseNeedsNoPatience(t *testing.T) {
	dir := t.TempDir()
	slow := Timing{Beat: 5 * time.Millisecond, Patience: time.Hour}
	for want := 1; want <= 3; want++ {
		l, err := Acquire(t.Context(), dir, Holder{}, slow, never)
		if err != nil || l.Number() != want {
			t.Fatalf("%+v, %v, want number %d", l, err, want)
		}
		if h, held := Held(dir); !held || h.PID != 0 {
			t.Errorf("held: %+v %v", h, held)
		}
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
		if _, held := Held(dir); held {
			t.Error("a lease that has ended is held")
		}
	}
}

// A holder that cannot write any more stops before anybody takes over.
func TestCannotBeat(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "step")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l := acquire(t, dir)
	held, stop := l.Hold(t.Context())
	defer stop()
	time.Sleep(5 * quick.Beat)
	if held.Err() != nil {
		t.Fatal(context.Cause(held))
	}
	start := time.Now()
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-held.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
	if took := time.Since(start); took >= quick.Patience || !errors.Is(context.Cause(held), ErrLost) {
		t.Errorf("stopped after %v: %v", took, context.Cause(held))
	}
}

func TestNeedless(t *testing.T) {
	dir := t.TempDir()
	first := acquire(t, dir)
	_, stop := first.Hold(t.Context())
	defer stop()
	asked := 0
	l, err := Acquire(t.Context(), dir, Holder{}, quick, func() (bool, error) { asked++; return asked == 3, nil })
	if l != nil || err != nil || asked != 3 {
		t.Errorf("%+v, %v, asked %d times", l, err, asked)
	}
	trouble := errors.New("trouble")
	if _, err := Acquire(t.Context(), dir, Holder{}, quick, func() (bool, error) { return false, trouble }); !errors.Is(err, trouble) {
		t.Error(err)
	}
	if _, err := Acquire(t.Context(), dir, Holder{}, Timing{Beat: time.Second, Patience: 3 * time.Second}, never); err == nil || !strings.Contains(err.Error(), "too short") {
		t.Error(err)
	}
	if _, err := Acquire(t.Context(), filepath.Join(dir, "missing"), Holder{}, quick, never); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestHeld(t *testing.T) {
	dir := t.TempDir()
	if _, held := Held(dir); held {
		t.Error("nobody holds it")
	}
	want := Holder{Node: "n1", PID: 7, Engine: "slurm", Job: "42"}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"lease-1": nil, "lease-9": b, "lease-x": nil, "lease-10x": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if h, held := Held(dir); !held || h != want {
		t.Errorf("%+v, %v", h, held)
	}
	if n, err := newest(dir); n != 9 || err != nil {
		t.Errorf("newest: %d, %v", n, err)
	}
}

// The watcher's own clock decides, and only when nothing has changed for it.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	beat := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "beat-1"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	var w Watch
	for i, step := range []struct {
		beat   string
		number int
		at     int
		dead   bool
	}{
		{"", 1, 0, false}, {"", 1, 9, false}, {"", 1, 10, true},
		{"1", 1, 20, false}, {"1", 1, 29, false}, {"2", 1, 31, false}, {"2", 1, 40, false}, {"2", 1, 41, true},
		{"", 2, 60, false}, {"", 2, 69, false}, {"", 2, 71, true},
	} {
		if step.beat != "" {
			beat(step.beat)
		}
		if got := w.isDead(dir, step.number, 10*time.Second, at(step.at)); got != step.dead {
			t.Errorf("step %d: dead %v, want %v", i, got, step.dead)
		}
	}
}
