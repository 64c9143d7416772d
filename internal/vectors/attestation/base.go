package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"repro/attest/statement"
	"repro/format"
	"repro/format/bundle"
	"repro/format/manifest"
	"repro/format/signature"
	"repro/format/tree"
	"repro/key"
	"repro/report"
	"repro/sign"
)

// Images that the vectors share.
const (
	paper  = "paper.sif.gz"  // signed by Alice
	former = "former.sif.gz" // a former edition, with another script
)

// base is what the vectors are made of.
type base struct {
	keys          map[string]*key.Private
	image, former []byte
	about, other  statement.Image // of both
	temp          string
}

func newBase(ctx context.Context, keys map[string]*key.Private) (*base, error) {
	temp, err := os.MkdirTemp("", "vectors")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	b := &base{keys: keys, temp: temp}
	if b.image, b.about, err = makeImage(ctx, filepath.Join(temp, "paper.sif"), "true\n", keys["alice"]); err != nil {
		return nil, err
	}
	b.former, b.other, err = makeImage(ctx, filepath.Join(temp, "former.sif"), "false\n", keys["alice"])
	return b, err
}

func makeImage(ctx context.Context, name, script string, signer *key.Private) (b []byte, about statement.Image, err error) {
	env, code, published := tree.NewDir(), tree.NewDir(), tree.NewDir()
	for _, f := range []struct {
		dir           *tree.Node
		name, content string
	}{{env, "bin/sh", "not really a shell"}, {code, "paper/a.sh", script}, {published, "sum.txt", "10\n"}, {published, "mean.txt", "2.5\n"}} {
		if err := f.dir.Put(f.name, tree.NewFile(0o755, []byte(f.content))); err != nil {
			return nil, about, err
		}
	}
	if _, err := format.Create(ctx, name, format.Spec{
		Manifest: manifest.Manifest{
			Version:     manifest.Version,
			Paper:       manifest.Paper{Title: "T", Authors: []manifest.Author{{Name: "Alice", ORCID: "0000-0002-1825-0097"}}, Date: "2021-01-01T00:00:00Z"},
			Arch:        "amd64",
			Environment: manifest.Environment{Kind: "host"},
			Steps:       []manifest.Step{{Name: "all", Command: []string{"sh", "a.sh"}, Dir: "/paper", Outputs: []string{"/paper/out"}}},
			Results: []manifest.Result{
				{Name: "sum", Output: "/paper/out/sum.txt", Published: "sum.txt"},
				{Name: "mean", Output: "/paper/out/mean.txt", Published: "mean.txt"},
			},
		},
		Recipe:  []byte("title: T\n"),
		Inspect: []byte("{}\n"),
		Layers: []format.LayerSpec{
			{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: env},
			{Name: "code", Role: manifest.RoleLayer, Tree: code},
			{Name: format.PublishedName, Role: manifest.RoleHidden, Tree: published},
		},
	}); err != nil {
		return nil, about, err
	}
	if _, err := sign.Image(ctx, name, signer, sign.Options{Time: made}); err != nil {
		return nil, about, err
	}
	im, err := format.Open(name)
	if err != nil {
		return nil, about, err
	}
	defer im.Close()
	m, err := im.Manifest()
	if err != nil {
		return nil, about, err
	}
	id, err := im.ContentID()
	if err != nil {
		return nil, about, err
	}
	d, err := im.ManifestDigest()
	if err != nil {
		return nil, about, err
	}
	b, err = os.ReadFile(name)
	return b, statement.ImageOf(id, d, m), err
}

func said(words string) statement.Said {
	return statement.Said{Role: "reviewer", Conflicts: "none", Words: words, Made: made.Format(time.RFC3339)}
}

// ran is a run in which everything came out.
func ran() statement.Reproduction {
	return statement.Reproduction{
		Said: said(""),
		Results: []statement.Result{
			{Name: "sum", Output: "/paper/out/sum.txt", Digest: manifest.DigestOf([]byte("10\n")), Verdict: report.Identical, Reason: "the same bytes"},
			{Name: "mean", Output: "/paper/out/mean.txt", Digest: manifest.DigestOf([]byte("2.50\n")), Verdict: report.SameAsPrinted, Reason: "the same number"},
		},
		Steps:   []statement.Step{{Name: "all", Status: report.StepDone, WallMS: 10}},
		Started: "2020-12-31T23:00:00Z", Finished: "2020-12-31T23:00:01Z", Engine: "local",
		Machine:   report.Machine{Arch: "amd64", CPU: "a processor", CPUs: 2, Memory: 1 << 30, Kernel: "Linux 6.1", Repro: "devel"},
		Isolation: statement.Isolation{Level: "namespaces", Layers: "fuse"},
		Report:    manifest.DigestOf([]byte("report")),
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err) // what the program itself makes
	}
	return b
}

