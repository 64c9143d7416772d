package verify

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"repro/format"
	"repro/format/bundle"
	"repro/format/signature"
	"repro/format/timerecord"
	"repro/report"
	"repro/verify/timestamp"
)

// collectTimes reads the time records in the image and outside, before any
// signature is judged.
func (v *verification) collectTimes() error {
	v.times = timestamp.NewEvidence(v.trust.Times, v.now)
	for _, o := range v.im.Objects() {
		if o.Type != format.DataSignature || o.Size > signature.MaxSize {
			continue
		}
		data := make([]byte, o.Size)
		if _, err := io.ReadFull(v.im.Section(o), data); err != nil {
			return v.failure(err, fmt.Sprintf("time record in object %d", o.ID))
		}
		if timerecord.Is(data) {
			v.addRecord(&o, data)
		}
	}
	for _, data := range v.options.Detached {
		if timerecord.Is(data) {
			v.addRecord(nil, data)
		}
	}
	v.reportTimes()
	return nil
}

// addRecord takes in a record that stands in object o (nil: outside).
func (v *verification) addRecord(o *format.Object, data []byte) {
	st := report.TimeStatus{}
	if o != nil {
		st.ObjectID = o.ID
	}
	r, err := v.readRecord(o, data)
	if err != nil {
		st.Status, st.Problem = timeStatusOf(err)
		v.report.Times = append(v.report.Times, st)
		return
	}
	v.times.Add(r, data)
	v.recordIDs = append(v.recordIDs, st.ObjectID)
}

// readRecord reads a record and compares what it says about the image. SPEC.md,
// TSP-13.
func (v *verification) readRecord(o *format.Object, data []byte) (*timerecord.Record, error) {
	r, err := timerecord.Parse(data)
	if err != nil {
		return nil, err
	}
	if err := v.checkDescriptor(o, r.Hash, [20]byte{}); err != nil {
		return nil, fmt.Errorf("%w: %w", timerecord.ErrMalformed, err)
	}
	switch {
	case v.metadata == nil:
		return nil, fmt.Errorf("%w: what the image holds cannot be told", timestamp.ErrOther)
	case !bytes.Equal(r.Content, r.Sum(v.metadata)):
		return nil, fmt.Errorf("%w: the record is not about this image", timestamp.ErrOther)
	case len(r.Objects) == 0 || !v.options.Classic && !v.broken(crypto.SHA256):
		return r, nil
	}
	sums, err := v.im.Sums(r.Hash)
	if err != nil {
		return nil, err
	}
	if !slices.EqualFunc(sums, r.Objects, bytes.Equal) {
		return nil, fmt.Errorf("%w: the hashes of objects that the record lists are not theirs", timestamp.ErrOther)
	}
	return r, nil
}

// broken reports whether h proves nothing by now.
func (v *verification) broken(h crypto.Hash) bool {
	at := v.trust.Times.Broken[h]
	return !at.IsZero() && !at.After(v.now)
}

// reportTimes says of every token what it is worth.
func (v *verification) reportTimes() {
	for _, f := range v.times.Findings() {
		st := report.TimeStatus{ObjectID: v.recordIDs[f.Record], Status: report.TimeCounts}
		if f.Token != nil {
			st.Time, st.Authority = stamp(f.Token.Time), f.Token.Claims()
		}
		switch {
		case f.Stamp == nil:
			st.Status, st.Problem = timeStatusOf(f.Err)
		case f.Expired:
			st.Authority = f.Stamp.Authority.Name
			st.Problem = "the authority's own time is over: repro timestamp --renew stamps it anew with one that is in force"
		default:
			st.Authority = f.Stamp.Authority.Name
		}
		v.report.Times = append(v.report.Times, st)
	}
}

var timeStatuses = []struct {
	err    error
	status string
}{
	{timerecord.ErrMalformed, report.TimeMalformed},
	{timestamp.ErrMalformed, report.TimeMalformed},
	{timestamp.ErrWeak, report.TimeWeak},
	{timestamp.ErrOther, report.TimeOther},
	{timestamp.ErrUnknown, report.TimeUnknown},
	{timestamp.ErrInvalid, report.TimeInvalid},
}

func timeStatusOf(err error) (status, problem string) {
	for _, s := range timeStatuses {
		if errors.Is(err, s.err) {
			return s.status, err.Error()
		}
	}
	return report.TimeInvalid, err.Error()
}

// stampsIn returns the stamps in a bundle over its signature that count. SPEC.md,
// TSP-16.
func (v *verification) stampsIn(b *bundle.Bundle, signature []byte) (all []*timestamp.Stamp) {
	for _, der := range b.Timestamps {
		if s, err := v.times.About(der, signature); err == nil {
			all = append(all, s)
		}
	}
	return all
}

// anchored returns when a signature, given by its own bytes, was there, and by
// whose word; zero if no authority says.
func (v *verification) anchored(signature []byte, more ...*timestamp.Stamp) (time.Time, []string) {
	at, stamps := v.times.Of(signature, more...)
	var by []string
	for _, s := range stamps {
		by = append(by, s.Authority.Name)
	}
	return at, by
}
