// Package lease lets one of several workers at a time work on something, on any
// number of machines that share a folder. Nothing is asked of the folder's
// filesystem but what NFS promises: exclusive creation, atomic rename, and that a
// file which is opened shows what was written before it was closed. Clocks need
// not agree. SPEC.md, RUN-35.
//
// A folder holds the leases of one thing. They are numbered, and the highest
// number counts:
//
//	lease-N   made once, by exclusive creation; says who holds lease N
//	beat-N    a count that the holder raises at short intervals
//	end-N     made when the holder gave the lease up
//
// A worker may make lease N+1 if there is no lease, if lease N has ended, or if
// it saw beat-N stay the same for as long as its patience lasts, by its own
// clock. A holder that cannot raise its count for half as long, or finds a lease
// with a higher number, has lost its own and stops.
//
// That is no proof against two workers at once: a machine may stand still for
// minutes and then go on. What they produce must be committed in a way that only
// one of them can, such as atomicfile.WriteNew.
package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"repro/internal/atomicfile"
)

// Holder says who holds a lease, for people and for logs.
type Holder struct {
	Node   string `json:"node"`
	PID    int    `json:"pid"`
	Engine string `json:"engine,omitempty"`
	Job    string `json:"job,omitempty"`
}

// maxHolder bounds the file that says who holds a lease, in bytes.
const maxHolder = 64 << 10

// Timing says how often a holder shows that it lives, and how long a worker
// waits for that before it takes a lease over. All workers on one folder must
// have the same.
type Timing struct {
	Beat     time.Duration
	Patience time.Duration // at least 4 times Beat
}

// ErrLost is the cause with which a holder's context ends when it has lost its
// lease.
var ErrLost = errors.New("another worker has taken over")

// Lease is one that this process holds.
type Lease struct {
	dir    string
	number int
	timing Timing
}

// Acquire waits until it holds the lease of dir, an existing folder. It asks
// needless before each try, and returns nil if that says so.
func Acquire(ctx context.Context, dir string, h Holder, t Timing, needless func() (bool, error)) (*Lease, error) {
	if t.Beat <= 0 || t.Patience < 4*t.Beat {
		return nil, fmt.Errorf("lease: a patience of %v is too short for a beat every %v", t.Patience, t.Beat)
	}
	data, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	var w Watch
	for poll := (Poll{Max: t.Beat}); ; {
		if done, err := needless(); done || err != nil {
			return nil, err
		}
		last, err := newest(dir)
		if err != nil {
			return nil, err
		}
		if last == 0 || exists(dir, "end", last) || w.isDead(dir, last, t.Patience, time.Now()) {
			l := &Lease{dir: dir, number: last + 1, timing: t}
			made, err := atomicfile.WriteNew(l.file("lease"), data, 0o644)
			if err != nil {
				return nil, fmt.Errorf("lease: %w", err)
			}
			if made {
				return l, nil
			}
			continue // somebody else was faster
		}
		if err := poll.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// Poll is how a worker looks again and again at files of others: soon at first,
// then less often, so that many of them do not keep a file server busy. The zero
// value polls every two seconds in the end.
type Poll struct {
	Max  time.Duration // between two looks
	next time.Duration
}

// The shortest and the longest time between two looks.
const (
	firstPoll = 20 * time.Millisecond
	lastPoll  = 2 * time.Second
)

// Wait returns when it is time to look again, or with ctx's error.
func (p *Poll) Wait(ctx context.Context) error {
	longest := lastPoll
	if p.Max > 0 {
		longest = min(longest, p.Max)
	}
	p.next = min(max(firstPoll, p.next*3/2), longest)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(p.next):
		return nil
	}
}

// Held says who holds the lease of dir, as far as that can be told without
// waiting. It is false if there is none, or the last one has ended.
func Held(dir string) (Holder, bool) {
	last, err := newest(dir)
	if err != nil || last == 0 || exists(dir, "end", last) {
		return Holder{}, false
	}
	var h Holder
	b, err := os.ReadFile(name(dir, "lease", last))
	if err != nil || len(b) > maxHolder || json.Unmarshal(b, &h) != nil {
		return Holder{}, true
	}
	return h, true
}

// Newest returns the number of the last lease of dir, held or not; 0 if there is
// none that can be seen.
func Newest(dir string) int {
	last, err := newest(dir)
	if err != nil {
		return 0
	}
	return last
}

// Number tells the holders of one folder's leases apart. Later ones have higher
// numbers.
func (l *Lease) Number() int { return l.number }

// Hold raises the count until stop is called. The context that it returns ends
// with the cause [ErrLost] when the lease is lost.
func (l *Lease) Hold(ctx context.Context) (held context.Context, stop func()) {
	held, lose := context.WithCancelCause(ctx)
	watchdog := time.AfterFunc(l.timing.Patience/2, func() { lose(ErrLost) })
	over := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		for count := 1; ; count++ {
			if exists(l.dir, "lease", l.number+1) {
				lose(ErrLost)
				return
			}
			if l.beat(count) == nil && !watchdog.Reset(l.timing.Patience/2) {
				lose(ErrLost) // it was too late already
			}
			select {
			case <-over:
				return
			case <-time.After(l.timing.Beat):
			}
		}
	})
	return held, func() {
		close(over)
		beating.Wait()
		watchdog.Stop()
		lose(context.Canceled)
	}
}

// beat writes the count. It need not survive a power cut.
func (l *Lease) beat(count int) error {
	temp := l.file("beating")
	if err := os.WriteFile(temp, strconv.AppendInt(nil, int64(count), 10), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, l.file("beat"))
}

// Release ends the lease, so that another worker need not wait.
func (l *Lease) Release() error {
	_, err := atomicfile.WriteNew(l.file("end"), nil, 0o644)
	return err
}

func (l *Lease) file(kind string) string { return name(l.dir, kind, l.number) }

func name(dir, kind string, number int) string {
	return filepath.Join(dir, fmt.Sprintf("%s-%d", kind, number))
}

func exists(dir, kind string, number int) bool {
	_, err := os.Lstat(name(dir, kind, number))
	return err == nil
}

// newest returns the highest number of a lease in dir; 0 if there is none. A
// listing may come from a cache, so it also looks for those that are newer.
func newest(dir string) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	last := 0
	for _, e := range entries {
		if digits, ok := strings.CutPrefix(e.Name(), "lease-"); ok {
			if n, err := strconv.Atoi(digits); err == nil && n > last {
				last = n
			}
		}
	}
	for exists(dir, "lease", last+1) {
		last++
	}
	return last, nil
}

// Watch is what a worker has seen of another one's lease. The zero value is ready.
type Watch struct {
	number int
	beat   string
	since  time.Time // when it first saw that, by its own clock
}

// isDead reports whether the holder of a lease has shown no sign of life for as
// long as patience lasts.
func (w *Watch) isDead(dir string, number int, patience time.Duration, now time.Time) bool {
	b, err := os.ReadFile(name(dir, "beat", number))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false // this machine's trouble, perhaps
	}
	if w.number != number || w.beat != string(b) {
		*w = Watch{number, string(b), now}
		return false
	}
	return now.Sub(w.since) >= patience
}

// IsAlive reports whether somebody holds the lease of dir and has shown a sign of
// life within patience, as far as w has seen: it must be asked again and again.
func (w *Watch) IsAlive(dir string, patience time.Duration) bool {
	last, err := newest(dir)
	return err == nil && last > 0 && !exists(dir, "end", last) && !w.isDead(dir, last, patience, time.Now())
}
