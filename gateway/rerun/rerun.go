// Package rerun runs what a gateway's people asked to run again: a worker takes
// runs from the queue in package store, one after the other, and has the command
// repro run, in a process of its own, execute and compare them. A gateway's web
// process executes nothing; it reads what workers leave.
//
// The folder runs/ID of a gateway belongs to one run:
//
//	paper.sif      the image, a second name of the submission's
//	record/        what repro run leaves: outputs, logs, report.json, report.html
//	spread.json    in place of a record: what repro calibrate leaves
//	diff.json      in place of a record: what repro diff says
//	live.log       what the steps printed, each line after the step's name
//	progress.json  how far it is
//	summary.txt    what repro says at the end
//
// The store says whether a run has ended, and what came out. What lies in the
// folder before that is not yet an answer. SPEC.md, part GTW.
package rerun

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"repro/gateway/store"
	"repro/report"
)

// Names in the folder of a run.
const (
	imageName    = "paper.sif"
	formerName   = "former.sif" // of the former version, to compare with
	diffName     = "diff.json"
	Record       = "record"
	Spread       = "spread.json"
	liveName     = "live.log"
	progressName = "progress.json"
	summaryName  = "summary.txt"
	keepName     = "calibration"
)

// Limits of what is read and kept of a run.
const (
	maxLive    = 16 << 20 // bytes of the live log; the logs of the steps have more
	maxSummary = 1 << 20  // bytes
	maxReport  = 64 << 20 // bytes
	maxChunk   = 64 << 10 // bytes of the live log that are read at once
)

// Dir is the folder of a run in the folder of a gateway.
func Dir(gateway, id string) string { return filepath.Join(gateway, "runs", id) }

// ReadReport returns what a run of that folder found. ErrNotExist says that it
// has left no report.
func ReadReport(dir string) (*report.Run, error) {
	var r report.Run
	err := readJSON(filepath.Join(dir, Record, "report.json"), maxReport, &r)
	if err == nil && r.Version != report.Version {
		err = fmt.Errorf("report.json: version %d is not known here", r.Version)
	}
	return &r, err
}

// ReadDiff returns how a submission differs from its former version.
func ReadDiff(dir string) (*report.Diff, error) {
	var d report.Diff
	err := readJSON(filepath.Join(dir, diffName), maxReport, &d)
	return &d, err
}

func readJSON(name string, limit int64, v any) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s: longer than %d bytes", filepath.Base(name), limit)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// Progress is how far a run is.
type Progress struct {
	Task        string `json:"task"`
	Done        int64  `json:"done"`
	Total       int64  `json:"total"` // 0: not known
	Bytes       bool   `json:"bytes,omitempty"`
	SecondsLeft int64  `json:"secondsLeft,omitempty"` // 0: not known
}

// ReadProgress returns how far the run of that folder is: nothing if it has not
// said so.
func ReadProgress(dir string) (p Progress, err error) {
	err = readJSON(filepath.Join(dir, progressName), maxChunk, &p)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return p, err
}

// ReadLive returns what stands in the live log from offset on, at most 64 KiB,
// up to the end of a line if there is one, and where it ends.
func ReadLive(dir string, offset int64) (text []byte, next int64, err error) {
	f, err := os.Open(filepath.Join(dir, liveName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, offset, nil
	}
	if err != nil {
		return nil, offset, err
	}
	defer f.Close()
	b := make([]byte, maxChunk)
	n, err := f.ReadAt(b, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, offset, err
	}
	b = b[:n]
	for i := n - 1; i >= 0; i-- {
		if b[i] == '\n' {
			b = b[:i+1]
			break
		}
	}
	return b, offset + int64(len(b)), nil
}

// ReadSummary returns what repro said at the end of a run: nothing if it has not
// come so far.
func ReadSummary(dir string) (string, error) {
	f, err := os.Open(filepath.Join(dir, summaryName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSummary))
	return string(b), err
}

// judge fills in what became of a run whose process ended with that exit status,
// by what it left. That everything was reproduced must be what the report says,
// too, and of this submission.
func judge(r *store.Run, sub store.Submission, dir string, status int, last string) error {
	r.State, r.Words = store.RunFailed, last
	if r.Words == "" {
		r.Words = fmt.Sprintf("repro ended with status %d", status)
	}
	if r.Kind == store.RunDiff {
		d, err := ReadDiff(dir)
		if err == nil && (status == statusDone || status == statusDiffers) {
			r.State, r.Outcome, r.Words = store.RunDone, store.OutcomeMeasured, d.Reason
		}
		return nil
	}
	if r.Kind == store.RunCalibrate {
		if status == 0 {
			r.State, r.Outcome, r.Words = store.RunDone, store.OutcomeMeasured, "measured how far results move here"
		}
		return nil
	}
	if status != statusDone && status != statusDiffers && status != statusStep {
		return nil
	}
	rep, err := ReadReport(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it failed before a step had begun
	}
	if err != nil {
		return err
	}
	if rep.ContentID != sub.Content {
		return fmt.Errorf("run %s: its report is of %s, not of %s", r.ID, rep.ContentID, sub.Content)
	}
	counts := report.Count(rep.Findings)
	r.State, r.Reproduced, r.Results = store.RunDone, counts.Reproduced, counts.Results
	r.Words = fmt.Sprintf("reproduced %d of %d published results", counts.Reproduced, counts.Results)
	if rep.Repeat != nil {
		r.Words += fmt.Sprintf("; %d a second time", rep.Repeat.Reproduced)
	}
	switch {
	case status == statusStep:
		r.Outcome, r.Words = store.OutcomeStep, last
	case status == statusDone && counts.Results > 0 && counts.Reproduced == counts.Results && (rep.Repeat == nil || rep.Repeat.Reproduced == counts.Results):
		r.Outcome = store.OutcomeReproduced
	default:
		r.Outcome = store.OutcomeDiffers
	}
	return nil
}

// Exit statuses of repro that say that it ran.
const (
	statusDone    = 0
	statusDiffers = 5
	statusStep    = 6
)
