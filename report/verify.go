package report

import (
	"strings"

	"repro/format/manifest"
)

// What `repro verify` finds about an image.
const (
	ImageSigned    = "signed"     // canonical, intact, and covered by a signature of whom was asked
	ImageNotSigned = "not signed" // by whom was asked
	ImageAltered   = "altered"    // an object has not the content that was bound or signed
	ImageMalformed = "malformed"  // the file breaks the layout
)

// What `repro verify` finds about a signature.
const (
	SignatureValid      = "valid"          // made by a key that was given, over the whole of what is signed
	SignatureUnanchored = "unanchored"     // the same, but the key has expired or was retired since, and only the signer says that it was made before
	SignatureInvalid    = "invalid"        // not made by that key, or not then, or about something else
	SignatureUnknown    = "unknown signer" // no key that was given made it
	SignatureExpired    = "expired"        // made after its key had expired, or outside the time for which it is trusted
	SignatureRevoked    = "revoked"        // its key is revoked
	SignatureWeak       = "weak"           // broken cryptography
	SignatureMalformed  = "malformed"      // the block breaks the rules
)

// Verify is what `repro verify` found about one image.
type Verify struct {
	Version    int               `json:"version"`
	Image      string            `json:"image"` // as the caller named it
	Size       int64             `json:"size"`
	ContentID  manifest.Digest   `json:"contentId,omitempty"`
	Foreign    bool              `json:"foreign,omitempty"` // another program made the file
	Canonical  bool              `json:"canonical"`         // every byte of the file is explained
	Intact     bool              `json:"intact"`            // every object has the content that the manifest binds
	Verdict    string            `json:"verdict"`           // ImageSigned and so on
	Reason     string            `json:"reason"`            // one line for a person
	Objects    []ObjectStatus    `json:"objects"`
	Signatures []SignatureStatus `json:"signatures"`
	Times      []TimeStatus      `json:"times,omitempty"`  // what time-stamping authorities said
	Policy     *PolicyStatus     `json:"policy,omitempty"` // none if only keys were given

	Attestations []Attestation `json:"attestations,omitempty"` // what others say of it

	Problems []string `json:"problems,omitempty"` // everything found wrong, most important first
}

// Headline is the verdict on an image and the reason for it, for one line. The
// verdict "not signed" is not said of what carries a signature that nobody asked
// for: the reason says so in better words.
func Headline(verdict, reason string) string {
	if verdict == ImageNotSigned && (strings.HasPrefix(reason, "signed by ") || strings.HasPrefix(reason, "unsigned")) {
		return reason
	}
	return verdict + ": " + reason
}

// PolicyStatus is what a policy asks, and whether it is met.
type PolicyStatus struct {
	Name   string          `json:"name"`
	Serial int             `json:"serial,omitempty"`
	Digest manifest.Digest `json:"digest"` // of the policy file
	Rules  []RuleStatus    `json:"rules"`
}

// RuleStatus is what was found about one rule of a policy.
type RuleStatus struct {
	Rule    string   `json:"rule"` // in words
	Met     bool     `json:"met"`
	Wanted  int      `json:"wanted,omitempty"`  // different persons
	Persons []string `json:"persons,omitempty"` // who count
	Found   string   `json:"found"`             // in words
}

// ObjectStatus is what was found about one object.
type ObjectStatus struct {
	ID      uint32        `json:"id"`
	Name    string        `json:"name"`
	Role    manifest.Role `json:"role,omitempty"`
	Size    int64         `json:"size"`
	Mounted string        `json:"mounted,omitempty"` // where steps see it
	Intact  bool          `json:"intact"`
	Unbound bool          `json:"unbound,omitempty"` // not intact only because no signature that counts says what content it should have
	OnRead  bool          `json:"onRead,omitempty"`  // a layer or its hash tree, of which each block is checked when it is read, and was not before
	Signers []string      `json:"signers,omitempty"` // fingerprints whose valid signature covers it
	Problem string        `json:"problem,omitempty"`
}

// SignatureStatus is what was found about one signature.
type SignatureStatus struct {
	ObjectID    uint32   `json:"objectId,omitempty"` // 0 for a detached signature
	Beside      bool     `json:"beside,omitempty"`   // programs for SIF files pass it over
	Kind        string   `json:"kind"`               // openpgp, dsse or sigstore
	Status      string   `json:"status"`             // SignatureValid and so on
	Fingerprint string   `json:"fingerprint,omitempty"`
	Signer      string   `json:"signer,omitempty"`     // user id or the name the caller gave
	Person      string   `json:"person,omitempty"`     // whose key it is by the policy
	Roles       []string `json:"roles,omitempty"`      // of that person
	Trusted     bool     `json:"trusted"`              // by a key that the caller named
	Time        string   `json:"time,omitempty"`       // by the signer's own word
	AnchoredAt  string   `json:"anchoredAt,omitempty"` // it was there then, by the word of AnchoredBy
	AnchoredBy  []string `json:"anchoredBy,omitempty"` // authorities that the caller named
	Problem     string   `json:"problem,omitempty"`
}

// What a time stamp is worth.
const (
	TimeCounts    = "counts"
	TimeUnknown   = "unknown authority" // nobody whom the caller named made it
	TimeInvalid   = "invalid"           // the authority did not make it, or might not then, or has failed since
	TimeOther     = "other"             // about something else
	TimeWeak      = "weak"              // broken cryptography
	TimeMalformed = "malformed"         // it breaks the rules
)

// TimeStatus is what was found about one time stamp in a time record.
type TimeStatus struct {
	ObjectID  uint32 `json:"objectId,omitempty"`  // of the record; 0 outside the image
	Status    string `json:"status"`              // TimeCounts and so on
	Time      string `json:"time,omitempty"`      // that it states
	Authority string `json:"authority,omitempty"` // by the caller's name, or whose it claims to be
	Problem   string `json:"problem,omitempty"`   // why it does not count, or soon may not
}
