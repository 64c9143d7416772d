package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxOpenRuns is how many runs one person may have asked for in a venue that
// have not ended.
const MaxOpenRuns = 8

// RunKind is how an image is run again.
type RunKind string

// The kinds of runs.
const (
	RunAll       RunKind = "run"       // every step, or one and those that it needs
	RunQuick     RunKind = "quick"     // the recipe's quick profile
	RunTwice     RunKind = "twice"     // everything, a second time, too
	RunCalibrate RunKind = "calibrate" // some fourteen times, to see how far results move
	RunDiff      RunKind = "diff"      // nothing is run: the image is compared to the former version
)

// RunKinds lists the kinds.
func RunKinds() []RunKind { return []RunKind{RunAll, RunQuick, RunTwice, RunCalibrate, RunDiff} }

// RunState is how far a run has come.
type RunState string

// The states of a run. Those from RunDone on are final.
const (
	RunWaiting   RunState = "waiting"
	RunRunning   RunState = "running"
	RunDone      RunState = "done"      // it ran to its end: Outcome says what came out
	RunFailed    RunState = "failed"    // it could not be brought to its end
	RunCancelled RunState = "cancelled" // by somebody
)

// Ended reports whether a run of this state has ended.
func (s RunState) Ended() bool { return s != RunWaiting && s != RunRunning }

// What came out of a run that is done.
const (
	OutcomeReproduced = "reproduced" // every published result that was asked for
	OutcomeDiffers    = "differs"    // some result does not come out again
	OutcomeStep       = "step"       // a step of the image failed
	OutcomeMeasured   = "measured"   // a calibration, or a difference between versions
)

// OutcomePart is the state of a submission of which only a part was run, a step or
// the quick profile, and that was reproduced.
const OutcomePart = "part"

// Run is one run of a submission that somebody asked for.
type Run struct {
	ID         string
	Venue      string
	Submission string
	Person     int64 // who asked
	Kind       RunKind
	Step       string // only this one, and those that it needs; empty: all
	State      RunState
	Attempts   int    // how often a worker has begun or resumed it
	Worker     string // that has it, or had it last
	Cancelled  bool   // somebody wants it to end
	Outcome    string // of a run that is done
	Reproduced int    // of so many
	Results    int
	Words      string // what came out, or why it failed, in one line
	Created    time.Time
	Started    time.Time // zero: not yet
	Ended      time.Time // zero: not yet
}

const runColumns = "id, venue, submission, person, kind, step, state, attempts, worker, cancelled, outcome, reproduced, results, words, created, started, ended"

func (r *Run) scan(row scanner) error {
	var created, started, ended int64
	err := row.Scan(&r.ID, &r.Venue, &r.Submission, &r.Person, &r.Kind, &r.Step, &r.State, &r.Attempts, &r.Worker, &r.Cancelled,
		&r.Outcome, &r.Reproduced, &r.Results, &r.Words, &created, &started, &ended)
	for at, ms := range map[*time.Time]int64{&r.Created: created, &r.Started: started, &r.Ended: ended} {
		if ms != 0 {
			*at = time.UnixMilli(ms).UTC()
		}
	}
	return err
}

// AddRun puts a run into the queue. Of venue and submission the caller knows
// that they belong together.
func (s *Store) AddRun(ctx context.Context, r Run) (Run, error) {
	if !slices.Contains(RunKinds(), r.Kind) {
		return r, invalid("run", "%q: is not one of %q", r.Kind, RunKinds())
	}
	if r.Step != "" && r.Kind != RunAll && r.Kind != RunTwice {
		return r, invalid("run", "a %s run is of all steps", r.Kind)
	}
	r.ID, r.State, r.Created = strings.ToLower(rand.Text()), RunWaiting, s.now().UTC().Truncate(time.Millisecond)
	err := s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		var open int
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM runs WHERE venue = ? AND person = ? AND state IN ('waiting', 'running')", r.Venue, r.Person).Scan(&open)
		if err == nil && open >= MaxOpenRuns {
			err = invalid("run", "%d others that you asked for have not ended: wait for one or cancel it", open)
		}
		if err != nil {
			return Entry{}, err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO runs (id, venue, submission, person, kind, step, state, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			r.ID, r.Venue, r.Submission, r.Person, r.Kind, r.Step, r.State, r.Created.UnixMilli())
		return Entry{Actor: r.Person, Action: "ask for run", Venue: r.Venue, Subject: r.ID + " " + r.Submission}, err
	})
	return r, err
}

