package oci

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"repro/format/manifest"
)

// Limits on an image's documents.
const (
	maxDocument  = 8 << 20
	maxManifests = 1000
	maxLayers    = 1000
	maxIndexes   = 8 // within each other
)

// image is what the documents of an image say.
type image struct {
	digest manifest.Digest
	config v1.ConfigFile
	layers []layer // lowest first
}

// layer is where one layer lies.
type layer struct {
	name   string          // in the store
	digest manifest.Digest // of the file as it lies there; empty in an archive of docker save
	size   int64           // of the same; -1 if not stated
	diffID manifest.Digest // of the uncompressed tar stream
}

// find reads the documents of the image for the platform.
func find(st store, want v1.Platform, ref string) (*image, error) {
	index, err := document(st, "index.json", manifest.Digest(""), -1)
	if err == nil {
		return layoutImage(st, index, want, ref)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	saved, err := document(st, "manifest.json", manifest.Digest(""), -1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, malformed("neither an OCI layout nor an archive of docker save: it has no index.json and no manifest.json")
	}
	if err != nil {
		return nil, err
	}
	return savedImage(st, saved, ref)
}

// document reads a JSON document and verifies its digest and size, where
// these are stated.
func document(st store, name string, digest manifest.Digest, size int64) ([]byte, error) {
	f, err := st.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Size() > maxDocument {
		return nil, malformed("%q: %d bytes, at most %d are allowed", name, f.Size(), maxDocument)
	}
	if size >= 0 && f.Size() != size {
		return nil, malformed("%q: %d bytes, %d are stated", name, f.Size(), size)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	if digest != "" && manifest.DigestOf(b) != digest {
		return nil, malformed("%q: content differs from its digest", name)
	}
	return b, nil
}

// parse decodes a document of a kind that v has.
func parse(name string, b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return malformed("%s: %v", name, err)
	}
	return nil
}

// blob returns where the content with this digest lies, and the digest.
func blob(h v1.Hash) (string, manifest.Digest, error) {
	d := manifest.Digest(h.String())
	if _, err := d.Sum(); err != nil {
		return "", "", malformed("digest %q: only sha256 is supported", h.String())
	}
	return path.Join("blobs", h.Algorithm, h.Hex), d, nil
}

// layoutImage follows an index to the image for the platform.
func layoutImage(st store, index []byte, want v1.Platform, ref string) (*image, error) {
	for depth := range maxIndexes {
		var ix v1.IndexManifest
		if err := parse("index", index, &ix); err != nil {
			return nil, err
		}
		d, err := choose(ix.Manifests, want, ref)
		if err != nil {
			return nil, err
		}
		name, digest, err := blob(d.Digest)
		if err != nil {
			return nil, err
		}
		b, err := document(st, name, digest, d.Size)
		if err != nil {
			return nil, fmt.Errorf("manifest: %w", err)
		}
		if isIndex(d, b) {
			index = b
			if depth == 0 {
				ref = "" // names the outer entry
			}
			continue
		}
		return manifestImage(st, b, digest)
	}
	return nil, malformed("indexes nested more than %d deep", maxIndexes)
}

// isIndex trusts the media type; a document without one shows by its keys.
func isIndex(d v1.Descriptor, b []byte) bool {
	if d.MediaType != "" {
		return d.MediaType.IsIndex()
	}
	return bytes.Contains(b, []byte(`"manifests"`))
}

// refName is the annotation with an image's tag.
const refName = "org.opencontainers.image.ref.name"

// choose picks the entry of an index that is an image for the platform.
// SPEC.md, ENV-3.
func choose(all []v1.Descriptor, want v1.Platform, ref string) (v1.Descriptor, error) {
	if len(all) > maxManifests {
		return v1.Descriptor{}, malformed("index of %d images, at most %d are allowed", len(all), maxManifests)
	}
	var fit, named []v1.Descriptor
	var have []string
	for _, d := range all {
		if !d.MediaType.IsImage() && !d.MediaType.IsIndex() && d.MediaType != "" {
			continue
		}
		if ref != "" && d.Annotations[refName] != ref {
			continue
		}
		named = append(named, d)
		if p := d.Platform; p != nil {
			have = append(have, p.String())
			if p.OS != want.OS || p.Architecture != want.Architecture || want.Variant != "" && p.Variant != want.Variant {
				continue
			}
		}
		fit = append(fit, d)
	}
	same := func(d v1.Descriptor) bool { return d.Digest != fit[0].Digest }
	switch {
	case len(named) == 0 && ref != "":
		return v1.Descriptor{}, fmt.Errorf("no image is called %q", ref)
	case len(fit) == 0 && len(have) > 0:
		return v1.Descriptor{}, fmt.Errorf("no image for %s: there are %s", want, strings.Join(have, ", "))
	case len(fit) == 0:
		return v1.Descriptor{}, malformed("index without an image")
	case slices.ContainsFunc(fit, same):
		var names []string
		for _, d := range fit {
			names = append(names, d.Annotations[refName])
		}
		return v1.Descriptor{}, severalImages(len(fit), " for "+want.String(), names)
	}
	return fit[0], nil
}

// severalImages says that one of n images must be chosen, and by which names
// that can be done.
func severalImages(n int, what string, names []string) error {
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	if len(names) == 0 {
		return fmt.Errorf("%d images%s, none of which has a name to choose it by: save one alone", n, what)
	}
	return fmt.Errorf("%d images%s: choose one with `ref: %s`; there are %s", n, what, names[0], strings.Join(names, ", "))
}

func manifestImage(st store, b []byte, digest manifest.Digest) (*image, error) {
	var m v1.Manifest
	if err := parse("manifest", b, &m); err != nil {
		return nil, err
	}
	name, configDigest, err := blob(m.Config.Digest)
	if err != nil {
		return nil, err
	}
	config, err := document(st, name, configDigest, m.Config.Size)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	im := &image{digest: digest}
	for _, l := range m.Layers {
		name, d, err := blob(l.Digest)
		if err != nil {
			return nil, err
		}
		im.layers = append(im.layers, layer{name: name, digest: d, size: l.Size})
	}
	return im, im.configure(config)
}

// savedImage reads the manifest.json of docker save.
func savedImage(st store, b []byte, ref string) (*image, error) {
	var all []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := parse("manifest.json", b, &all); err != nil {
		return nil, err
	}
	if ref != "" {
		all = slices.DeleteFunc(all, func(m struct {
			Config   string
			RepoTags []string
			Layers   []string
		}) bool {
			return !slices.Contains(m.RepoTags, ref)
		})
		if len(all) == 0 {
			return nil, fmt.Errorf("no image is called %q", ref)
		}
	}
	if len(all) != 1 {
		var names []string
		for _, m := range all {
			names = append(names, m.RepoTags...)
		}
		return nil, severalImages(len(all), "", names)
	}
	name, err := cleanName(all[0].Config)
	if err != nil {
		return nil, err
	}
	config, err := document(st, name, "", -1)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	im := &image{digest: manifest.DigestOf(config)}
	if hex := strings.TrimSuffix(path.Base(name), ".json"); len(hex) == 2*sha256.Size && "sha256:"+hex != string(im.digest) {
		return nil, malformed("%q: content differs from its digest", name)
	}
	for _, l := range all[0].Layers {
		name, err := cleanName(l)
		if err != nil {
			return nil, err
		}
		im.layers = append(im.layers, layer{name: name, size: -1})
	}
	return im, im.configure(config)
}

// configure reads the configuration and matches its layers with those listed.
func (im *image) configure(b []byte) error {
	if err := parse("configuration", b, &im.config); err != nil {
		return err
	}
	ids := im.config.RootFS.DiffIDs
	if len(im.layers) > maxLayers {
		return malformed("%d layers, at most %d are allowed", len(im.layers), maxLayers)
	}
	if len(ids) != len(im.layers) {
		return malformed("%d layers, but the configuration lists %d", len(im.layers), len(ids))
	}
	for i, id := range ids {
		_, d, err := blob(id)
		if err != nil {
			return err
		}
		im.layers[i].diffID = d
	}
	return nil
}

// checkPlatform refuses an image that says it is for another machine than the
// one asked for.
func (im *image) checkPlatform(want v1.Platform) error {
	if im.config.OS != "" && im.config.OS != want.OS || im.config.Architecture != want.Architecture {
		return fmt.Errorf("the image is for %s/%s, not %s", im.config.OS, im.config.Architecture, want)
	}
	return nil
}
