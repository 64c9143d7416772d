package oci

import (
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// TestChoose holds what is taken of an index with several images.
func TestChoose(t *testing.T) {
	entry := func(digit, name, arch string) v1.Descriptor {
		d := v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(digit, 64)}}
		if name != "" {
			d.Annotations = map[string]string{refName: name}
		}
		if arch != "" {
			d.Platform = &v1.Platform{OS: "linux", Architecture: arch}
		}
		return d
	}
	amd := v1.Platform{OS: "linux", Architecture: "amd64"}
	for _, c := range []struct {
		name  string
		all   []v1.Descriptor
		ref   string
		digit string
		err   string
	}{
		{name: "one", all: []v1.Descriptor{entry("1", "a", "amd64")}, digit: "1"},
		{name: "one of each platform", all: []v1.Descriptor{entry("1", "a", "arm64"), entry("2", "a", "amd64")}, digit: "2"},
		{name: "two names of one image", all: []v1.Descriptor{entry("1", "a", ""), entry("1", "b", "")}, digit: "1"},
		{name: "two", all: []v1.Descriptor{entry("1", "a", "amd64"), entry("2", "b", "amd64")}, err: "2 images for linux/amd64: choose one with `ref: a`; there are a, b"},
		{name: "two, chosen", all: []v1.Descriptor{entry("1", "a", "amd64"), entry("2", "b", "amd64")}, ref: "b", digit: "2"},
		{name: "two without names", all: []v1.Descriptor{entry("1", "", ""), entry("2", "", "")}, err: "none of which has a name"},
		{name: "none of that name", all: []v1.Descriptor{entry("1", "a", "amd64")}, ref: "c", err: `no image is called "c"`},
		{name: "none for this machine", all: []v1.Descriptor{entry("1", "a", "arm64")}, err: "no image for linux/amd64: there are linux/arm64"},
	} {
		d, err := choose(c.all, amd, c.ref)
		switch {
		case c.err == "" && (err != nil || d.Digest.Hex[:1] != c.digit):
			t.Errorf("%s: %v, %v", c.name, d.Digest, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
}