// Run returns a run, or ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (r Run, err error) {
	err = r.scan(s.db.QueryRowContext(ctx, "SELECT "+runColumns+" FROM runs WHERE id = ?", id))
	return r, notFound("run", err)
}

// Runs returns the runs of a submission, the newest first.
func (s *Store) Runs(ctx context.Context, submission string) ([]Run, error) {
	return s.runs(ctx, "WHERE submission = ? ORDER BY created DESC, id", submission)
}

// byWeight orders the runs r of the steps of one submission: first the one that
// says how far it has come. That is one that has not ended, else one of all of the
// experiment, else one of a part, else one that came to nothing; of several the last
// that was asked for. So what a part gives hides nothing that the whole gave.
const byWeight = `CASE WHEN r.state IN ('waiting', 'running') THEN 0 WHEN r.state <> 'done' THEN 3
	WHEN r.step = '' AND r.kind <> 'quick' THEN 1 ELSE 2 END, r.created DESC, r.id`

// LatestRuns returns of each of the submissions the run that says how far it has
// come, by the submission's id.
func (s *Store) LatestRuns(ctx context.Context, submissions []string) (map[string]Run, error) {
	latest := map[string]Run{}
	for _, id := range submissions {
		runs, err := s.runs(ctx, "r WHERE submission = ? AND kind NOT IN ('diff', 'calibrate') ORDER BY "+byWeight+" LIMIT 1", id)
		if err != nil {
			return nil, err
		}
		if len(runs) > 0 {
			latest[id] = runs[0]
		}
	}
	return latest, nil
}

func (s *Store) runs(ctx context.Context, where string, args ...any) (list []Run, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+runColumns+" FROM runs "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Run
		if err := r.scan(rows); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// RunsAhead says how many runs wait that were asked for before this one.
func (s *Store) RunsAhead(ctx context.Context, r Run) (n int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM runs WHERE state = 'waiting' AND created < ?", r.Created.UnixMilli()).Scan(&n)
	return n, err
}

// CancelRun ends a run that waits, and tells the worker of one that runs. One
// that has ended stays as it is.
func (s *Store) CancelRun(ctx context.Context, actor int64, r Run) error {
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		_, err := tx.ExecContext(ctx, `UPDATE runs SET cancelled = 1, ended = CASE WHEN state = 'waiting' THEN ?2 ELSE ended END,
			state = CASE WHEN state = 'waiting' THEN 'cancelled' ELSE state END WHERE id = ?1 AND state IN ('waiting', 'running')`, r.ID, s.now().UnixMilli())
		return Entry{Actor: actor, Action: "cancel run", Venue: r.Venue, Subject: r.ID}, err
	})
}

// errNone says within a transaction that there is nothing to take.
var errNone = errors.New("none")

