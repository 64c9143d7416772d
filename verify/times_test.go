package verify_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"repro/format"
	"repro/format/timerecord"
	"repro/key"
	"repro/report"
	"repro/sign"
	"repro/verify"
	"repro/verify/policy"
	"repro/verify/timestamp"
	"repro/verify/timestamp/timestamptest"
)

func year(y int) time.Time { return time.Date(y, 3, 1, 12, 0, 0, 0, time.UTC) }

// clocked is an authority whose clock the test sets.
type clocked struct {
	*timestamptest.Authority
	at time.Time
}

func (c *clocked) Stamp(_ context.Context, message []byte, hash crypto.Hash) ([]byte, error) {
	return c.Token(message, hash, c.at), nil
}

func authority(name string, from, until int) *clocked {
	return &clocked{timestamptest.New(name, year(from), year(until)), year(from)}
}

func (c *clocked) trusted(name string) *timestamp.Authority {
	return &timestamp.Authority{Name: name, Chain: []*x509.Certificate{c.Root}}
}

// stampedAt lets authorities stamp image at a time.
func stampedAt(t *testing.T, image []byte, at time.Time, renew bool, by ...*clocked) []byte {
	t.Helper()
	name := t.TempDir() + "/paper.sif"
	if err := os.WriteFile(name, image, 0o600); err != nil {
		t.Fatal(err)
	}
	var all []sign.Stamper
	for _, c := range by {
		c.at = at
		all = append(all, c)
	}
	if _, err := sign.Timestamp(ctx, name, all, renew, sign.Options{}); err != nil {
		t.Fatal(err)
	}
	return read(t, name)
}