// reproduction is the statement of a run of the image.
func (b *base) reproduction() []byte { return must(statement.Reproduce(b.about, ran())) }

// review is a review of the image.
func (b *base) review() []byte {
	return must(statement.Opine(b.about, statement.KindReview, statement.Opinion{Said: said("Sound.")}))
}

// envelope signs a payload of a type with a key.
func (b *base) envelope(who, payloadType string, payload []byte) *bundle.Bundle {
	return b.envelopeAt(who, payloadType, payload, made)
}

func (b *base) envelopeAt(who, payloadType string, payload []byte, at time.Time) *bundle.Bundle {
	k := b.keys[who]
	f := string(k.Fingerprint())
	e := &bundle.Envelope{PayloadType: payloadType, Payload: payload, KeyID: f}
	e.Signature = b.sign(k, e.Signed(), at)
	return &bundle.Bundle{KeyHint: f, Envelope: e}
}

// sign signs bytes with a key in the way of its kind, at a time at which the
// key may.
func (b *base) sign(k *key.Private, text []byte, at time.Time) []byte {
	if k.Kind() == key.PEM {
		return must(k.Sign(text))
	}
	c, err := signature.Clearsign(text, k, at)
	if err != nil {
		panic(err)
	}
	return c.Packet()
}

// signed is the bundle of a statement.
func (b *base) signed(who string, payload []byte) []byte {
	return b.envelope(who, statement.PayloadType, payload).Encode()
}

// edited is a statement with one thing replaced, which must be in it.
func edited(payload []byte, old, replacement string) []byte {
	if !bytes.Contains(payload, []byte(old)) {
		panic(fmt.Sprintf("%q is not in %s", old, payload))
	}
	return bytes.Replace(payload, []byte(old), []byte(replacement), 1)
}

// embedded is the image with objects beside its signature.
func (b *base) embedded(objects ...[]byte) []byte {
	return b.embeddedIn(b.image, objects...)
}

func (b *base) embeddedIn(image []byte, objects ...[]byte) []byte {
	dir := must2(os.MkdirTemp("", "vectors"))
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "paper.sif")
	if err := os.WriteFile(name, image, 0o666); err != nil {
		panic(err)
	}
	for _, o := range objects {
		if err := format.Append(context.Background(), name, format.NewObject{Attestation: true, Data: o}); err != nil {
			panic(err)
		}
	}
	return must(os.ReadFile(name))
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The places in an image, stated here once more and not taken from package
// format.
const (
	tableAt        = 4096
	descriptorSize = 585
	groupField     = 9
	linkField      = 13
	nameField      = 73
	extraField     = 201
)

// last returns where the descriptor of the last object stands.
func last(image []byte) int {
	n := 0
	for image[tableAt+n*descriptorSize+4] == 1 {
		n++
	}
	return tableAt + (n-1)*descriptorSize
}

// descriptor changes the descriptor of the one attestation in the image.
func (b *base) descriptor(change func([]byte)) []byte {
	image := b.embedded(b.signed("bob", b.reproduction()))
	change(image[last(image):][:descriptorSize])
	return image
}

func put32(field int, v uint32) func([]byte) {
	return func(d []byte) { binary.LittleEndian.PutUint32(d[field:], v) }
}

// made is what a vector consists of.
type output struct {
	image  []byte            // nil: the paper
	files  map[string][]byte // outside the image, counted
	policy []byte
}

func (o output) detached(name string) []string {
	all := []string{}
	for f := range o.files {
		all = append(all, name+"-"+f)
	}
	slices.Sort(all)
	return all
}

// beside is a bundle in a file.
func beside(make func(*base) []byte) maker {
	return func(b *base) (output, error) {
		return output{files: map[string][]byte{"attestation.json": make(b)}}, nil
	}
}

// inside is an image that holds something.
func inside(make func(*base) []byte) maker {
	return func(b *base) (output, error) { return output{image: make(b)}, nil }
}

// policies is an image with some attestations, and a policy over the keys, in
// which words such as ALICE stand for fingerprints.
func policies(text string, make func(*base) [][]byte) maker {
	return func(b *base) (output, error) {
		text := strings.ReplaceAll(text, "ALICE_", "'alice'")
		for name, k := range b.keys {
			pub := must(k.Public().Encode())
			inner := fmt.Sprintf("fingerprint: '%s', public: \"%s\"", k.Fingerprint(), strings.ReplaceAll(string(pub), "\n", `\n`))
			text = strings.ReplaceAll(text, strings.ToUpper(name)+"_", inner)
			text = strings.ReplaceAll(text, strings.ToUpper(name), "{"+inner+"}")
		}
		return output{image: b.embedded(make(b)...), policy: []byte(text)}, nil
	}
}