// TakeRun gives a worker the run that is next, for as long as it keeps it by
// KeepRun: ok is false if none waits. Venues take turns: the one next is of
// which the fewest runs run, then the one that has waited longest for its turn;
// so do the people of a venue. A run whose worker was not heard of in time
// waits again.
func (s *Store) TakeRun(ctx context.Context, worker string, lease time.Duration) (r Run, ok bool, err error) {
	var some bool
	err = s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM runs WHERE state = 'waiting' OR state = 'running' AND lease < ?)", s.now().UnixMilli()).Scan(&some)
	if err != nil || !some {
		return r, false, err
	}
	err = s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		now := s.now()
		_, err := tx.ExecContext(ctx, "UPDATE runs SET state = 'cancelled', ended = ?1 WHERE state = 'running' AND cancelled = 1 AND lease < ?1", now.UnixMilli())
		if err != nil {
			return Entry{}, err
		}
		err = r.scan(tx.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs r
			WHERE (state = 'waiting' OR state = 'running' AND lease < ?1) AND cancelled = 0 ORDER BY
			(SELECT count(*) FROM runs x WHERE x.state = 'running' AND x.lease >= ?1 AND x.venue = r.venue),
			(SELECT coalesce(max(started), 0) FROM runs x WHERE x.venue = r.venue AND x.id <> r.id),
			(SELECT count(*) FROM runs x WHERE x.state = 'running' AND x.lease >= ?1 AND x.venue = r.venue AND x.person = r.person),
			(SELECT coalesce(max(started), 0) FROM runs x WHERE x.venue = r.venue AND x.person = r.person AND x.id <> r.id),
			created, id LIMIT 1`, now.UnixMilli()))
		if errors.Is(err, sql.ErrNoRows) {
			return Entry{Action: "end cancelled runs"}, nil
		}
		if err != nil {
			return Entry{}, err
		}
		ok = true
		r.State, r.Worker, r.Started = RunRunning, worker, now.UTC().Truncate(time.Millisecond)
		r.Attempts++
		_, err = tx.ExecContext(ctx, "UPDATE runs SET state = ?, worker = ?, lease = ?, attempts = ?, started = ? WHERE id = ?",
			r.State, worker, now.Add(lease).UnixMilli(), r.Attempts, r.Started.UnixMilli(), r.ID)
		return Entry{Action: "start run", Venue: r.Venue, Subject: fmt.Sprintf("%s attempt %d", r.ID, r.Attempts)}, err
	})
	return r, ok && err == nil, err
}

// KeepRun keeps a run for the worker that has it. It says whether somebody wants
// the run to end; a run that the worker no longer has gives ErrNotFound.
func (s *Store) KeepRun(ctx context.Context, id, worker string, lease time.Duration) (cancelled bool, err error) {
	err = s.db.QueryRowContext(ctx, "UPDATE runs SET lease = ? WHERE id = ? AND worker = ? AND state = 'running' RETURNING cancelled",
		s.now().Add(lease).UnixMilli(), id, worker).Scan(&cancelled)
	return cancelled, notFound("run", err)
}

// ReturnRuns puts what the worker has back into the queue: it stops, or it is
// new and a former one of its name died.
func (s *Store) ReturnRuns(ctx context.Context, worker string) error {
	err := s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		r, err := tx.ExecContext(ctx, `UPDATE runs SET ended = CASE WHEN cancelled = 1 THEN ?2 ELSE ended END,
			state = CASE WHEN cancelled = 1 THEN 'cancelled' ELSE 'waiting' END WHERE worker = ?1 AND state = 'running'`, worker, s.now().UnixMilli())
		if err != nil {
			return Entry{}, err
		}
		n, err := r.RowsAffected()
		if err == nil && n == 0 {
			err = errNone
		}
		return Entry{Action: "return runs", Subject: fmt.Sprintf("%d of %s", n, worker)}, err
	})
	if errors.Is(err, errNone) {
		return nil
	}
	return err
}

// EndRun writes down what became of a run that its worker has: State, Outcome,
// Reproduced, Results and Words. One that it no longer has gives ErrNotFound.
func (s *Store) EndRun(ctx context.Context, r Run) error {
	if !r.State.Ended() {
		return invalid("run", "%s: is no end", r.State)
	}
	return s.change(ctx, func(tx *sql.Tx) (Entry, error) {
		done, err := tx.ExecContext(ctx, "UPDATE runs SET state = ?, outcome = ?, reproduced = ?, results = ?, words = ?, ended = ? WHERE id = ? AND worker = ? AND state = 'running'",
			r.State, r.Outcome, r.Reproduced, r.Results, r.Words, s.now().UnixMilli(), r.ID, r.Worker)
		if err == nil {
			if n, _ := done.RowsAffected(); n == 0 {
				err = fmt.Errorf("run: %w", ErrNotFound)
			}
		}
		return Entry{Action: "end run", Venue: r.Venue, Subject: strings.TrimSpace(fmt.Sprintf("%s %s %s", r.ID, r.State, r.Outcome))}, err
	})
}

// Worker is a process that runs images.
type Worker struct {
	Name   string
	Limits string // what a run gets, in words
}

// SeeWorker notes that a worker is there.
func (s *Store) SeeWorker(ctx context.Context, w Worker) error {
	_, err := s.db.ExecContext(ctx, "INSERT INTO workers (name, limits, seen) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET limits = ?2, seen = ?3",
		w.Name, w.Limits, s.now().UnixMilli())
	return err
}

// Workers returns the workers that were there since, by name.
func (s *Store) Workers(ctx context.Context, since time.Duration) (list []Worker, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT name, limits FROM workers WHERE seen > ? ORDER BY name", s.now().Add(-since).UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var w Worker
		if err := rows.Scan(&w.Name, &w.Limits); err != nil {
			return nil, err
		}
		list = append(list, w)
	}
	return list, rows.Err()
}
