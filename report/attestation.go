package report

import "repro/format/manifest"

// What `repro verify` finds about an attestation, besides what it finds about
// signatures.
const (
	AttestationElsewhere = "another image" // it is about another image, perhaps a former edition of this one
	AttestationWithdrawn = "withdrawn"     // its signer took it back
)

// Attestation is what was found about one statement that somebody signed about
// an image. What it says is there only if its signature is good.
type Attestation struct {
	ObjectID    uint32           `json:"objectId,omitempty"` // 0 outside the image
	Kind        string           `json:"kind,omitempty"`     // reproduction, review, …; empty: not known here
	Type        string           `json:"type,omitempty"`     // in-toto's predicate type
	Status      string           `json:"status"`             // SignatureValid and so on, AttestationElsewhere, AttestationWithdrawn
	Fingerprint string           `json:"fingerprint,omitempty"`
	Signer      string           `json:"signer,omitempty"`     // user id or the name the caller gave
	Person      string           `json:"person,omitempty"`     // whose key it is by the policy
	Roles       []string         `json:"roles,omitempty"`      // of that person
	Trusted     bool             `json:"trusted"`              // about this image, by a key that the caller named
	Time        string           `json:"time,omitempty"`       // of the signature, by the signer's own word
	AnchoredAt  string           `json:"anchoredAt,omitempty"` // it was there then, by the word of AnchoredBy
	AnchoredBy  []string         `json:"anchoredBy,omitempty"` // authorities that the caller named
	Digest      manifest.Digest  `json:"digest,omitempty"`     // of the statement
	ContentID   manifest.Digest  `json:"contentId,omitempty"`  // of the image that it is about, if that is another
	Role        string           `json:"role,omitempty"`       // by the signer's own word, as all that follows
	By          *manifest.Author `json:"by,omitempty"`         //
	Made        string           `json:"made,omitempty"`       //
	Outcome     string           `json:"outcome,omitempty"`    // reproduced, partial, failed
	Results     int              `json:"results,omitempty"`    // compared
	Reproduced  int              `json:"reproduced,omitempty"` // of these
	NotRun      []string         `json:"notRun,omitempty"`     // results and claims of which it says nothing
	Differing   []string         `json:"differing,omitempty"`  // results and claims that did not come out
	Looked      []string         `json:"looked,omitempty"`     // results that need eyes, of which the signer says that he looked: same
	Conditions  []string         `json:"conditions,omitempty"` // what was not as the image says
	Conflicts   string           `json:"conflicts,omitempty"`  // of interest
	Words       string           `json:"words,omitempty"`      //
	Of          manifest.Digest  `json:"of,omitempty"`         // the statement that it speaks of
	Problem     string           `json:"problem,omitempty"`
}
