package engine

import "fmt"

// Table is what an engine knows of the jobs that it has submitted, or adopted: each
// with the engine's own facts about it, an Own. The zero value knows none. Goroutines
// may not share one without a lock.
type Table[Own any] struct {
	entries map[ID]*Entry[Own]
	names   map[string]ID
	order   []ID // as they were added: each after those that it needs
}

// Entry is a job in a [Table].
type Entry[Own any] struct {
	Job
	ID        ID
	State     State
	Cancelled bool // by Cancel
	Own       Own
}

// Check returns the indices of jobs that are about to be submitted in an order in
// which each comes after those that it needs; see [Order]. It refuses jobs without a
// command line.
func (t *Table[Own]) Check(jobs []Job) ([]int, error) {
	for _, j := range jobs {
		if len(j.Args) == 0 {
			return nil, fmt.Errorf("job %q: has no command line", j.Name)
		}
	}
	return Order(jobs, t.knows)
}

func (t *Table[Own]) knows(name string) bool { _, ok := t.names[name]; return ok }

// Add adds a job, which waits, after those that it needs.
func (t *Table[Own]) Add(j Job, id ID) *Entry[Own] {
	if t.entries == nil {
		t.entries, t.names = map[ID]*Entry[Own]{}, map[string]ID{}
	}
	e := &Entry[Own]{Job: j, ID: id, State: State{Phase: Waiting}}
	t.entries[id], t.names[j.Name] = e, id
	t.order = append(t.order, id)
	return e
}

// Truncate forgets the jobs that were added last, but for the first n of all.
func (t *Table[Own]) Truncate(n int) {
	for _, id := range t.order[n:] {
		delete(t.names, t.entries[id].Name)
		delete(t.entries, id)
	}
	t.order = t.order[:n]
}

// Adopt adds jobs that another process has submitted as ids, all or none. Valid
// refuses what is no name of the engine's.
func (t *Table[Own]) Adopt(jobs []Job, ids []ID, valid func(ID) error) error {
	if len(jobs) != len(ids) {
		return fmt.Errorf("%d jobs have %d names", len(jobs), len(ids))
	}
	order, err := Order(jobs, t.knows)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if err := valid(id); err != nil {
			return fmt.Errorf("job %q: %w", jobs[i].Name, err)
		}
	}
	for _, i := range order {
		t.Add(jobs[i], ids[i])
	}
	return nil
}

// Len is how many jobs there are.
func (t *Table[Own]) Len() int { return len(t.order) }

// Get returns the job called id by the engine; nil if there is none.
func (t *Table[Own]) Get(id ID) *Entry[Own] { return t.entries[id] }

// Named returns the job called name by the run; nil if there is none.
func (t *Table[Own]) Named(name string) *Entry[Own] { return t.entries[t.names[name]] }

// All returns the jobs, each after those that it needs.
func (t *Table[Own]) All() []*Entry[Own] {
	all := make([]*Entry[Own], len(t.order))
	for i, id := range t.order {
		all[i] = t.entries[id]
	}
	return all
}

// Open returns those of them that have not ended, as far as is known.
func (t *Table[Own]) Open() (open []*Entry[Own]) {
	for _, id := range t.order {
		if e := t.entries[id]; !e.State.Phase.Ended() {
			open = append(open, e)
		}
	}
	return open
}

// States returns the states of jobs, in the order of ids, as [Engine] has it.
func (t *Table[Own]) States(ids []ID) []State {
	states := make([]State, len(ids))
	for i, id := range ids {
		states[i] = State{Phase: Unknown}
		if e := t.entries[id]; e != nil {
			states[i] = e.State
		}
	}
	return states
}

// Needs says what is known of the jobs that one needs: lost is one that has ended
// otherwise than well, empty if there is none; waits are those that have not ended.
// A job that is not known was done before.
func (t *Table[Own]) Needs(j Job) (lost string, waits []*Entry[Own]) {
	for _, name := range j.Needs {
		need := t.Named(name)
		switch {
		case need == nil:
		case !need.State.Phase.Ended():
			waits = append(waits, need)
		case need.State.Phase != Done && lost == "":
			lost = name
		}
	}
	return lost, waits
}

// Lost is the state of a job that never starts because of one that it needs.
func Lost(need string) State {
	return State{Phase: Skipped, Reason: fmt.Sprintf("needs %q, which did not get done", need)}
}
