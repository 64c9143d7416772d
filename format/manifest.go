package format

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"repro/format/verity"
	"repro/record"
)

// Names of the objects that every image has.
const (
	ManifestName    = "manifest.json"
	RecipeName      = "repro.yaml"
	InspectName     = "inspect-metadata.json" // Apptainer and SingularityCE look for this one
	EnvironmentName = "environment"           // the first layer
	PublishedName   = "published"             // the hidden layer

	sbomName   = "sbom.json"
	treeSuffix = ".verity"
)

// Limits of an image.
const (
	MaxLayers     = 32
	maxLayerName  = 64
	maxCodecName  = 64
	maxBlockSize  = 1 << 20
	maxManifest   = 2 << 20
	maxSmall      = 64 << 20  // recipe, inspect, sbom
	maxTime       = 1<<32 - 1 // what squashfs can store
	maxObjectSize = 1 << 53   // what the manifest can say
)

// manifest is a manifest and what follows from it.
type manifest struct {
	record.Manifest
	stored []byte // the object: canonical JSON, spaces, one newline
	date   int64  // seconds since 1970
}

// readManifest is called once an image.
func (im *Image) readManifest() (*manifest, error) {
	if len(im.objects) == 0 || im.objects[0].Type != DataGenericJSON || im.objects[0].Name != ManifestName {
		return nil, fmt.Errorf("no manifest: %w", ErrForeign)
	}
	o := im.objects[0]
	if o.Size > maxManifest {
		return nil, malformed("manifest: %d bytes, at most %d are allowed", o.Size, maxManifest)
	}
	m := &manifest{stored: make([]byte, o.Size)}
	if err := readAt(im.r, m.stored, o.Offset); err != nil {
		return nil, err
	}
	doc, ok := bytes.CutSuffix(m.stored, []byte("\n"))
	if !ok {
		return nil, malformed("manifest: does not end in a newline")
	}
	if err := record.Unmarshal(bytes.TrimRight(doc, " "), &m.Manifest); err != nil {
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
func reserve(m record.Manifest) (int64, error) {
	objects := make([]record.Object, len(m.Objects))
	for i, o := range m.Objects {
		o.Size = maxObjectSize
		o.Digest = record.DigestSum([32]byte{})
		if o.Layer != nil {
			o.Layer = &record.Layer{
				Root: o.Digest, Content: o.Digest,
				Codec: strings.Repeat("x", maxCodecName), BlockSize: maxBlockSize,
				Files: maxObjectSize, Bytes: maxObjectSize,
			}
		}
		objects[i] = o
	}
	m.Objects = objects
	doc, err := record.Marshal(m)
	if err != nil {
		return 0, err
	}
	if len(doc) >= maxManifest {
		return 0, fmt.Errorf("manifest: %d bytes, at most %d are allowed", len(doc), maxManifest-1)
	}
	return roundUp(int64(len(doc)) + 1), nil
}

// newManifest checks m and lays it out as an object.
func newManifest(m record.Manifest) (*manifest, error) {
	out := &manifest{Manifest: m}
	if err := out.check(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	size, err := reserve(m)
	if err != nil {
		return nil, err
	}
	doc, err := record.Marshal(m)
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
func (m *manifest) uuid() (id [16]byte) {
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
func (m *manifest) check() error {
	if m.Version != record.ManifestVersion {
		return fmt.Errorf("version %d, want %d", m.Version, record.ManifestVersion)
	}
	if archName(archCode(m.Arch)) != m.Arch {
		return fmt.Errorf("arch %q: not one that SIF has a code for", m.Arch)
	}
	var err error
	if m.date, err = parseDate(m.Paper.Date); err != nil {
		return err
	}
	if err := checkObjects(m.Objects); err != nil {
		return err
	}
	if err := checkSteps(m.Steps); err != nil {
		return err
	}
	return checkResults(m.Results)
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

// checkObjects checks the list of objects: recipe, inspect, perhaps an sbom,
// then layers each followed by its tree, the first of them the environment.
func checkObjects(objects []record.Object) error {
	small := []record.Object{{Name: RecipeName, Role: record.RoleRecipe}, {Name: InspectName, Role: record.RoleInspect}}
	if len(objects) > len(small) && objects[len(small)].Role == record.RoleSBOM {
		small = append(small, record.Object{Name: sbomName, Role: record.RoleSBOM})
	}
	if len(objects) < len(small)+2 || (len(objects)-len(small))%2 != 0 {
		return fmt.Errorf("%d objects: want the small ones, then layers each with its tree", len(objects))
	}
	if n := (len(objects) - len(small)) / 2; n > MaxLayers {
		return fmt.Errorf("%d layers, at most %d are allowed", n, MaxLayers)
	}
	seen := map[string]bool{ManifestName: true}
	for i, o := range objects {
		if o.ID != uint32(i+2) {
			return fmt.Errorf("object %d (%q): ID %d, want %d", i+2, o.Name, o.ID, i+2)
		}
		if o.Size < 0 || o.Size > maxObjectSize {
			return fmt.Errorf("object %d (%q): %d bytes", o.ID, o.Name, o.Size)
		}
		if _, err := o.Digest.Sum(); err != nil {
			return fmt.Errorf("object %d (%q): %w", o.ID, o.Name, err)
		}
		var err error
		switch pair := i - len(small); {
		case pair < 0:
			err = checkSmall(o, small[i])
		case pair%2 == 0:
			err = checkLayer(o, pair == 0)
		default:
			err = checkTree(o, objects[i-1])
		}
		if err != nil {
			return fmt.Errorf("object %d (%q): %w", o.ID, o.Name, err)
		}
		if seen[o.Name] {
			return fmt.Errorf("object %d (%q): name used twice", o.ID, o.Name)
		}
		seen[o.Name] = true
	}
	return nil
}

func checkSmall(o, want record.Object) error {
	if o.Name != want.Name || o.Role != want.Role || o.Layer != nil {
		return fmt.Errorf("role %q, want %q with role %q here", o.Role, want.Name, want.Role)
	}
	if o.Size > maxSmall {
		return fmt.Errorf("%d bytes, at most %d are allowed", o.Size, maxSmall)
	}
	return nil
}

func checkLayer(o record.Object, first bool) error {
	if err := checkLayerName(o.Name, o.Role, first); err != nil {
		return err
	}
	if o.Size == 0 || o.Size%align != 0 {
		return fmt.Errorf("%d bytes: a layer has a multiple of %d", o.Size, align)
	}
	l := o.Layer
	if l == nil {
		return fmt.Errorf("a layer without its particulars")
	}
	for _, d := range []record.Digest{l.Root, l.Content} {
		if _, err := d.Sum(); err != nil {
			return err
		}
	}
	if l.Codec == "" || len(l.Codec) > maxCodecName {
		return fmt.Errorf("codec %q", l.Codec)
	}
	if l.BlockSize < 4096 || l.BlockSize > maxBlockSize || l.BlockSize&(l.BlockSize-1) != 0 {
		return fmt.Errorf("block size %d", l.BlockSize)
	}
	if l.Files < 0 || l.Files > maxObjectSize || l.Bytes < 0 || l.Bytes > maxObjectSize {
		return fmt.Errorf("%d files of %d bytes", l.Files, l.Bytes)
	}
	return nil
}

// checkLayerName says whether a layer may be called so: lower-case letters,
// digits, dot, hyphen, underscore; the environment first, the only hidden one
// "published".
func checkLayerName(name string, role record.Role, first bool) error {
	switch {
	case name == "" || len(name) > maxLayerName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "":
		return fmt.Errorf("not a name for a layer: want lower-case letters, digits, hyphens")
	case role != record.RoleLayer && role != record.RoleHidden:
		return fmt.Errorf("role %q where a layer is due", role)
	case first != (name == EnvironmentName) || first && role != record.RoleLayer:
		return fmt.Errorf("the first layer is %q and no other is", EnvironmentName)
	case (role == record.RoleHidden) != (name == PublishedName):
		return fmt.Errorf("the hidden layer is %q and no other is", PublishedName)
	}
	return nil
}

func checkTree(o, layer record.Object) error {
	if o.Role != record.RoleTree || o.Name != layer.Name+treeSuffix || o.Layer != nil {
		return fmt.Errorf("role %q where the hash tree of %q is due", o.Role, layer.Name)
	}
	if want := verity.TreeSize(layer.Size); o.Size != want {
		return fmt.Errorf("%d bytes, the tree of %q has %d", o.Size, layer.Name, want)
	}
	return nil
}
