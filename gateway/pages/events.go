package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"repro/gateway/access"
	"repro/gateway/rerun"
	"repro/gateway/store"
)

const (
	eventTime  = 500 * time.Millisecond // between looks at a run
	aliveTime  = 15 * time.Second       // between signs of life to the browser
	maxStreams = 500                    // streams at once
)

// events sends what becomes of a run, as it becomes: server-sent events named
// log (a text; the event's id is where in the log it ends, to go on from),
// progress (a sentence, done and total), state (a state) and end. Who may not
// see the run any more is sent nothing further (GTW-22).
func (p *Pages) events(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default:
		return access.Refuse(http.StatusServiceUnavailable, "too many look at runs at this moment: load the page again later")
	}
	run, err := p.store.Run(r.Context(), r.PathValue("run"))
	if err != nil {
		return err
	}
	offset, err := offsetOf(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // of a proxy
	s := &stream{w: w, control: http.NewResponseController(w), dir: p.runDir(run), offset: offset}
	tick := time.NewTicker(eventTime)
	defer tick.Stop()
	for {
		ended, err := s.step(run)
		if err != nil || ended {
			return nil // the browser asks again, from where it is, if it was not the end
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-p.stopping:
			return nil
		case <-tick.C:
		}
		if v.Again() != nil {
			return nil
		}
		if run, err = p.store.Run(r.Context(), run.ID); err != nil {
			return nil
		}
	}
}

// offsetOf is where in the live log a browser wants to go on.
func offsetOf(r *http.Request) (int64, error) {
	at := r.Header.Get("Last-Event-ID")
	if at == "" {
		at = r.URL.Query().Get("offset")
	}
	if at == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil || n < 0 {
		return 0, access.Refuse(http.StatusBadRequest, "an offset is a number of bytes")
	}
	return n, nil
}

// stream is one browser that looks at a run.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	dir     string
	offset  int64
	words   string         // progress that was sent
	state   store.RunState // that was sent
	alive   time.Time      // when something was sent
}

var errSlow = errors.New("the browser does not take what it is sent")

// step sends what is new.
func (s *stream) step(r store.Run) (ended bool, err error) {
	s.control.SetWriteDeadline(time.Now().Add(2 * aliveTime))
	for {
		text, next, err := rerun.ReadLive(s.dir, s.offset)
		if err != nil {
			return false, err
		}
		if next == s.offset {
			break
		}
		s.offset = next
		if err := s.send("log", cleanText(strings.ToValidUTF8(string(text), "\ufffd"))+"\n"); err != nil {
			return false, err
		}
	}
	p, err := rerun.ReadProgress(s.dir)
	if err != nil {
		return false, err
	}
	if words := progressWords(p); words != s.words && r.State == store.RunRunning {
		s.words = words
		err = s.send("progress", map[string]any{"words": words, "done": p.Done, "total": p.Total})
	}
	if err == nil && r.State != s.state {
		s.state = r.State
		err = s.send("state", r.State)
	}
	if err == nil && r.State.Ended() {
		return true, s.send("end", r.State)
	}
	if err == nil && time.Since(s.alive) > aliveTime {
		_, err = fmt.Fprint(s.w, ": here\n\n")
		s.alive = time.Now()
		err = errors.Join(err, s.control.Flush())
	}
	return false, err
}

func (s *stream) send(event string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.w, "event: %s\nid: %d\ndata: %s\n\n", event, s.offset, b); err != nil {
		return errSlow
	}
	s.alive = time.Now()
	return s.control.Flush()
}

// progressWords says how far a run is.
func progressWords(p rerun.Progress) string {
	if p.Task == "" {
		return ""
	}
	words := sentence(cleanText(p.Task))
	if p.Total > 0 && !p.Bytes {
		words += fmt.Sprintf(", %d of %d done", p.Done, p.Total)
	} else if p.Total > 0 {
		words += fmt.Sprintf(", %d %% done", 100*p.Done/p.Total)
	}
	if p.SecondsLeft > 0 {
		words += fmt.Sprintf(", about %s left", time.Duration(p.SecondsLeft)*time.Second)
	}
	return words
}
