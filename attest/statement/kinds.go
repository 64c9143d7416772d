package statement

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"repro/format/manifest"
	"repro/internal/form"
)

// Kind is what sort of statement it is, in the words of commands and reports.
type Kind string

// The kinds that are known here. SPEC.md, ATT-4.
const (
	KindReproduction Kind = "reproduction" // the steps were run again, and this came out
	KindReview       Kind = "review"       // somebody read it, and says what he found
	KindEndorsement  Kind = "endorsement"  // somebody stands up for it
	KindCorrection   Kind = "correction"   // something of it is wrong
	KindWithdrawal   Kind = "withdrawal"   // it, or an earlier statement, holds no longer
	KindTestResult   Kind = "test-result"  // in-toto's, for programs that know no other
	KindSVR          Kind = "svr"          // in-toto's simple verification result
)

const ours = "https://repro.dev/attestation/"

// kinds gives each kind's predicate type.
var kinds = []struct {
	kind Kind
	uri  string
}{
	{KindReproduction, ours + "reproduction/v1"},
	{KindReview, ours + "review/v1"},
	{KindEndorsement, ours + "endorsement/v1"},
	{KindCorrection, ours + "correction/v1"},
	{KindWithdrawal, ours + "withdrawal/v1"},
	{KindTestResult, "https://in-toto.io/attestation/test-result/v0.1"},
	{KindSVR, "https://in-toto.io/attestation/svr/v0.1"},
}

// kindOf compares the whole type: one that only looks alike is of no kind.
func kindOf(uri string) Kind {
	for _, k := range kinds {
		if k.uri == uri {
			return k.kind
		}
	}
	return ""
}

func (k Kind) predicateType() string {
	for _, row := range kinds {
		if row.kind == k {
			return row.uri
		}
	}
	return ""
}

// own reports whether k is a kind of this project.
func (k Kind) own() bool { return strings.HasPrefix(k.predicateType(), ours) }

// IsOpinion reports whether statements of the kind are words without a run.
func (k Kind) IsOpinion() bool { return k.own() && k != KindReproduction }

// Said is what the signer of a statement says of himself and of when. SPEC.md,
// ATT-5.
type Said struct {
	Role      string           `json:"role"`                // reviewer, author, editor: a word; a claim, as long as no policy says so
	By        *manifest.Author `json:"by,omitempty"`        // a claim, too
	Conflicts string           `json:"conflicts,omitempty"` // of interest: "none", or what they are
	Words     string           `json:"words,omitempty"`     // what he wants to say
	Made      string           `json:"made"`                // RFC 3339, UTC, whole seconds
}

// When returns the time that the signer states.
func (s *Said) When() time.Time {
	t, _ := time.Parse(time.RFC3339, s.Made)
	return t
}

func (s *Said) check() error {
	t, err := time.Parse(time.RFC3339, s.Made)
	switch {
	case !form.IsWord(s.Role):
		return fmt.Errorf("role %.80q: want one word", s.Role)
	case err != nil || s.Made != t.UTC().Format(time.RFC3339):
		return fmt.Errorf("made %.80q: want a time in UTC such as 2026-03-01T12:00:00Z", s.Made)
	case len(s.Words) > maxWords || !isText(s.Words):
		return fmt.Errorf("words: want at most %d bytes without characters that hide or move others", maxWords)
	case len(s.Conflicts) > maxWords || !isText(s.Conflicts):
		return fmt.Errorf("conflicts: want at most %d bytes without characters that hide or move others", maxWords)
	}
	if s.By == nil {
		return nil
	}
	for _, line := range []string{s.By.Name, s.By.ORCID, s.By.Affiliation, s.By.Email} {
		if len(line) > maxLine || !isLine(line) {
			return fmt.Errorf("by: want lines of text of at most %d bytes", maxLine)
		}
	}
	return nil
}

// Opinion is a statement in words. SPEC.md, ATT-8.
type Opinion struct {
	Said
	Of manifest.Digest `json:"of,omitempty"` // the payload of an earlier statement that it speaks of; empty: the image
}

func (o *Opinion) check(k Kind) error {
	switch {
	case strings.TrimSpace(o.Words) == "":
		return fmt.Errorf("words: missing")
	case o.Conflicts == "" && (k == KindReview || k == KindEndorsement):
		return fmt.Errorf("conflicts: missing: \"none\", if there are none")
	case o.Of != "" && subject("", o.Of).sha256() != o.Of:
		return fmt.Errorf("of: want sha256: and 64 digits")
	}
	return o.Said.check()
}

// Opine returns the statement of kind k about the image. Errors are about o.
func Opine(im Image, k Kind, o Opinion) ([]byte, error) {
	if !k.IsOpinion() {
		return nil, fmt.Errorf("kind %q: want review, endorsement, correction or withdrawal", k)
	}
	if err := o.check(k); err != nil {
		return nil, err
	}
	return encode(im, k, o)
}

// predicate reads the predicate of the statement b.
func (s *Statement) predicate(b []byte, raw json.RawMessage) error {
	switch {
	case s.Kind == KindReproduction:
		var d document[Reproduction]
		if err := manifest.Unmarshal(b, &d); err != nil {
			return err
		}
		s.Reproduction = &d.Predicate
		return d.Predicate.check()
	case s.Kind.IsOpinion():
		var d document[Opinion]
		if err := manifest.Unmarshal(b, &d); err != nil {
			return err
		}
		s.Opinion = &d.Predicate
		return d.Predicate.check(s.Kind)
	case s.Kind == KindTestResult:
		s.Test = &TestResult{}
		if err := json.Unmarshal(raw, s.Test); err != nil {
			return err
		}
		return s.Test.check()
	}
	return nil
}

// isLine accepts what a person sees, on one line.
func isLine(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, isHidden) }

func isText(s string) bool { return isLine(strings.ReplaceAll(s, "\n", "")) }

func isHidden(c rune) bool { return !unicode.IsGraphic(c) || c == utf8.RuneError }
