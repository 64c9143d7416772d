package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"repro/format"
	"repro/format/manifest"
	"repro/format/signature"
	"repro/format/timerecord"
)

// Media types of what is attached to an image.
const (
	bundleType     = "application/vnd.dev.sigstore.bundle.v0.3+json"
	envelopeType   = "application/vnd.dsse.envelope.v1+json"
	clearsignType  = "application/pgp-signature"
	timeRecordType = "application/vnd.repro.time-record.v1"
	emptyType      = "application/vnd.oci.empty.v1+json"
)

// Limits on what is attached. SPEC.md, REG-8.
const (
	maxAttached      = 100
	maxAttachment    = signature.MaxSize
	maxAttachedBytes = 32 << 20 // all together
)

// ErrAttachment is in the error about a file that is nothing to attach.
var ErrAttachment = errors.New("neither a signature, an attestation nor a time record")

// Attachment is a signature, an attestation or a time record that is kept outside
// an image.
type Attachment struct {
	Type string // media type
	Data []byte
}

// Attached is an attachment in a registry.
type Attached struct {
	Digest manifest.Digest `json:"digest"` // of its manifest
	Type   string          `json:"type"`
	Size   int64           `json:"size"`
}

// NewAttachment tells by its content what is to be attached.
func NewAttachment(data []byte) (Attachment, error) {
	var head struct {
		MediaType   string `json:"mediaType"`
		PayloadType string `json:"payloadType"`
	}
	_ = json.Unmarshal(data, &head)
	kind := ""
	switch {
	case len(data) > maxAttachment:
		return Attachment{}, fmt.Errorf("%w: %d bytes, at most %d", ErrAttachment, len(data), maxAttachment)
	case strings.HasPrefix(head.MediaType, "application/vnd.dev.sigstore.bundle"):
		kind = bundleType
	case head.PayloadType != "":
		kind = envelopeType
	case timerecord.Is(data):
		kind = timeRecordType
	case signature.IsBlock(data):
		kind = clearsignType
	default:
		return Attachment{}, ErrAttachment
	}
	return Attachment{kind, data}, nil
}

// endings are those of the files that attachments become.
var endings = map[string]string{
	bundleType: ".sigstore.json", envelopeType: ".dsse.json", clearsignType: ".asc", timeRecordType: ".time.json",
}

// attach sends an attachment as a manifest that refers to the image's: a function
// of image and attachment alone. SPEC.md, REG-5.
func (r *Repository) attach(ctx context.Context, s *stored, a Attachment) (*Attached, int64, error) {
	raw, err := json.Marshal(document{
		SchemaVersion: 2, MediaType: manifestIn, ArtifactType: a.Type,
		Config:      describe(emptyType, emptyConfig),
		Layers:      []descriptor{describe(a.Type, a.Data)},
		Subject:     &descriptor{MediaType: manifestIn, Digest: s.digest, Size: s.size},
		Annotations: map[string]string{createdAnnotation: s.created},
	})
	if err != nil {
		return nil, 0, err
	}
	sent, err := r.putBytes(ctx, a.Data)
	if err != nil {
		return nil, 0, err
	}
	d := describe(manifestIn, raw)
	d.ArtifactType = a.Type
	listed, err := r.putManifest(ctx, raw, manifestIn, string(d.Digest))
	if err == nil && !listed {
		err = r.list(ctx, s, d)
	}
	return &Attached{d.Digest, a.Type, int64(len(a.Data))}, sent, err
}

// index is an OCI image index.
type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

// list makes a registry that knows nothing of referrers list d among those of the
// image, by the tag that is made of its digest.
func (r *Repository) list(ctx context.Context, s *stored, d descriptor) error {
	all, byTag, err := r.referrers(ctx, s.digest)
	if err != nil || !byTag {
		return err
	}
	for _, other := range all {
		if other.Digest == d.Digest {
			return nil
		}
	}
	raw, err := json.Marshal(index{2, indexIn, append(all, d)})
	if err != nil {
		return err
	}
	_, err = r.putManifest(ctx, raw, indexIn, fallbackTag(s.digest))
	return err
}

