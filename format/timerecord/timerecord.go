// Package timerecord reads and writes time records: the objects of an image
// that hold time stamps (RFC 3161) over its signatures and attestations.
//
// A record is one line of JSON. It lists the hashes of what was there, and the
// stamps of one or several authorities over that list:
//
//	{"timeRecord":1,"hash":"sha256","content":"HEX","evidence":["HEX",…],"tokens":["BASE64",…]}
//
// What is stamped is the record without its tokens, so that one request to
// each authority covers everything:
//
//	{"timeRecord":1,"hash":"sha256","content":"HEX","evidence":["HEX",…]}
//
// The hash of a signature is that of its own bytes, so that it does not matter
// what joins an envelope or a bundle later. A record may cover earlier records:
// with a stronger hash, it also lists hashes of the contents of all objects, and
// takes over when the earlier hash or authority no longer proves anything (the
// idea of RFC 4998, section 5). SPEC.md, part TSP.
package timerecord

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // the hashes of records
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Limits on a record. SPEC.md, TSP-2.
const (
	MaxSize     = 1 << 20 // bytes
	MaxTokens   = 16
	maxToken    = 64 << 10
	maxEvidence = 4096
	maxObjects  = 112 // descriptors of an image
)

// ErrMalformed is wrapped by all errors about the bytes of a record.
var ErrMalformed = errors.New("malformed time record")

func malformed(text string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(text, args...))
}

// Hashes gives the names of the hashes that records are made with, weakest
// first.
var Hashes = []struct {
	Name string
	Hash crypto.Hash
}{{"sha256", crypto.SHA256}, {"sha384", crypto.SHA384}, {"sha512", crypto.SHA512}}

// Record is a list of what was there, and the stamps over it. SPEC.md, TSP-1 and
// TSP-3.
type Record struct {
	Hash     crypto.Hash // of all that it lists
	Content  []byte      // hash of the integrity metadata, which signatures are over
	Objects  [][]byte    // hashes of the contents of all objects that the manifest binds, and of the manifest, in their order; not with SHA-256, where the metadata have them
	Evidence [][]byte    // hashes of signatures and of earlier records, ascending
	Tokens   [][]byte    // DER of time-stamp responses over Message
}

type recordJSON struct {
	Version  int      `json:"timeRecord"`
	Hash     string   `json:"hash"`
	Content  string   `json:"content"`
	Objects  []string `json:"objects,omitempty"`
	Evidence []string `json:"evidence"`
	Tokens   []string `json:"tokens,omitempty"`
}

// Sum is the hash of b as the record lists it.
func (r *Record) Sum(b []byte) []byte {
	h := r.Hash.New()
	h.Write(b)
	return h.Sum(nil)
}

// Add lists evidence, if it is not listed yet.
func (r *Record) Add(evidence []byte) {
	sum := r.Sum(evidence)
	if at, found := slices.BinarySearchFunc(r.Evidence, sum, bytes.Compare); !found {
		r.Evidence = slices.Insert(r.Evidence, at, sum)
	}
}

// Covers reports whether the record lists evidence.
func (r *Record) Covers(evidence []byte) bool {
	_, found := slices.BinarySearchFunc(r.Evidence, r.Sum(evidence), bytes.Compare)
	return found
}

// Message is what the tokens are over. SPEC.md, TSP-4.
func (r *Record) Message() []byte { return r.encode(false) }

// Encode returns the bytes of the record.
func (r *Record) Encode() []byte { return r.encode(true) }

func (r *Record) encode(tokens bool) []byte {
	j := recordJSON{Version: 1, Content: hex.EncodeToString(r.Content), Objects: hexAll(r.Objects), Evidence: hexAll(r.Evidence)}
	for _, h := range Hashes {
		if h.Hash == r.Hash {
			j.Hash = h.Name
		}
	}
	if tokens {
		for _, t := range r.Tokens {
			j.Tokens = append(j.Tokens, base64.StdEncoding.EncodeToString(t))
		}
	}
	b, _ := json.Marshal(j) // structs of strings do not fail
	return b
}

func hexAll(hashes [][]byte) []string {
	all := make([]string, len(hashes))
	for i, h := range hashes {
		all[i] = hex.EncodeToString(h)
	}
	return all
}

// Is reports whether b is to be read as a record, whole or not.
func Is(b []byte) bool { return bytes.HasPrefix(b, []byte(`{"timeRecord":`)) }

// Parse reads a record. It takes only the bytes that [Record.Encode] would
// write, so that nothing can hide in one. The tokens are not looked at.
func Parse(b []byte) (*Record, error) {
	if len(b) > MaxSize {
		return nil, malformed("%d bytes, at most %d are read", len(b), MaxSize)
	}
	var j recordJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return nil, malformed("%v", err)
	}
	r := &Record{}
	for _, h := range Hashes {
		if h.Name == j.Hash {
			r.Hash = h.Hash
		}
	}
	switch {
	case j.Version != 1:
		return nil, malformed("version %d, want 1", j.Version)
	case r.Hash == 0:
		return nil, malformed("hash %.80q is none of sha256, sha384 and sha512", j.Hash)
	case len(j.Tokens) == 0 || len(j.Tokens) > MaxTokens:
		return nil, malformed("%d tokens, want 1 to %d", len(j.Tokens), MaxTokens)
	case len(j.Evidence) == 0 || len(j.Evidence) > maxEvidence:
		return nil, malformed("%d pieces of evidence, want 1 to %d", len(j.Evidence), maxEvidence)
	case len(j.Objects) > maxObjects || (len(j.Objects) == 0) != (r.Hash == crypto.SHA256):
		return nil, malformed("%d objects with hash %s", len(j.Objects), j.Hash)
	}
	if err := r.fill(&j); err != nil {
		return nil, err
	}
	if !slices.IsSortedFunc(r.Evidence, bytes.Compare) || len(slices.CompactFunc(slices.Clone(r.Evidence), bytes.Equal)) != len(r.Evidence) {
		return nil, malformed("the evidence is not in ascending order")
	}
	if !bytes.Equal(r.Encode(), b) {
		return nil, malformed("not as it would be written back")
	}
	return r, nil
}

func (r *Record) fill(j *recordJSON) error {
	content, err := r.hashes([]string{j.Content})
	if err != nil {
		return err
	}
	r.Content = content[0]
	if r.Objects, err = r.hashes(j.Objects); err != nil {
		return err
	}
	if r.Evidence, err = r.hashes(j.Evidence); err != nil {
		return err
	}
	for _, text := range j.Tokens {
		token, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(token) == 0 || len(token) > maxToken {
			return malformed("token of %d bytes: want base64 of at most %d bytes", len(token), maxToken)
		}
		r.Tokens = append(r.Tokens, token)
	}
	return nil
}

func (r *Record) hashes(text []string) ([][]byte, error) {
	var all [][]byte
	for _, t := range text {
		b, err := hex.DecodeString(t)
		if err != nil || len(b) != r.Hash.Size() {
			return nil, malformed("%.160q is not a hash of %d bytes in hexadecimal", t, r.Hash.Size())
		}
		all = append(all, b)
	}
	return all, nil
}
