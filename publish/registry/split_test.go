package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/format"
	"repro/format/manifest"
)

// splitting is quick, and splits.
var splitting = func() Options { o := quick; o.Split = true; return o }()

// TestSplit sends what a second version of a paper has of its own, and joins the
// pieces to the file that it was. SPEC.md, REG-9.
func TestSplit(t *testing.T) {
	const large, changed = 12 << 20, 2 << 20
	one, first := newVersion(t, large, noise(changed))
	two, second := newVersion(t, large, noise(changed + 1)[1:])
	for what, host := range map[string]string{"go": serve(t, true).host, "debian": serveDebian(t)} {
		t.Run(what, func(t *testing.T) {
			p := pushWith(t, splitting, host, "paper:1", one)
			if p.Sent != int64(len(first))+2 {
				t.Errorf("%d bytes were sent of %d", p.Sent, len(first))
			}
			q := pushWith(t, splitting, host, "paper:2", two)
			if most := int64(changed) * 101 / 100; q.Sent > most+1<<17 || q.Sent < changed {
				t.Errorf("%d bytes were sent for a layer of %d", q.Sent, changed)
			}
			t.Logf("second version: %d bytes of %d sent, %d more than its layer", q.Sent, len(second), q.Sent-changed)
			if again := pushWith(t, splitting, host, "paper:3", two); again.Sent != 0 || again.Digest != q.Digest {
				t.Errorf("again: %+v", again)
			}
			for tag, want := range map[string][]byte{"1": first, "2": second} {
				name := filepath.Join(t.TempDir(), "paper.sif")
				pulled, err := connect(t, host, "paper:"+tag, false).Pull(t.Context(), name, nil)
				if err != nil {
					t.Fatal(err)
				}
				sameFileContent(t, name, want)
				if pulled.Received != int64(len(want)) {
					t.Errorf("%d bytes came of %d", pulled.Received, len(want))
				}
			}
			m := openRemote(t, host, "paper:2", "")
			if _, err := m.Check(t.Context(), format.CheckOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSplitGoesOn pulls pieces through connections that are cut off.
func TestSplitGoesOn(t *testing.T) {
	image, content := newVersion(t, 3<<20, noise(1<<20))
	s := serve(t, true)
	pushWith(t, splitting, s.host, "paper:1", image)
	c := cut(t, s.host, 1<<10, 250<<10)
	for c.cuts.Load() < 60 {
		name := filepath.Join(t.TempDir(), "paper.sif")
		if _, err := pullWhatever(t, c.host, name); err != nil {
			t.Fatal(err)
		}
		sameFileContent(t, name, content)
	}
}

// TestCuts cuts where layers begin, and behind the last.
func TestCuts(t *testing.T) {
	image, _ := newImage(t, 100_000)
	im := openImage(t, image)
	got, err := cuts(im)
	if err != nil {
		t.Fatal(err)
	}
	want := []int64{0}
	for _, o := range im.Objects() {
		if o.Name == "environment" || o.Name == "code" || o.Name == "published" {
			want = append(want, o.Offset)
		}
	}
	if want = append(want, im.Size()); !slices.Equal(got, want) || len(want) != 5 {
		t.Errorf("cut at %v, want %v", got, want)
	}
}

// TestParseSplit refuses what is no list of pieces.
func TestParseSplit(t *testing.T) {
	digest := manifest.DigestOf([]byte("x"))
	doc := func(edit func(d *document)) []byte {
		d := document{
			ArtifactType: splitType, Annotations: map[string]string{fileAnnotation: string(digest)},
			Layers: []descriptor{{MediaType: pieceType, Digest: digest, Size: 10}, {MediaType: pieceType, Digest: digest, Size: 20}},
		}
		edit(&d)
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	s, err := parseManifest(doc(func(*document) {}))
	if err != nil || s.file.Size != 30 || s.file.Digest != digest || len(s.parts) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	for what, edit := range map[string]func(d *document){
		"no digest":     func(d *document) { delete(d.Annotations, fileAnnotation) },
		"path":          func(d *document) { d.Layers[1].Digest = "sha256:../x" },
		"other type":    func(d *document) { d.Layers[0].MediaType = layerType },
		"empty piece":   func(d *document) { d.Layers[1].Size = 0 },
		"negative":      func(d *document) { d.Layers[1].Size = -1 },
		"huge together": func(d *document) { d.Layers[0].Size, d.Layers[1].Size = maxImage-10, 11 },
		"none":          func(d *document) { d.Layers = nil },
		"too many":      func(d *document) { d.Layers = slices.Repeat(d.Layers, maxPieces/2+1) },
	} {
		if _, err := parseManifest(doc(edit)); !errors.Is(err, format.ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if s, err := parseManifest(doc(func(d *document) { d.Layers[0].Size, d.Layers[1].Size = maxImage-10, 10 })); err != nil || s.file.Size != maxImage {
		t.Errorf("the largest: %v", err)
	}
}

// TestSplitLayout holds the bytes of a split image's manifest.
func TestSplitLayout(t *testing.T) {
	image, _ := newImage(t, 1000)
	im := openImage(t, image)
	parts := []descriptor{{MediaType: pieceType, Digest: "sha256:1", Size: 3}}
	id, err := im.ContentID()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := splitManifest(im, "sha256:2", parts)
	want := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.repro.split.v1",`+
		`"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},`+
		`"layers":[{"mediaType":"application/vnd.repro.piece.v1","digest":"sha256:1","size":3}],`+
		`"annotations":{"org.opencontainers.image.created":"2026-11-23T12:00:00Z","repro.content-id":"%s","repro.file":"sha256:2"}}`, id)
	if err != nil || strings.TrimSpace(string(raw)) != want {
		t.Errorf("got\n%s\nwant\n%s (%v)", raw, want, err)
	}
}