func fallbackTag(digest manifest.Digest) string { return strings.Replace(string(digest), ":", "-", 1) }

// referrers returns the manifests that refer to the one with a digest, and whether
// the registry had to be asked by tag.
func (r *Repository) referrers(ctx context.Context, digest manifest.Digest) (all []descriptor, byTag bool, err error) {
	object := "referrers of " + digest.Short()
	raw, kind, err := r.document(ctx, r.address("referrers", string(digest)), indexIn)
	var status *statusError
	unknown := errors.As(err, &status) && (status.code == http.StatusBadRequest || status.code == http.StatusMethodNotAllowed || status.code == http.StatusNotAcceptable)
	if err != nil && !unknown && kind != "text/html" {
		return nil, false, r.failure(object, err)
	}
	if err != nil || raw == nil || kind != indexIn {
		byTag = true
		if raw, _, err = r.document(ctx, r.address("manifests", fallbackTag(digest)), indexIn); err != nil || raw == nil {
			return nil, true, r.failure(object, err)
		}
	}
	var x index
	if err := json.Unmarshal(raw, &x); err != nil {
		return nil, byTag, r.failure(object, fmt.Errorf("%w: %w", format.ErrMalformed, err))
	}
	return x.Manifests, byTag, nil
}

// attachments reads what is attached to an image. What anybody else attached, of
// other types, is passed over; what is there but cannot be had is an error.
func (r *Repository) attachments(ctx context.Context, s *stored) (out []Attachment, err error) {
	all, _, err := r.referrers(ctx, s.digest)
	if err != nil {
		return nil, err
	}
	asked, total := 0, int64(0)
	for _, d := range all {
		if d.ArtifactType != "" && d.ArtifactType != emptyType && endings[d.ArtifactType] == "" {
			continue // some registries list the configuration's type: then only the manifest says
		}
		if asked++; asked > maxAttached {
			return nil, r.failure("referrers of "+s.digest.Short(), fmt.Errorf("%w: more than %d", format.ErrMalformed, maxAttached))
		}
		a, err := r.attachment(ctx, s, d, maxAttachedBytes-total)
		if err != nil {
			return nil, r.failure("attachment "+d.Digest.Short(), err)
		}
		if a != nil {
			total += int64(len(a.Data))
			out = append(out, *a)
		}
	}
	return out, nil
}

// attachment reads one of at most so many bytes. It returns nil if it is of another
// type.

func (r *Repository) attachment(ctx context.Context, s *stored, d descriptor, most int64) (*Attachment, error) {
	if err := checkDigest(d.Digest); err != nil {
		return nil, err
	}
	raw, _, err := r.document(ctx, r.address("manifests", string(d.Digest)), manifestIn)
	if err == nil && manifest.DigestOf(raw) != d.Digest {
		err = fmt.Errorf("%w: its manifest is not what its digest names", format.ErrAltered)
	}
	if err != nil {
		return nil, err
	}
	var doc document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", format.ErrMalformed, err)
	}
	if endings[doc.ArtifactType] == "" {
		return nil, nil
	}
	if doc.Subject == nil || doc.Subject.Digest != s.digest || len(doc.Layers) != 1 || doc.Layers[0].MediaType != doc.ArtifactType {
		return nil, fmt.Errorf("%w: not one %s of this image", format.ErrMalformed, doc.ArtifactType)
	}
	data, err := r.small(ctx, doc.Layers[0], min(maxAttachment, most))
	return &Attachment{doc.ArtifactType, data}, err
}

// Counts reports whether verification takes the attachment: an envelope of another
// kind means nothing to it.
func (a Attachment) Counts() bool {
	return a.Type == bundleType || signature.IsBlock(a.Data) || timerecord.Is(a.Data)
}
