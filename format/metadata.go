package format

import (
	"bytes"
	"fmt"

	"repro/format/manifest"
)

// Metadata returns the JSON document that a SIF signature of the image signs
// (SPEC.md, SIF): digests of the header, of each descriptor of group 1 and of
// each object. Digests of objects are those that the manifest states; whether
// the objects have them is what [Image.Check] says. It is the same document,
// byte for byte, whatever was signed or attested before.
func (im *Image) Metadata() ([]byte, error) {
	m, err := im.manifest()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", im.name, err)
	}
	objects := im.objects[:min(len(im.objects), 1+len(m.Objects))]
	digests := []manifest.Digest{manifest.DigestOf(m.stored)}
	for _, o := range m.Objects {
		digests = append(digests, o.Digest)
	}
	if len(objects) < len(digests) {
		return nil, fmt.Errorf("%s: %w", im.name,
			malformed("%d objects, the manifest lists %d", len(objects), len(digests)))
	}
	return appendMetadata(nil, im.header, objects, digests), nil
}

// ContentID returns the SHA-256 of [Image.Metadata], the name of what the image
// is whoever signed it.
func (im *Image) ContentID() (manifest.Digest, error) {
	b, err := im.Metadata()
	if err != nil {
		return "", err
	}
	return manifest.DigestOf(b), nil
}

// ManifestDigest returns the SHA-256 of the manifest object.
func (im *Image) ManifestDigest() (manifest.Digest, error) {
	m, err := im.manifest()
	if err != nil {
		return "", fmt.Errorf("%s: %w", im.name, err)
	}
	return manifest.DigestOf(m.stored), nil
}

// appendMetadata appends to b the document that SIF signatures sign, for
// objects, in order of their IDs, with the given digests of their content.
// There must be at least one.
func appendMetadata(b []byte, h Header, objects []Object, digests []manifest.Digest) []byte {
	out := bytes.NewBuffer(b)
	fmt.Fprintf(out, `{"version":1,"header":{"digest":"%s"},"objects":[`, manifest.DigestOf(h.SignedBytes()))
	first := objects[0].ID
	for i, o := range objects {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, `{"relativeId":%d,"descriptorDigest":"%s","objectDigest":"%s"}`,
			o.ID-first, manifest.DigestOf(o.SignedBytes(first)), digests[i])
	}
	out.WriteString("]}")
	return out.Bytes()
}
