package local

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"repro/engine"
	"repro/engine/enginetest"
)

func TestContract(t *testing.T) {
	enginetest.Run(t, enginetest.Harness{
		Open:     func(*testing.T) engine.Engine { return NewEngine(Limits{CPUs: []int{0, 1, 2}}) },
		Parallel: 3, Patience: 20 * time.Second,
	})
}

func TestContractOneByOne(t *testing.T) {
	enginetest.Run(t, enginetest.Harness{
		Open:     func(*testing.T) engine.Engine { return NewEngine(Limits{CPUs: []int{0, 1}, OneByOne: true}) },
		Patience: 20 * time.Second,
	})
}

func TestPool(t *testing.T) {
	p := newPool([]int{4, 5, 6})
	a := p.take(2)
	if fmt.Sprint(a) != "[4 5]" || p.has(2) || !p.has(1) {
		t.Errorf("%v %v", a, p.free)
	}
	if b := p.take(9); fmt.Sprint(b) != "[6]" {
		t.Errorf("%v", b)
	}
	p.put(a)
	if !p.has(2) {
		t.Error("not put back")
	}
}

func TestFits(t *testing.T) {
	e := NewEngine(Limits{CPUs: []int{0, 1, 2, 3}, Memory: 100})
	e.memory, e.running = 50, 1
	jobOf := func(cpus int, memory int64) *job {
		return &job{Job: engine.Job{Resources: engine.Resources{CPUs: cpus, Memory: memory}}}
	}
	for _, tt := range []struct {
		name string
		job  *job
		want bool
	}{
		{"more memory than is free", jobOf(1, 60), false}, {"as much as is free", jobOf(1, 50), true},
		{"memory that nobody said", jobOf(1, 0), false}, {"more than there is at all", jobOf(1, 200), false},
		{"all processors", jobOf(4, 10), true}, {"more processors than there are", jobOf(5, 10), false},
	} {
		if got := e.fits(tt.job); got != tt.want {
			t.Errorf("%s: fits %v, want %v", tt.name, got, tt.want)
		}
	}
	e.running = 0
	if !e.fits(jobOf(9, 200)) {
		t.Error("a job that asks for more than there is never runs")
	}
}

// Jobs get what they ask for, never what another one has, and it comes back.
func TestAllotments(t *testing.T) {
	e := NewEngine(Limits{CPUs: []int{3, 5, 7}, Memory: 100})
	defer e.Close()
	var mu sync.Mutex
	used, memory, most := map[int]bool{}, int64(0), 0
	var jobs []engine.Job
	for i := range 12 {
		cpus, bytes := i%3+1, int64(i%4)*30
		jobs = append(jobs, engine.Job{Name: fmt.Sprint(i), Resources: engine.Resources{CPUs: cpus, Memory: bytes}, Work: func(_ context.Context, a engine.Allotment) error {
			mu.Lock()
			if len(a.CPUs) != cpus || bytes > 0 && a.Memory != bytes || bytes == 0 && a.Memory != 100 {
				t.Errorf("job %d got %+v, wants %d processors and %d bytes", i, a, cpus, bytes)
			}
			for _, c := range a.CPUs {
				if used[c] {
					t.Errorf("job %d got processor %d, which another one has", i, c)
				}
				used[c] = true
			}
			most = max(most, len(used))
			if memory += a.Memory; memory > 100 {
				t.Errorf("%d bytes handed out", memory)
			}
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			for _, c := range a.CPUs {
				delete(used, c)
			}
			memory -= a.Memory
			return nil
		}})
	}
	ids, err := e.Submit(t.Context(), jobs)
	if err != nil {
		t.Fatal(err)
	}
	states, err := engine.Wait(t.Context(), e, ids, time.Second, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range states {
		if s.Phase != engine.Done {
			t.Errorf("job %d: %+v", i, s)
		}
	}
	if most < 2 || len(e.cpus.free) != 3 || e.memory != 100 {
		t.Errorf("at most %d processors at once; at the end %v and %d bytes are free", most, e.cpus.free, e.memory)
	}
}

// Close ends what runs, and waits for it.
func TestCloseWaits(t *testing.T) {
	e := NewEngine(Limits{CPUs: []int{0}})
	ended := false
	started := make(chan bool)
	if _, err := e.Submit(t.Context(), []engine.Job{{Name: "a", Resources: engine.Resources{CPUs: 1}, Work: func(ctx context.Context, _ engine.Allotment) error {
		close(started)
		<-ctx.Done()
		time.Sleep(20 * time.Millisecond)
		ended = true
		return ctx.Err()
	}}}); err != nil {
		t.Fatal(err)
	}
	<-started
	if err := e.Close(); err != nil || !ended {
		t.Errorf("%v; the job had ended: %v", err, ended)
	}
}
