// Package statement holds what attestations say: in-toto statements (version 1)
// about an image, as values and as bytes. Who signed one is for others.
//
//	{"_type":"https://in-toto.io/Statement/v1",
//	 "subject":[{"name":"content","digest":{"sha256":"…"}},
//	            {"name":"manifest.json","digest":{"sha256":"…"}}, …],
//	 "predicateType":"https://repro.dev/attestation/reproduction/v1",
//	 "predicate":{…}}
//
// The first subject is the content id, which names the image whoever signed
// it; the others are its objects, so that an extracted one can be checked
// alone. Statements of this project's own kinds are canonical JSON, and each
// says nothing but what its kind has. Those of other kinds are read as far as
// their subjects. SPEC.md, part ATT.
package statement

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"repro/format/manifest"
)

// PayloadType is the type of the payload of an envelope that holds a statement.
const PayloadType = "application/vnd.in-toto+json"

const (
	typeV1  = "https://in-toto.io/Statement/v1"
	typeV01 = "https://in-toto.io/Statement/v0.1" // what cosign writes
)

// contentName is the name of the subject that is the content id.
const contentName = "content"

// Limits on statements.
const (
	MaxSize     = 2 << 20 // bytes; in base64 it fits into an object
	maxSubjects = 1024
	maxResults  = 100_000 // of results, steps and the like
	maxWords    = 64 << 10
	maxLine     = 1024
)

// ErrMalformed is wrapped by all errors about the bytes of a statement.
var ErrMalformed = errors.New("malformed statement")

func malformed(text string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(text, args...))
}

// Subject is one thing that a statement is about.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"` // by algorithm, in hexadecimal
}

func subject(name string, d manifest.Digest) Subject {
	return Subject{name, map[string]string{"sha256": strings.TrimPrefix(string(d), "sha256:")}}
}

// sha256 returns the digest of s; empty if it states none.
func (s Subject) sha256() manifest.Digest {
	h := s.Digest["sha256"]
	if b, err := hex.DecodeString(h); err != nil || len(b) != 32 || h != strings.ToLower(h) {
		return ""
	}
	return manifest.Digest("sha256:" + h)
}

// Image is what a statement about an image must agree with.
type Image struct {
	ContentID manifest.Digest
	Manifest  manifest.Digest // of the manifest object
	Objects   []manifest.Object
	Results   []string // names of its results and claims, in the order of the manifest
	Steps     []string // names of its steps
}

// ImageOf returns what statements are about: the image with the content id that
// binds m, the bytes of whose object have digest d.
func ImageOf(id, d manifest.Digest, m *manifest.Manifest) Image {
	im := Image{ContentID: id, Manifest: d, Objects: m.Objects}
	for _, r := range m.Results {
		im.Results = append(im.Results, r.Name)
	}
	for _, c := range m.Claims {
		im.Results = append(im.Results, c.Name)
	}
	for _, s := range m.Steps {
		im.Steps = append(im.Steps, s.Name)
	}
	return im
}

// subjects lists what a statement of our own is about. SPEC.md, ATT-2.
func (im Image) subjects() []Subject {
	all := []Subject{subject(contentName, im.ContentID), subject("manifest.json", im.Manifest)}
	for _, o := range im.Objects {
		all = append(all, subject(o.Name, o.Digest))
	}
	return all
}

// Statement is one statement. Exactly one of Reproduction and Opinion is set if
// it is of one of this project's kinds.
type Statement struct {
	Kind          Kind // empty for a predicate that is not known here
	PredicateType string
	ContentID     manifest.Digest   // of the image that it is about; empty if the first subject is none
	Digests       []manifest.Digest // of all subjects
	Reproduction  *Reproduction
	Opinion       *Opinion
	Test          *TestResult

	subjects []Subject
}

// Said returns what the signer says of himself; nil for other kinds.
func (s *Statement) Said() *Said {
	switch {
	case s.Reproduction != nil:
		return &s.Reproduction.Said
	case s.Opinion != nil:
		return &s.Opinion.Said
	}
	return nil
}

type document[P any] struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     P         `json:"predicate"`
}

