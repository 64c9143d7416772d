package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// queue is a store with the venues a and b, two people, a submission in each
// venue, and a clock that the test moves.
type queue struct {
	*testing.T
	s    *Store
	now  time.Time
	subs map[string]string // by venue
	ids  []int64           // of people
}

func newQueue(t *testing.T) *queue {
	q := &queue{T: t, now: time.UnixMilli(1_800_000_000_000), subs: map[string]string{}}
	var err error
	if q.s, err = Open(ctx, t.TempDir(), Options{Now: func() time.Time { return q.now }, Database: database(t)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.s.Close() })
	for _, venue := range []string{"a", "b"} {
		if err := q.s.AddVenue(ctx, 0, Venue{ID: venue, Name: venue, Quota: 1 << 30}); err != nil {
			t.Fatal(err)
		}
		hash := HashOf("link of " + venue)
		if _, err := q.s.AddLink(ctx, 0, Link{Venue: venue, Role: Author, Label: venue, Expires: q.now.Add(time.Hour)}, hash); err != nil {
			t.Fatal(err)
		}
		p, err := q.s.Redeem(ctx, hash, HashOf("session of "+venue), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		q.ids = append(q.ids, p.ID)
		up, err := q.s.AddUpload(ctx, Upload{Venue: venue, Person: p.ID, Name: "x", Content: "sha256:" + "00000000000000000000000000000000000000000000000000000000000000aa", Size: 1})
		if err == nil {
			err = q.s.AddSubmission(ctx, Submission{Upload: up, Title: "T", Report: []byte("{}")})
		}
		if err != nil {
			t.Fatal(err)
		}
		q.subs[venue] = up.ID
	}
	return q
}

func (q *queue) add(venue string, person int) Run {
	q.Helper()
	q.now = q.now.Add(time.Millisecond)
	r, err := q.s.AddRun(ctx, Run{Venue: venue, Submission: q.subs[venue], Person: q.ids[person], Kind: RunAll})
	if err != nil {
		q.Fatal(err)
	}
	return r
}

func (q *queue) take(worker string) (Run, bool) {
	q.Helper()
	q.now = q.now.Add(time.Millisecond)
	r, ok, err := q.s.TakeRun(ctx, worker, time.Minute)
	if err != nil {
		q.Fatal(err)
	}
	return r, ok
}

func (q *queue) end(r Run) {
	q.Helper()
	r.State, r.Outcome, r.Reproduced, r.Results, r.Words = RunDone, OutcomeReproduced, 2, 2, "reproduced 2 of 2"
	if err := q.s.EndRun(ctx, r); err != nil {
		q.Fatal(err)
	}
}

// order takes and ends every run, one at a time, and says whose it was.
func (q *queue) order() string {
	q.Helper()
	var out []string
	for {
		r, ok := q.take("w")
		if !ok {
			return strings.Join(out, " ")
		}
		who := 0
		if r.Person == q.ids[1] {
			who = 1
		}
		out = append(out, fmt.Sprintf("%s%d", r.Venue, who))
		q.end(r)
	}
}

// TestFairness: neither a venue nor a person who asks for much keeps others
// waiting (GTW-21).
func TestFairness(t *testing.T) {
	q := newQueue(t)
	for range 4 {
		q.add("a", 0)
	}
	q.add("b", 1)
	q.add("b", 1)
	if got := q.order(); got != "a0 b1 a0 b1 a0 a0" {
		t.Errorf("venues: %s", got)
	}
	for range 3 {
		q.add("a", 0)
	}
	q.add("a", 1)
	if got := q.order(); got != "a1 a0 a0 a0" {
		t.Errorf("people: %s", got)
	}
}

// TestBusyVenues: a venue of which a run runs waits for one of which none does.
func TestBusyVenues(t *testing.T) {
	q := newQueue(t)
	q.add("a", 0)
	q.add("a", 0)
	first, _ := q.take("w1")
	q.end(first)
	q.add("b", 1)
	b, _ := q.take("w1") // the turn of b is longest ago
	q.add("b", 1)
	a, _ := q.take("w2")
	if b.Venue != "b" || a.Venue != "a" {
		t.Errorf("took %s, then %s", b.Venue, a.Venue)
	}
}

// TestLease: a run whose worker is not heard of is another's, and only its.
func TestLease(t *testing.T) {
	q := newQueue(t)
	asked := q.add("a", 0)
	r, ok := q.take("w1")
	if !ok || r.ID != asked.ID || r.State != RunRunning || r.Worker != "w1" || r.Attempts != 1 || r.Started.IsZero() {
		t.Fatalf("%+v", r)
	}
	if _, ok := q.take("w2"); ok {
		t.Error("one run is two workers'")
	}
	q.now = q.now.Add(50 * time.Second)
	if cancelled, err := q.s.KeepRun(ctx, r.ID, "w1", time.Minute); err != nil || cancelled {
		t.Error(cancelled, err)
	}
	q.now = q.now.Add(50 * time.Second)
	if _, ok := q.take("w2"); ok {
		t.Error("a run that is kept is another's")
	}
	q.now = q.now.Add(11 * time.Second)
	again, ok := q.take("w2")
	if !ok || again.ID != r.ID || again.Attempts != 2 {
		t.Errorf("%+v", again)
	}
	if _, err := q.s.KeepRun(ctx, r.ID, "w1", time.Minute); !errors.Is(err, ErrNotFound) {
		t.Errorf("the former worker keeps it: %v", err)
	}
	r.State = RunDone
	if err := q.s.EndRun(ctx, r); !errors.Is(err, ErrNotFound) {
		t.Errorf("the former worker ends it: %v", err)
	}
	q.end(again)
	if err := q.s.EndRun(ctx, again); err == nil {
		t.Error("a run ends in the state running")
	}
	done, err := q.s.Run(ctx, r.ID)
	if err != nil || done.State != RunDone || done.Outcome != OutcomeReproduced || done.Reproduced != 2 || done.Results != 2 || done.Words != "reproduced 2 of 2" || !done.Ended.Equal(q.now) {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestCancel: what waits ends at once, what runs when its worker hears of it, or
// is not heard of; what has ended stays as it is.
func TestCancel(t *testing.T) {
	q := newQueue(t)
	state := func(r Run) RunState {
		t.Helper()
		r, err := q.s.Run(ctx, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		return r.State
	}
	waiting := q.add("a", 0)
	if err := q.s.CancelRun(ctx, 1, waiting); err != nil || state(waiting) != RunCancelled {
		t.Errorf("%s, %v", state(waiting), err)
	}
	q.add("a", 0)
	r, _ := q.take("w")
	if err := q.s.CancelRun(ctx, 1, r); err != nil || state(r) != RunRunning {
		t.Errorf("%s, %v", state(r), err)
	}
	if cancelled, err := q.s.KeepRun(ctx, r.ID, "w", time.Minute); err != nil || !cancelled {
		t.Error(cancelled, err)
	}
	q.now = q.now.Add(2 * time.Minute)
	if next, ok := q.take("w2"); ok || state(r) != RunCancelled {
		t.Errorf("%s, %+v", state(r), next)
	}
	q.add("a", 0)
	r, _ = q.take("w")
	if err := q.s.CancelRun(ctx, 1, r); err != nil {
		t.Fatal(err)
	}
	if err := q.s.ReturnRuns(ctx, "w"); err != nil || state(r) != RunCancelled {
		t.Errorf("%s, %v", state(r), err)
	}
	q.add("a", 0)
	r, _ = q.take("w")
	q.end(r)
	if err := q.s.CancelRun(ctx, 1, r); err != nil || state(r) != RunDone {
		t.Errorf("%s, %v", state(r), err)
	}
}

// TestReturn: a worker that starts anew gives back what a former one of its name
// had, and nothing else.
func TestReturn(t *testing.T) {
	q := newQueue(t)
	q.add("a", 0)
	q.add("b", 1)
	mine, _ := q.take("w1")
	other, _ := q.take("w2")
	if err := q.s.ReturnRuns(ctx, "w1"); err != nil {
		t.Fatal(err)
	}
	r, ok := q.take("w3")
	if !ok || r.ID != mine.ID {
		t.Errorf("%+v, want %s", r, mine.ID)
	}
	if r, err := q.s.Run(ctx, other.ID); err != nil || r.State != RunRunning || r.Worker != "w2" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRunLimits(t *testing.T) {
	q := newQueue(t)
	for _, bad := range []Run{{Kind: "shell"}, {Kind: RunQuick, Step: "x"}, {Kind: RunCalibrate, Step: "x"}, {}} {
		bad.Venue, bad.Submission, bad.Person = "a", q.subs["a"], q.ids[0]
		var invalid *InvalidError
		if _, err := q.s.AddRun(ctx, bad); !errors.As(err, &invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for range MaxOpenRuns {
		q.add("a", 0)
	}
	var invalid *InvalidError
	if _, err := q.s.AddRun(ctx, Run{Venue: "a", Submission: q.subs["a"], Person: q.ids[0], Kind: RunAll}); !errors.As(err, &invalid) {
		t.Errorf("one too many: %v", err)
	}
	last := q.add("b", 0) // another venue's
	if n, err := q.s.RunsAhead(ctx, last); err != nil || n != MaxOpenRuns {
		t.Errorf("%d ahead, %v", n, err)
	}
	r, _ := q.take("w")
	q.end(r)
	q.add("a", 0)
	latest, err := q.s.LatestRuns(ctx, []string{q.subs["a"], "none"})
	if err != nil || len(latest) != 1 || latest[q.subs["a"]].State != RunWaiting {
		t.Errorf("%+v, %v", latest, err)
	}
	if runs, err := q.s.Runs(ctx, q.subs["a"]); err != nil || len(runs) != MaxOpenRuns+1 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}

// TestPartIsNotTheWhole: the list of a venue says and finds what the last run of the
// whole experiment gave, whatever a step, the quick profile or a run that came to
// nothing says later (GTW-20).
func TestPartIsNotTheWhole(t *testing.T) {
	q := newQueue(t)
	run := func(kind RunKind, step string, state RunState, outcome string) {
		t.Helper()
		q.now = q.now.Add(time.Millisecond)
		if _, err := q.s.AddRun(ctx, Run{Venue: "a", Submission: q.subs["a"], Person: q.ids[0], Kind: kind, Step: step}); err != nil {
			t.Fatal(err)
		}
		r, _ := q.take("w")
		r.State, r.Outcome = state, outcome
		if err := q.s.EndRun(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want string, kind RunKind) {
		t.Helper()
		for _, state := range []string{OutcomeReproduced, OutcomePart, OutcomeDiffers, "failed", "waiting"} {
			_, n, err := q.s.FindSubmissions(ctx, SubmissionQuery{Venue: "a", State: state, Most: 9})
			if err != nil || (n == 1) != (state == want) {
				t.Errorf("%d of the state %s, where it is %s: %v", n, state, want, err)
			}
		}
		latest, err := q.s.LatestRuns(ctx, []string{q.subs["a"]})
		if r := latest[q.subs["a"]]; err != nil || r.Kind != kind {
			t.Errorf("%s: %+v, %v", want, r, err)
		}
	}
	run(RunQuick, "", RunFailed, "")
	check("failed", RunQuick)
	run(RunAll, "fit", RunDone, OutcomeReproduced)
	check(OutcomePart, RunAll)
	run(RunTwice, "", RunDone, OutcomeDiffers)
	check(OutcomeDiffers, RunTwice)
	run(RunAll, "fit", RunDone, OutcomeReproduced)
	run(RunQuick, "", RunDone, OutcomeReproduced)
	run(RunAll, "", RunCancelled, "")
	run(RunCalibrate, "", RunDone, OutcomeMeasured)
	check(OutcomeDiffers, RunTwice)
	run(RunAll, "", RunDone, OutcomeReproduced)
	run(RunQuick, "", RunDone, OutcomeDiffers)
	check(OutcomeReproduced, RunAll)
	q.add("a", 0)
	check("waiting", RunAll)
}

// TestWorkers: a worker is there for as long as it was seen of late.
func TestWorkers(t *testing.T) {
	q := newQueue(t)
	for _, limits := range []string{"1 processor", "2 processors"} {
		if err := q.s.SeeWorker(ctx, Worker{"w", limits}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := q.s.Workers(ctx, time.Second); err != nil || len(list) != 1 || list[0].Limits != "2 processors" {
		t.Errorf("%+v, %v", list, err)
	}
	q.now = q.now.Add(time.Second)
	if list, err := q.s.Workers(ctx, time.Second); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestFindSubmissions looks by title, state and person, page by page, and for
// versions.
func TestFindSubmissions(t *testing.T) {
	q := newQueue(t)
	send := func(title, former string) (string, error) {
		q.now = q.now.Add(time.Second)
		up, err := q.s.AddUpload(ctx, Upload{Venue: "a", Person: q.ids[0], Name: "x", Content: "sha256:00000000000000000000000000000000000000000000000000000000000000ab", Size: 1, Former: former})
		if err == nil {
			err = q.s.AddSubmission(ctx, Submission{Upload: up, Title: title, Report: []byte("{}")})
		}
		return up.ID, err
	}
	second, err := send("Of MICE", q.subs["a"])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := send("x", q.subs["b"]); err == nil {
		t.Error("a new version of another venue's")
	}
	q.add("a", 0)
	find := func(ask SubmissionQuery) string {
		t.Helper()
		if ask.Most == 0 {
			ask.Most = 9
		}
		ask.Venue = "a"
		list, total, err := q.s.FindSubmissions(ctx, ask)
		if err != nil {
			t.Fatal(err)
		}
		var titles []string
		for _, s := range list {
			titles = append(titles, s.Title)
		}
		return fmt.Sprintf("%d %s", total, strings.Join(titles, ","))
	}
	for want, ask := range map[string]SubmissionQuery{
		"2 Of MICE,T": {}, "1 Of MICE": {Title: "mice"}, "2 T": {Skip: 1, Most: 1}, "2 Of MICE": {Most: 1}, "0 ": {Person: 99}, "1 T": {State: "waiting"}, "0 %": {Title: "%"},
	} {
		if got := find(ask); got != strings.TrimSuffix(want, "%") {
			t.Errorf("%+v: %s, want %s", ask, got, want)
		}
	}
	if got := find(SubmissionQuery{State: "none"}); got != "1 Of MICE" {
		t.Errorf("without a run: %s", got)
	}
	later, err := q.s.LaterVersions(ctx, q.subs["a"])
	if err != nil || len(later) != 1 || later[0].ID != second || later[0].Former != q.subs["a"] {
		t.Errorf("%+v, %v", later, err)
	}
}

// TestPersonalQuota: nobody takes more than a share.
func TestPersonalQuota(t *testing.T) {
	q := newQueue(t)
	if err := q.s.AddVenue(ctx, 0, Venue{ID: "c", Name: "C", Quota: 100, Personal: 10}); err != nil {
		t.Fatal(err)
	}
	if err := q.s.AddVenue(ctx, 0, Venue{ID: "d", Name: "D", Quota: 100, Personal: -1}); err == nil {
		t.Error("a share below nothing")
	}
	ask := Upload{Venue: "c", Person: q.ids[0], Name: "x", Content: "sha256:00000000000000000000000000000000000000000000000000000000000000ab", Size: 6}
	if _, err := q.s.AddUpload(ctx, ask); err != nil {
		t.Fatal(err)
	}
	ask.Size = 5
	if _, err := q.s.AddUpload(ctx, ask); !errors.Is(err, ErrQuota) {
		t.Errorf("beyond the share: %v", err)
	}
	ask.Size = 4
	if _, err := q.s.AddUpload(ctx, ask); err != nil {
		t.Errorf("all of the share: %v", err)
	}
	ask.Person, ask.Size = q.ids[1], 10
	if _, err := q.s.AddUpload(ctx, ask); err != nil {
		t.Errorf("another's share: %v", err)
	}
}
