package main

import "time"

// vector is one question about an image and what is attested of it.
type vector struct {
	Name     string   `json:"name"`
	Did      string   `json:"did"`
	Image    string   `json:"image"`            // the file that is verified
	Detached []string `json:"detached"`         // files of attestations to count
	Keys     []string `json:"keys,omitempty"`   // files of the public keys to trust
	Policy   string   `json:"policy,omitempty"` // in place of keys
	Now      string   `json:"now"`
	Statuses []string `json:"statuses"` // of the attestations, in the order of slots and files
	Verdict  string   `json:"verdict"`  // of the image; refused: the policy is, as a whole
	Exit     int      `json:"exit"`     // status of repro verify
	make     maker
}

type maker func(*base) (output, error)

// Statuses and verdicts.
const (
	valid      = "valid"
	unanchored = "unanchored"
	invalid    = "invalid"
	unknown    = "unknown signer"
	broken     = "malformed"
	elsewhere  = "another image"
	withdrawn  = "withdrawn"
	expired    = "expired"
	revoked    = "revoked"

	accepted = "signed"
	unsigned = "not signed"
	badFile  = "malformed"
	refused  = "refused"
)

var exits = map[string]int{accepted: 0, unsigned: 3, badFile: 4, refused: 1}

// v is a vector in which the image itself passes.
func v(name, status, did string, make maker) vector { return about(name, accepted, did, make, status) }

func about(name, verdict, did string, make maker, statuses ...string) vector {
	if statuses == nil {
		statuses = []string{}
	}
	return vector{
		Name: name, Did: did, Image: paper, Now: now.Format(time.RFC3339),
		Keys:     []string{"alice.pub", "bob.pub", "carol.pub", "expired.pub", "later.pub", "compromised.pub"},
		Statuses: statuses, Verdict: verdict, Exit: exits[verdict], make: make,
	}
}

// p is a vector with a policy.
func p(name, verdict, did string, make maker, statuses ...string) vector {
	w := about(name, verdict, did, make, statuses...)
	w.Keys = nil
	return w
}

var vectors = concat(good, bundles, envelopes, statements, keys, objects, counted, files)

func concat(lists ...[]vector) (all []vector) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