// encode returns the statement that says p of the image.
func encode(im Image, k Kind, p any) ([]byte, error) {
	b, err := manifest.Marshal(document[any]{typeV1, im.subjects(), k.predicateType(), p})
	if err == nil && len(b) > MaxSize {
		err = fmt.Errorf("statement of %d bytes, at most %d are read", len(b), MaxSize)
	}
	return b, err
}

// Parse reads a statement. Errors wrap [ErrMalformed]. SPEC.md, ATT-1.
func Parse(b []byte) (*Statement, error) {
	if len(b) > MaxSize {
		return nil, malformed("%d bytes, at most %d are read", len(b), MaxSize)
	}
	if err := noDoubles(b); err != nil {
		return nil, malformed("%v", err)
	}
	var d document[json.RawMessage]
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, malformed("%v", err)
	}
	s := &Statement{Kind: kindOf(d.PredicateType), PredicateType: d.PredicateType, subjects: d.Subject}
	switch {
	case d.Type != typeV1 && (d.Type != typeV01 || s.Kind.own()):
		return nil, malformed("_type %.80q, want %s", d.Type, typeV1)
	case d.PredicateType == "" || len(d.PredicateType) > maxLine || !isLine(d.PredicateType):
		return nil, malformed("predicateType is not a line of text")
	case len(d.Subject) == 0 || len(d.Subject) > maxSubjects:
		return nil, malformed("%d subjects, want 1 to %d", len(d.Subject), maxSubjects)
	case len(d.Predicate) == 0 || d.Predicate[0] != '{':
		return nil, malformed("predicate: want an object")
	}
	for _, x := range d.Subject {
		digest := x.sha256()
		if digest == "" {
			return nil, malformed("subject %.80q: want a sha256 in lower-case hexadecimal", x.Name)
		}
		s.Digests = append(s.Digests, digest)
	}
	if d.Subject[0].Name == contentName {
		s.ContentID = s.Digests[0]
	}
	if err := s.predicate(b, d.Predicate); err != nil {
		return nil, malformed("%s: %v", s.Kind, err)
	}
	return s, nil
}

// About says what the statement has to do with an image: nil if it is about
// this one, as a whole. [ErrAnother] is wrapped if it is about something else.
// SPEC.md, ATT-3.
func (s *Statement) About(im Image) error {
	if !s.Kind.own() {
		if slices.Contains(s.Digests, im.ContentID) {
			return nil
		}
		return fmt.Errorf("%w: none of its %d subjects is the content id of this one", ErrAnother, len(s.Digests))
	}
	if s.ContentID != im.ContentID {
		return fmt.Errorf("%w: %s", ErrAnother, s.ContentID)
	}
	want := im.subjects()
	if len(want) != len(s.subjects) {
		return malformed("it names %d subjects, this image has %d", len(s.subjects), len(want))
	}
	for i, x := range s.subjects {
		if x.Name != want[i].Name || len(x.Digest) != 1 || x.sha256() != want[i].sha256() {
			return malformed("subject %.80q is not object %q of this image", x.Name, want[i].Name)
		}
	}
	if s.Reproduction != nil {
		return s.Reproduction.covers(im)
	}
	return nil
}

// ErrAnother says that a statement is about another image, perhaps a former
// edition.
var ErrAnother = errors.New("about another image")

// noDoubles refuses objects with two members of one name, text behind the
// document, and what nests too deeply.
func noDoubles(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	const maxDepth = 32
	var open []map[string]bool // nil for lists
	key := false               // a name comes next
	for {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		var top map[string]bool
		if len(open) > 0 {
			top = open[len(open)-1]
		}
		switch t := t.(type) {
		case json.Delim:
			switch t {
			case '{', '[':
				var members map[string]bool
				if t == '{' {
					members = map[string]bool{}
				}
				open, key = append(open, members), t == '{'
			default:
				open = open[:len(open)-1]
				key = len(open) > 0 && open[len(open)-1] != nil
			}
			if len(open) > maxDepth {
				return fmt.Errorf("nested more than %d deep", maxDepth)
			}
		case string:
			if key {
				if top[t] {
					return fmt.Errorf("member %.80q stands there twice", t)
				}
				top[t], key = true, false
				continue
			}
			key = top != nil
		default:
			key = top != nil
		}
		if len(open) == 0 {
			break
		}
	}
	if _, err := dec.Token(); err == nil {
		return errors.New("text after the end of the document")
	}
	return nil
}
