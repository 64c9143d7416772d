package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"

	"repro/format"
	"repro/format/manifest"
	"repro/format/signature"
	"repro/internal/vectors/forge"
)

// forged are images by somebody whose key is trusted, or who has the file: all
// their digests fit.
var forged = []vector{
	v("valid-with-result", accepted, "nothing: Alice signed it; it has a result", signedAnew(func(b []byte) ([]byte, error) { return b, nil })),
	v("layer-of-zeros", malformed, "the layer of published files consists of zeros; signed by Alice", layer(format.PublishedName, func(b []byte) { clear(b) })),
	v("layer-environment-of-zeros", malformed, "the environment consists of zeros; signed by Alice", layer(format.EnvironmentName, func(b []byte) { clear(b) })),
	v("layer-stowaway", malformed, "a byte behind the file system of a layer; signed by Alice", layer("code", func(b []byte) { b[len(b)-1] = 'x' })),
	v("layer-of-another-time", malformed, "a layer of another time than the image; signed by Alice", layer("code", func(b []byte) { b[8]++ })),
	v("layer-flags", malformed, "a layer whose superblock has another flag; signed by Alice", layer("code", func(b []byte) { b[24] ^= 1 })),

	v("manifest-no-steps", malformed, "no steps", unsignedManifest(func(m *manifest.Manifest) { m.Steps = []manifest.Step{} })),
	v("manifest-steps-null", malformed, "null in the place of steps", unsignedManifest(func(m *manifest.Manifest) { m.Steps = nil })),
	v("manifest-output-root", malformed, "a step whose output is the whole root", unsignedManifest(func(m *manifest.Manifest) { m.Steps[0].Outputs[0] = "/" })),
	v("manifest-input-root", malformed, "a step whose input is the whole root", unsignedManifest(func(m *manifest.Manifest) { m.Steps[0].Inputs = []string{"/"} })),
	v("manifest-outputs-in-each-other", malformed, "a step's output within another step's", unsignedManifest(func(m *manifest.Manifest) {
		m.Steps = append(m.Steps, manifest.Step{Name: "b", Command: []string{"x"}, Dir: "/", Outputs: []string{"/paper"}})
	})),
	v("manifest-output-twice", malformed, "two steps with one output", unsignedManifest(func(m *manifest.Manifest) {
		m.Steps = append(m.Steps, manifest.Step{Name: "b", Command: []string{"x"}, Dir: "/", Outputs: m.Steps[0].Outputs})
	})),
	v("manifest-result-of-no-step", malformed, "a result that no step makes", unsignedManifest(func(m *manifest.Manifest) { m.Results[0].Output = "/paper/x" })),
	v("manifest-published-missing", malformed, "a result whose published file is not there", unsignedManifest(func(m *manifest.Manifest) { m.Results[0].Published = "x" })),
	v("manifest-files", malformed, "a layer with one file more than the manifest says", unsignedManifest(func(m *manifest.Manifest) { m.Objects[2].Layer.Files-- })),
	v("manifest-block-size", malformed, "a layer with other blocks than the manifest says", unsignedManifest(func(m *manifest.Manifest) { m.Objects[2].Layer.BlockSize = 4096 })),

	v("signature-last-byte", malformed, "signature: one bit of the last byte of the file flipped", change(func(b []byte) { b[len(b)-1] ^= 1 })),
	v("signature-first-byte", malformed, "signature: one bit of its first byte flipped", change(func(b []byte) { object(b, slotSignature)[0] ^= 1 })),
	v("signature-last-byte-no-key", malformed, "signature: one bit of the last byte flipped; no key is trusted", change(func(b []byte) { b[len(b)-1] ^= 1 })).by(),
	v("signature-payload-bit", malformed, "signature: one bit of the signed text flipped", change(func(b []byte) {
		o := object(b, slotSignature)
		o[bytes.IndexByte(o, '{')+5] ^= 1
	})),
	v("signature-text-before", malformed, "signature: text before the block", block(func(b []byte) []byte { return append([]byte("I trust this.\n"), b...) })),
	v("signature-text-after", malformed, "signature: text behind the block", block(func(b []byte) []byte { return append(bytes.Clone(b), "\nI trust this.\n"...) })),
	v("signature-twice", malformed, "signature: two blocks in one object", block(func(b []byte) []byte { return append(append(bytes.Clone(b), '\n'), b...) })),
	v("signature-of-two-texts", malformed, "signature: a second text before the signature", block(func(b []byte) []byte {
		at := bytes.Index(b, []byte("\n-----BEGIN PGP SIGNATURE"))
		return append(append(bytes.Clone(b[:at]), "\nand more"...), b[at:]...)
	})),
	v("signature-comment", malformed, "signature: a header in the armour", block(func(b []byte) []byte {
		return []byte(strings.Replace(string(b), "SIGNATURE-----\n", "SIGNATURE-----\nComment: trusted\n", 1))
	})),
	v("signature-crlf", malformed, "signature: lines that end as on Windows", block(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) })),
	v("detached-of-another-and-damaged", malformed, "signature: a byte flipped; Alice's detached signature of nothing else", change(func(b []byte) { b[len(b)-1] ^= 1 })).with(byMallory),
	v("damaged-beside-good-detached", accepted, "signature: a byte flipped; Alice's detached signature lies beside, and counts", change(func(b []byte) { b[len(b)-1] ^= 1 })).with(byAlice),
}

// must is for makers, whose inputs are all here.
func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func unsignedManifest(change func(*manifest.Manifest)) maker {
	return func(im *images) []byte { return must(forge.Manifest(im.results, change)) }
}

func layer(name string, change func([]byte)) maker {
	return signedAnew(func(b []byte) ([]byte, error) { return forge.Layer(b, name, change) })
}

// signedAnew has Alice sign whatever change makes of an image: her program
// would refuse to.
func signedAnew(change func([]byte) ([]byte, error)) maker {
	return func(im *images) []byte {
		b := must(change(im.results))
		payload := must(func() ([]byte, error) {
			i, err := format.New(bytes.NewReader(b), int64(len(b)), "forged")
			if err != nil {
				return nil, err
			}
			return i.Metadata()
		}())
		c, err := signature.Clearsign(payload, im.alice, signed)
		if err != nil {
			panic(err)
		}
		return must(withSignature(b, im, c.Encode()))
	}
}

// block is the image that Alice signed with another block in the place of hers.
func block(change func([]byte) []byte) maker {
	return func(im *images) []byte {
		return must(withSignature(im.bare, im, change(object(im.good, slotSignature))))
	}
}

func withSignature(b []byte, im *images, block []byte) ([]byte, error) {
	temp, err := os.MkdirTemp("", "vectors")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	name := filepath.Join(temp, "forged.sif")
	if err := os.WriteFile(name, b, 0o666); err != nil {
		return nil, err
	}
	entity := [20]byte(im.alice.Public().Entity().PrimaryKey.Fingerprint)
	if err := format.Append(context.Background(), name, format.NewObject{Entity: entity, Data: block}); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}
