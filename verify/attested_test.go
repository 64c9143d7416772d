package verify_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"repro/format"
	"repro/key"
	"repro/report"
	"repro/verify"
	"repro/verify/policy"
)

const attested = "../testdata/vectors/attestation"

// TestAttestationVectors asks about each vector of internal/vectors/attestation.
func TestAttestationVectors(t *testing.T) {
	var vectors []struct {
		Name, Image, Policy, Verdict string
		Detached, Keys, Statuses     []string
		Now                          time.Time
		Exit                         int
	}
	if err := json.Unmarshal(read(t, filepath.Join(attested, "vectors.json")), &vectors); err != nil || len(vectors) < 120 {
		t.Fatalf("%d vectors: %v", len(vectors), err)
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			var trust verify.Trust
			for _, name := range v.Keys {
				p, err := key.ParsePublic(read(t, filepath.Join(attested, name)))
				if err != nil {
					t.Fatal(err)
				}
				trust.Keys = append(trust.Keys, p)
			}
			if v.Policy != "" {
				p, err := policy.Parse(v.Policy, read(t, filepath.Join(attested, v.Policy)))
				if v.Verdict == "refused" {
					if err == nil || v.Exit != 1 {
						t.Errorf("the policy is taken")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				trust.Policy = p
			}
			options := verify.Options{Now: v.Now}
			for _, name := range v.Detached {
				options.Detached = append(options.Detached, read(t, filepath.Join(attested, name)))
			}
			r, err := run(unpack(t, filepath.Join(attested, v.Image)), trust, options)
			want, exit := map[string]error{
				report.ImageSigned: nil, report.ImageNotSigned: verify.ErrNotSigned, report.ImageMalformed: format.ErrMalformed,
			}[v.Verdict], map[string]int{report.ImageSigned: 0, report.ImageNotSigned: 3, report.ImageMalformed: 4}[v.Verdict]
			if r.Verdict != v.Verdict || !errors.Is(err, want) || exit != v.Exit {
				t.Errorf("verdict %q (%v), want %q and exit status %d", r.Verdict, err, v.Verdict, v.Exit)
			}
			got := []string{}
			for _, a := range r.Attestations {
				got = append(got, a.Status)
				attestedSoundly(t, a)
			}
			if !slices.Equal(got, v.Statuses) {
				t.Errorf("statuses %q, want %q: %+v", got, v.Statuses, r.Attestations)
			}
		})
	}
}

// attestedSoundly holds what must be true of every attestation in a report:
// only what counts is trusted, and nobody's words are repeated whose signature
// is not good.
func attestedSoundly(t *testing.T, a report.Attestation) {
	t.Helper()
	if a.Trusted && a.Status != report.SignatureValid && a.Status != report.SignatureUnanchored {
		t.Errorf("%s counts", a.Status)
	}
	switch a.Status {
	case report.SignatureUnknown, report.SignatureMalformed, report.SignatureRevoked:
		if a.Words+a.Outcome != "" && !strings.Contains(a.Problem, "malformed statement") {
			t.Errorf("%s, and yet %q %q", a.Status, a.Words, a.Outcome)
		}
	}
	if a.Status != report.SignatureUnknown && (a.Status == report.SignatureValid) != (a.Problem == "") {
		t.Errorf("%s: problem %q", a.Status, a.Problem)
	}
}