// TestTwentyYears moves the clock over a key, two authorities and a hash, which
// end one after the other.
func TestTwentyYears(t *testing.T) {
	k, err := key.New(key.OpenPGP, key.Options{Algorithm: key.Ed25519, Name: "Alice", Time: made, Lifetime: 2 * 365 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	first, second, third := authority("first", 2026, 2031), authority("second", 2030, 2041), authority("third", 2040, 2050)
	plain := signedBy(t, k)
	anchored := stampedAt(t, plain, made.Add(time.Hour), false, first)
	renewed := stampedAt(t, anchored, year(2030).Add(time.Hour), false, second)
	strong := stampedAt(t, renewed, year(2040).Add(time.Hour), true, third)
	late := stampedAt(t, plain, year(2029), false, first)

	one := first.trusted("First")
	failed := first.trusted("First")
	failed.Compromised = year(2035)
	all := []*timestamp.Authority{one, second.trusted("Second"), third.trusted("Third")}
	failing := append([]*timestamp.Authority{failed}, all[1:]...)
	broken := map[crypto.Hash]time.Time{crypto.SHA256: year(2043)}
	const since = "2026-03-01T13:00:00Z"

	for _, c := range []struct {
		name   string
		image  []byte
		now    time.Time
		trust  timestamp.Trust
		status string
		at     string
	}{
		{"in force", plain, year(2027), timestamp.Trust{}, report.SignatureValid, ""},
		{"key expired", plain, year(2029), timestamp.Trust{Authorities: all}, report.SignatureUnanchored, ""},
		{"key expired, stamped before", anchored, year(2029), timestamp.Trust{Authorities: all}, report.SignatureValid, since},
		{"key expired, stamped before by somebody", anchored, year(2029), timestamp.Trust{}, report.SignatureUnanchored, ""},
		{"key expired, stamped after", late, year(2029), timestamp.Trust{Authorities: all}, report.SignatureUnanchored, "2029-03-01T12:00:00Z"},
		{"authority's certificates expired", anchored, year(2046), timestamp.Trust{Authorities: all}, report.SignatureValid, since},
		{"two asked, one stamped in time", renewed, year(2046), timestamp.Trust{Authorities: all, Least: 2}, report.SignatureUnanchored, "2030-03-01T13:00:00Z"},
		{"authority not yet compromised", anchored, year(2034), timestamp.Trust{Authorities: failing}, report.SignatureValid, since},
		{"authority compromised", anchored, year(2036), timestamp.Trust{Authorities: failing}, report.SignatureUnanchored, ""},
		{"authority compromised, renewed before", renewed, year(2036), timestamp.Trust{Authorities: failing}, report.SignatureValid, since},
		{"who renewed is not believed", renewed, year(2036), timestamp.Trust{Authorities: failing[:1]}, report.SignatureUnanchored, ""},
		{"hash broken", renewed, year(2044), timestamp.Trust{Authorities: all, Broken: broken}, report.SignatureUnanchored, ""},
		{"hash broken, renewed with a stronger", strong, year(2044), timestamp.Trust{Authorities: all, Broken: broken}, report.SignatureValid, since},
		{"both", strong, year(2046), timestamp.Trust{Authorities: failing, Broken: broken}, report.SignatureValid, since},
	} {
		trust := trusting(k)
		trust.Times = c.trust
		r, err := run(c.image, trust, verify.Options{Now: c.now})
		if err != nil { // unanchored counts without a policy
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if st := r.Signatures[0]; st.Status != c.status || st.AnchoredAt != c.at {
			t.Errorf("%s: %s (%s), anchored at %q, want %s at %q", c.name, st.Status, st.Problem, st.AnchoredAt, c.status, c.at)
		}
		p := &policy.Policy{People: []policy.Person{{ID: "alice", Keys: []policy.Key{{Fingerprint: k.Fingerprint(), Public: k.Public()}}}},
			Require: []policy.Rule{{Persons: 1}}}
		trust.Policy = p
		if _, err := run(c.image, trust, verify.Options{Now: c.now}); (err == nil) != (c.status == report.SignatureValid) {
			t.Errorf("%s, by a policy: %v", c.name, err)
		}
	}
	// Time that is over is said, and renewal ends that.
	for image, want := range map[*[]byte]bool{&anchored: true, &renewed: false} {
		trust := trusting(k)
		trust.Times.Authorities = all
		r, _ := run(*image, trust, verify.Options{Now: year(2036)})
		if said := strings.Contains(r.Times[0].Problem, "--renew"); said != want {
			t.Errorf("times %+v", r.Times)
		}
	}
}

// TestWindows: a key that somebody trusted until a day.
func TestTimesOfTrust(t *testing.T) {
	pgp, pem := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.PEM, "")
	tsa := authority("lab", 2026, 2040)
	image := stampedAt(t, signedBy(t, pem, pgp), year(2027), false, tsa)
	for _, c := range []struct {
		until     time.Time
		anchored  bool
		envelope  string
		clearsign string
	}{
		{year(2028), true, report.SignatureValid, report.SignatureValid},
		{year(2028), false, report.SignatureExpired, report.SignatureUnanchored},
		{year(2027), true, report.SignatureExpired, report.SignatureUnanchored},
	} {
		var trust verify.Trust
		trust.Add(pgp.Public(), "", key.Window{Until: c.until})
		trust.Add(pem.Public(), "", key.Window{Until: c.until})
		if c.anchored {
			trust.Times.Authorities = []*timestamp.Authority{tsa.trusted("Lab")}
		}
		r, _ := run(image, trust, verify.Options{Now: year(2030)})
		if got := statuses(r); len(got) != 2 || got[0] != c.envelope || got[1] != c.clearsign {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// TestRecordAttacks alters a record, and puts it where it does not belong: no
// signature gets a time by it.
func TestRecordAttacks(t *testing.T) {
	k, other := newKey(t, key.PEM, ""), newKey(t, key.PEM, "")
	tsa := authority("lab", 2026, 2040)
	at := year(2027)
	genuine := lastRecord(t, stampedAt(t, signedBy(t, k), at, true, tsa))
	same := lastRecord(t, stampedAt(t, signedBy(t, other), at, false, tsa))
	name := image(t, "another shell")
	if _, err := sign.Image(ctx, name, k, sign.Options{}); err != nil {
		t.Fatal(err)
	}
	elsewhere := lastRecord(t, stampedAt(t, read(t, name), at, false, tsa))
	change := func(f func(*timerecord.Record)) []byte {
		r, err := timerecord.Parse(genuine)
		if err != nil {
			t.Fatal(err)
		}
		f(r)
		return r.Encode()
	}
	stolen, err := timerecord.Parse(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		record []byte
		status string
	}{
		"of another image":            {elsewhere, report.TimeOther},
		"of another signature":        {same, report.TimeCounts},
		"token of another record":     {change(func(r *timerecord.Record) { r.Tokens = stolen.Tokens }), report.TimeWeak},
		"another signature added":     {change(func(r *timerecord.Record) { r.Add([]byte("later")) }), report.TimeOther},
		"a signature taken away":      {change(func(r *timerecord.Record) { r.Evidence[0][0] ^= 1 }), report.TimeOther},
		"content replaced":            {change(func(r *timerecord.Record) { r.Content[0] ^= 1 }), report.TimeOther},
		"an object replaced":          {change(func(r *timerecord.Record) { r.Objects[1][0] ^= 1 }), report.TimeOther},
		"an object left out":          {change(func(r *timerecord.Record) { r.Objects = r.Objects[1:] }), report.TimeOther},
		"another hash than the token": {change(func(r *timerecord.Record) { r.Hash = crypto.SHA384 }), report.TimeMalformed},
		"token cut":                   {change(func(r *timerecord.Record) { r.Tokens[0] = r.Tokens[0][:40] }), report.TimeMalformed},
		"token with a tail":           {change(func(r *timerecord.Record) { r.Tokens[0] = append(r.Tokens[0], 0) }), report.TimeMalformed},
		"written with a space":        {append(bytes.Clone(genuine), ' '), report.TimeMalformed},
		"stamped by a stranger": {change(func(r *timerecord.Record) {
			r.Tokens = [][]byte{authority("lab", 2026, 2040).Token(r.Message(), r.Hash, at)}
		}), report.TimeUnknown},
		"stamped in the future": {change(func(r *timerecord.Record) {
			r.Tokens = [][]byte{tsa.Token(r.Message(), r.Hash, year(2031))}
		}), report.TimeInvalid},
	} {
		trust := trusting(k)
		trust.Times.Authorities = []*timestamp.Authority{tsa.trusted("Lab")}
		r, err := run(signedBy(t, k), trust, verify.Options{Now: year(2030), Detached: [][]byte{c.record}, Classic: true})
		if err != nil {
			t.Fatal(name, err)
		}
		if len(r.Times) != 1 || r.Times[0].Status != c.status || r.Signatures[0].AnchoredAt != "" {
			t.Errorf("%s: %+v, want %s; anchored at %q", name, r.Times, c.status, r.Signatures[0].AnchoredAt)
		}
	}
	// The same authority twice is one.
	trust := trusting(k)
	trust.Times = timestamp.Trust{Authorities: []*timestamp.Authority{tsa.trusted("Lab")}, Least: 2}
	twice := change(func(r *timerecord.Record) {
		r.Tokens = append(r.Tokens, tsa.Token(r.Message(), r.Hash, at.Add(time.Hour)))
	})
	r, err := run(signedBy(t, k), trust, verify.Options{Now: year(2030), Detached: [][]byte{twice}})
	if err != nil || len(r.Times) != 2 || r.Times[1].Status != report.TimeCounts || r.Signatures[0].AnchoredAt != "" {
		t.Errorf("%v %+v", err, r)
	}
}

// TestRecordDescriptor: nothing signs the fields of a record's descriptor.
func TestRecordDescriptor(t *testing.T) {
	k, tsa := newKey(t, key.PEM, ""), authority("lab", 2026, 2040)
	image := stampedAt(t, signedBy(t, k), year(2027), false, tsa)
	trust := trusting(k)
	trust.Times.Authorities = []*timestamp.Authority{tsa.trusted("Lab")}
	n := len(objectsOf(t, image))
	for _, at := range []int{extra, extra + 4} { // hash type, entity
		b := bytes.Clone(image)
		b[slot(n)+at] ^= 3
		r, _ := run(b, trust, verify.Options{Now: year(2030)})
		if len(r.Times) != 1 || r.Times[0].Status != report.TimeMalformed {
			t.Errorf("field at %d: %+v", at, r.Times)
		}
	}
	if r, err := run(image, trust, verify.Options{Now: year(2030)}); err != nil || r.Times[0].Status != report.TimeCounts || r.Times[0].ObjectID != uint32(n) {
		t.Error(err, r.Times)
	}
}

func objectsOf(t *testing.T, b []byte) []format.Object {
	t.Helper()
	im, err := format.New(bytes.NewReader(b), int64(len(b)), "paper.sif")
	if err != nil {
		t.Fatal(err)
	}
	return im.Objects()
}

// lastRecord returns the bytes of the last object.
func lastRecord(t *testing.T, b []byte) []byte {
	t.Helper()
	objects := objectsOf(t, b)
	o := objects[len(objects)-1]
	return b[o.Offset : o.Offset+o.Size]
}
