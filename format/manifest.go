package format

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"repro/format/manifest"
)

// Names of the objects that every image has.
const (
	ManifestName    = "manifest.json"
	RecipeName      = "repro.yaml"
	inspectName     = "inspect-metadata.json" // Apptainer and SingularityCE look for this one
	EnvironmentName = "environment"           // the first layer
	PublishedName   = "published"             // the hidden layer

	sbomName   = "sbom.json"
	treeSuffix = ".verity"
)

// Limits of an image.
const (
	maxLayers     = 32
	maxLayerName  = 64
	maxCodecName  = 64
	maxBlockSize  = 1 << 20
	maxManifest   = 2 << 20
	maxSmall      = 64 << 20  // recipe, inspect, sbom
	maxTime       = 1<<32 - 1 // what squashfs can store
	maxObjectSize = 1 << 53   // what the manifest can say
)

// storedManifest is a manifest and what follows from it.
type storedManifest struct {
	manifest.Manifest
	stored []byte // the object: canonical JSON, spaces, one newline
	date   int64  // seconds since 1970
}

// readManifest is called once an image.
func (im *Image) readManifest() (*storedManifest, error) {
	i := slices.IndexFunc(im.objects, func(o Object) bool { return o.Name == ManifestName })
	if i < 0 {
		return nil, fmt.Errorf("no manifest: %w", ErrForeign)
	}
	o := im.objects[i]
	if i > 0 || o.Type != dataGenericJSON { // no foreign file, but an image that was altered (IMG-8)
		return nil, malformed("object %d is named %q, but is not the first, or no generic JSON", o.ID, ManifestName)
	}
	if o.Size > maxManifest {
		return nil, malformed("manifest: %d bytes, at most %d are allowed", o.Size, maxManifest)
	}
	m := &storedManifest{stored: make([]byte, o.Size)}
	if err := readAt(im.r, m.stored, o.Offset); err != nil {
		return nil, err
	}
	doc, ok := bytes.CutSuffix(m.stored, []byte("\n"))
	if !ok {
		return nil, malformed("manifest: does not end in a newline")
	}
	if err := manifest.Unmarshal(bytes.TrimRight(doc, " "), &m.Manifest); err != nil {
		return nil, malformed("manifest: %v", err)
	}
	if err := m.check(); err != nil {
		return nil, malformed("manifest: %v", err)
	}
	return m, nil
}

// reserve returns the size of the manifest object: that of the document with
// the longest text in every place that is not known before the layers are
// written, and a newline, rounded up.
func reserve(m manifest.Manifest) (int64, error) {
	objects := make([]manifest.Object, len(m.Objects))
	for i, o := range m.Objects {
		o.Size = maxObjectSize
		o.Digest = manifest.DigestSum([32]byte{})
		if o.Layer != nil {
			o.Layer = &manifest.Layer{
				Root: o.Digest, Content: o.Digest,
				Codec: strings.Repeat("x", maxCodecName), BlockSize: maxBlockSize,
				Files: maxObjectSize, Bytes: maxObjectSize,
			}
		}
		objects[i] = o
	}
	m.Objects = objects
	doc, err := manifest.Marshal(m)
	if err != nil {
		return 0, err
	}
	if len(doc) >= maxManifest {
		return 0, fmt.Errorf("manifest: %d bytes, at most %d are allowed", len(doc), maxManifest-1)
	}
	return roundUp(int64(len(doc)) + 1), nil
}

// newManifest checks m and lays it out as an object.
func newManifest(m manifest.Manifest) (*storedManifest, error) {
	out := &storedManifest{Manifest: m}
	if err := out.check(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	size, err := reserve(m)
	if err != nil {
		return nil, err
	}
	doc, err := manifest.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	out.stored = bytes.Repeat([]byte(" "), int(size))
	copy(out.stored, doc)
	out.stored[size-1] = '\n'
	return out, nil
}

// uuid returns the image's UUID: version 8 (RFC 9562 section 5.8), from the
// SHA-256 of a tag and the manifest object.
func (m *storedManifest) uuid() (id [16]byte) {
	h := sha256.New()
	h.Write([]byte("repro image 1\x00"))
	h.Write(m.stored)
	copy(id[:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// check says whether m keeps the rules that the layout of an image rests on,
// and sets the date.
func (m *storedManifest) check() error {
	if m.Version != manifest.Version {
		return fmt.Errorf("version %d, want %d", m.Version, manifest.Version)
	}
	if archName(archCode(m.Arch)) != m.Arch {
		return fmt.Errorf("arch %q: not one that SIF has a code for", m.Arch)
	}
	var err error
	if m.date, err = parseDate(m.Paper.Date); err != nil {
		return err
	}
	if m.Paper.Authors == nil || m.Steps == nil || m.Results == nil { // encoding/json's null
		return errors.New("authors, steps or results: want a list, which may be empty")
	}
	if d := m.Environment.Digest; d != "" {
		if _, err := d.Sum(); err != nil {
			return fmt.Errorf("environment: %w", err)
		}
	}
	if err := checkObjects(m.Objects); err != nil {
		return err
	}
	if err := checkSteps(m.Steps); err != nil {
		return err
	}
	if err := checkResults(m.Results, m.Claims); err != nil {
		return err
	}
	if err := m.CheckMade(); err != nil {
		return err
	}
	return checkExternal(m.External)
}

// parseDate reads the date that every time in an image equals.
func parseDate(s string) (int64, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.UTC().Format(time.RFC3339) != s {
		return 0, fmt.Errorf("date %q: want RFC 3339 in UTC with whole seconds, like 2026-11-23T00:00:00Z", s)
	}
	if u := t.Unix(); u < 0 || u > maxTime {
		return 0, fmt.Errorf("date %q: layers hold times from 1970 to 2106", s)
	}
	return t.Unix(), nil
}
