package htcondor

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"repro/engine"
)

// Numbers of events (HTCondor manual, "Job Event Log Codes").
const (
	eventSubmitted   = "000"
	eventExecuting   = "001"
	eventEvicted     = "004"
	eventTerminated  = "005"
	eventShadow      = "007" // the shadow, which looks after the job, failed
	eventAborted     = "009"
	eventHeld        = "012"
	eventReleased    = "013"
	eventReconnected = "023"
	eventLost        = "024" // the machine could not be reached again
)

// event is one of a job's event log.
type event struct {
	code    string
	cluster string // and process
	text    string // of its first line, after the time
	details []string
}

// maxLog bounds an event log, in bytes.
const maxLog = 64 << 20

// first is an event's first line: code, job, time of either form, and text.
var first = regexp.MustCompile(`^([0-9]{3}) \(0*([0-9]+)\.0*([0-9]+)\.[0-9]+\) \S+ \S+ ?(.*)$`)

// parseEvents reads an event log. An event that has not ended yet is left out;
// lines of another form are ignored.
func parseEvents(log string) (events []event) {
	var e *event
	for l := range strings.Lines(log) {
		l = strings.TrimRight(l, "\r\n")
		switch m := first.FindStringSubmatch(l); {
		case l == "...":
			if e != nil {
				events, e = append(events, *e), nil
			}
		case m != nil:
			e = &event{code: m[1], cluster: m[2] + "." + m[3], text: m[4]}
		case e != nil:
			e.details = append(e.details, strings.TrimSpace(l))
		}
	}
	return events
}

func readEvents(name string) []event {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxLog))
	if err != nil {
		return nil
	}
	return parseEvents(string(b))
}

var (
	returned = regexp.MustCompile(`Normal termination \(return value ([0-9]+)\)`)
	signaled = regexp.MustCompile(`Abnormal termination \(signal ([0-9]+)\)`)
	hostname = regexp.MustCompile(`(?:alias|SlotName)[=:]\s*([^&>\s]+)`)
)

// stateOf says what became of a job by its events; ok is false if there is none.
func stateOf(events []event) (s engine.State, cluster string, ok bool) {
	held := "" // why, when it was held last
	for _, e := range events {
		why := strings.Join(e.details, " ")
		switch e.code {
		case eventSubmitted:
			s, held = engine.State{Phase: engine.Waiting}, ""
		case eventExecuting, eventReconnected:
			s = engine.State{Phase: engine.Running, Node: nodeOf(e)}
		case eventEvicted, eventShadow, eventLost:
			s = engine.State{Phase: engine.Waiting, Node: s.Node, Reason: strings.TrimSpace("is to be started again: " + e.text)}
		case eventHeld:
			held = cmp.Or(reasonOf(e), "no reason is given")
			s = engine.State{Phase: engine.Waiting, Node: s.Node, Reason: "held: " + held}
		case eventReleased:
			s = engine.State{Phase: engine.Waiting, Node: s.Node, Reason: "was held: " + held}
		case eventAborted:
			s = engine.State{Phase: engine.Cancelled, Node: s.Node, Reason: cmp.Or(why, "removed")}
			if held != "" && strings.Contains(why, "PeriodicRemove") {
				s.Phase, s.Reason = engine.Failed, "was held: "+held
			}
		case eventTerminated:
			s = engine.State{Phase: engine.Failed, Node: s.Node, Reason: "failed"}
			if m := returned.FindStringSubmatch(why); m != nil && m[1] == "0" {
				s.Phase, s.Reason = engine.Done, ""
			} else if m != nil {
				s.Reason = "failed with exit status " + m[1]
			} else if m := signaled.FindStringSubmatch(why); m != nil {
				s.Reason = "ended by signal " + m[1]
			}
		default:
			continue
		}
		cluster, ok = e.cluster, true
	}
	return s, cluster, ok
}

// nodeOf is the machine that an event names.
func nodeOf(e event) string {
	for _, text := range append(slices.Clone(e.details), e.text) {
		if m := hostname.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return ""
}

// reasonOf is the first line of an event's details that is a sentence.
func reasonOf(e event) string {
	for _, d := range e.details {
		if d != "" && !strings.HasPrefix(d, "Code ") {
			return d[:min(len(d), 500)]
		}
	}
	return ""
}

// refresh reads the event logs of all jobs that have not ended. The caller holds
// e.mu.
func (e *Engine) refresh() {
	over := map[string]bool{} // DAGs that have ended
	for _, j := range e.jobs.Open() {
		dir := filepath.Dir(e.file(j.ID, ""))
		if _, asked := over[dir]; !asked {
			s, _, ok := stateOf(readEvents(filepath.Join(dir, dagName+".dagman.log")))
			over[dir] = ok && s.Phase.Ended()
		}
		// In this order: when a DAG has ended, all events of its jobs are there.
		state, cluster, submitted := stateOf(readEvents(e.file(j.ID, ".log")))
		if _, err := os.Stat(e.file(j.ID, ".cancelled")); err == nil {
			j.Cancelled = true
		}
		if _, err := os.Stat(e.file(j.ID, ".json")); err != nil {
			j.State = engine.State{Phase: engine.Unknown, Reason: "its DAG is not there any more"}
			continue
		}
		if j.Own.cluster = cluster; !submitted {
			j.State = e.unsubmitted(j, dir, over[dir])
			continue
		}
		j.State = state
		switch {
		case j.Cancelled && state.Phase == engine.Failed:
			j.State.Phase = engine.Cancelled
		case state.Phase == engine.Failed:
			j.State.Reason += fmt.Sprintf(" (HTCondor calls it %s)", cluster)
			if said := engine.LastWords(e.file(j.ID, ".out")); said != "" {
				j.State.Reason += fmt.Sprintf("; it printed %q", said)
			}
		case over[dir] && !state.Phase.Ended():
			j.State.Phase, j.State.Reason = engine.Cancelled, "its DAG was removed"
		}
	}
}

// unsubmitted is the state of a job that has no event.
func (e *Engine) unsubmitted(j *job, dir string, over bool) engine.State {
	lost, _ := e.jobs.Needs(j.Job)
	switch {
	case j.Cancelled:
		return engine.State{Phase: engine.Cancelled, Reason: "cancelled"}
	case lost != "":
		return engine.Lost(lost)
	case over:
		return engine.State{Phase: engine.Failed, Reason: "DAGMan did not submit it: " + cmp.Or(complaint(filepath.Join(dir, dagName+".dagman.out")), "it was removed")}
	}
	return engine.State{Phase: engine.Waiting}
}

// complaint is the first error in a file of DAGMan's; empty if there is none.
func complaint(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxLog))
	if err != nil {
		return ""
	}
	for l := range strings.Lines(string(b)) {
		if _, text, found := strings.Cut(l, "ERROR"); found {
			text = strings.TrimSpace(controls.ReplaceAllString(strings.TrimLeft(text, ": "), " "))
			return text[:min(len(text), 300)]
		}
	}
	return ""
}
