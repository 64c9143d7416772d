package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repro/format"
)

// aStatement is an attestation as far as a registry looks.
const aStatement = `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{},"dsseEnvelope":{}}`

// TestPushPull holds the same against each registry. SPEC.md, REG-1 to REG-6.
func TestPushPull(t *testing.T) {
	image, content := newImage(t, 300<<10)
	digests := map[string]bool{}
	try := func(t *testing.T, host string) {
		a, err := NewAttachment([]byte(aStatement))
		if err != nil {
			t.Fatal(err)
		}
		first := push(t, host, "lab/paper:1", image, a)
		if want := int64(len(content) + len(aStatement) + len("{}")); first.Sent != want {
			t.Errorf("the first push sent %d bytes, want %d", first.Sent, want)
		}
		if again := push(t, host, "lab/paper:2", image, a); again.Sent != 0 || again.Digest != first.Digest {
			t.Errorf("the second push sent %d bytes and got %s, the first %s", again.Sent, again.Digest, first.Digest)
		}
		digests[string(first.Digest)] = true
		name := filepath.Join(t.TempDir(), "pulled.sif")
		looked := 0
		pulled, err := connect(t, host, "lab/paper@"+string(first.Digest), false).Pull(t.Context(), name, func(_ context.Context, im *format.Image, attached []Attachment) error {
			looked = len(attached)
			if _, err := os.Stat(name); err == nil {
				t.Error("the image has its name before it was looked at")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		sameFileContent(t, name, content)
		if looked != 1 || len(pulled.Attached) != 1 || pulled.Received != int64(len(content)) || pulled.ContentID != first.ContentID {
			t.Errorf("pulled %+v, looked at %d attachments", pulled, looked)
		}
		sameFileContent(t, pulled.Attached[0], []byte(aStatement))
		if got := left(t, filepath.Dir(name)); len(got) != 2 {
			t.Errorf("left: %q", got)
		}
	}
	t.Run("referrers", func(t *testing.T) {
		s := serve(t, true)
		try(t, s.host)
		if s.count("PUT", "/manifests/sha256-") != 0 {
			t.Error("a tag was made for referrers that the registry lists")
		}
	})
	t.Run("tag", func(t *testing.T) { try(t, serve(t, false).host) })
	t.Run("debian", func(t *testing.T) { try(t, serveDebian(t)) })
	if len(digests) != 1 {
		t.Errorf("one image has %d digests: %v", len(digests), digests)
	}
}

// TestLayout holds what Apptainer's oras:// asks of a manifest. SPEC.md, REG-2.
func TestLayout(t *testing.T) {
	image, content := newImage(t, 1000)
	im := openImage(t, image)
	file, err := wholeImage(t.Context(), im)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := im.ContentID()
	raw, err := imageManifest(im, file)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",`+
		`"artifactType":"application/vnd.sylabs.sif.config.v1+json",`+
		`"config":{"mediaType":"application/vnd.sylabs.sif.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},`+
		`"layers":[{"mediaType":"application/vnd.sylabs.sif.layer.v1.sif","digest":"%s","size":%d,"annotations":{"org.opencontainers.image.title":"image.sif"}}],`+
		`"annotations":{"org.opencontainers.image.created":"2026-11-23T12:00:00Z","repro.content-id":"%s"}}`, file, len(content), id)
	if string(raw) != want {
		t.Errorf("got\n%s\nwant\n%s", raw, want)
	}
	var d document
	if err := json.Unmarshal(raw, &d); err != nil || d.Layers[0].Digest != file {
		t.Errorf("read again: %+v, %v", d, err)
	}
}

// TestOpen reads little of an image to look at it, and all of it to check it.
func TestOpen(t *testing.T) {
	image, content := newImage(t, 9<<20)
	host := serve(t, true).host
	pushed := push(t, host, "paper:1", image)
	m, err := connect(t, host, "paper:1", false).Open(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := m.ContentID(); err != nil || id != pushed.ContentID || m.Digest != pushed.Digest {
		t.Errorf("content id %s (%v), manifest %s", id, err, m.Digest)
	}
	if problems := m.Layout(); len(problems) > 0 {
		t.Error(problems)
	}
	if n := m.Received(); n == 0 || n > 1<<20 {
		t.Errorf("%d of %d bytes were read for a look", n, len(content))
	}
	if m, err = connect(t, host, "paper:1", false).Open(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Check(t.Context(), format.CheckOptions{}); err != nil {
		t.Error(err)
	}
	if n := m.Received(); n != int64(len(content)) {
		t.Errorf("%d bytes were read of %d", n, len(content))
	}
}

func TestPushRefusesAnAlteredImage(t *testing.T) {
	image, content := newImage(t, 100<<10)
	content[len(content)/2] ^= 1
	if err := os.WriteFile(image, content, 0o666); err != nil {
		t.Fatal(err)
	}
	s := serve(t, true)
	_, err := connect(t, s.host, "paper:1", true).Push(t.Context(), openImage(t, image), nil)
	if !errors.Is(err, format.ErrAltered) {
		t.Errorf("err = %v", err)
	}
	if n := s.count("POST", ""); n != 0 {
		t.Errorf("%d uploads were begun", n)
	}
}

func TestParseReference(t *testing.T) {
	digest := "sha256:" + strings.Repeat("ab", 32)
	for in, want := range map[string]string{
		"oci://registry.example.org/lab/paper:1":         "oci://registry.example.org/lab/paper:1",
		"oci://localhost:5000/paper":                     "oci://localhost:5000/paper:latest",
		"oci://127.0.0.1:5000/a/b/c@" + digest:           "oci://127.0.0.1:5000/a/b/c@" + digest,
		"oci://localhost/paper":                          "oci://localhost/paper:latest",
		"OCI://localhost/paper:2":                        "oci://localhost/paper:2",
		"oci:/":                                          "",
		"oci://[::1]:5000/paper":                         "oci://[::1]:5000/paper:latest",
		"paper.sif":                                      "",
		"oci://paper:1":                                  "",
		"oci://lab/paper:1":                              "", // would be Docker Hub's
		"oci://registry.example.org/":                    "",
		"oci://registry.example.org/Paper:1":             "",
		"oci://registry.example.org/paper@sha256:12":     "",
		"oci://registry.example.org/../../v2/x":          "",
		"docker://registry.example.org/paper":            "",
		"oci://user:secret@registry.example.org/paper:1": "",
	} {
		ref, err := ParseReference(in)
		if want == "" {
			if !errors.Is(err, ErrReference) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v, %v", in, ref, err)
			}
			continue
		}
		if err != nil || ref.String() != want {
			t.Errorf("%s: %v, %v", in, ref, err)
		}
	}
	if _, err := ParseReference("oci://registry.example.org/Paper:1"); err == nil || !strings.Contains(err.Error(), "NAME of small letters") {
		t.Errorf("capitals: %v", err)
	}
	ref, _ := ParseReference("oci://registry.example.org/lab/paper:1")
	if got := ref.Base(); got != "paper.sif" {
		t.Errorf("Base = %q", got)
	}
}

func TestNewAttachment(t *testing.T) {
	for content, want := range map[string]string{
		aStatement: bundleType,
		`{"payloadType":"application/vnd.in-toto+json","payload":""}`: envelopeType,
		"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n":          clearsignType,
		`{"timeRecord":1}`:                     timeRecordType,
		"-----BEGIN PGP PUBLIC KEY BLOCK-----": "",
		`{}`:                                   "",
		"":                                     "",
		`{"payloadType":"x","y":"` + strings.Repeat(" ", maxAttachment) + `"}`: "",
	} {
		a, err := NewAttachment([]byte(content))
		if a.Type != want || (err == nil) != (want != "") {
			t.Errorf("%.40q: %q, %v", content, a.Type, err)
		}
	}
}

// TestApptainer reads what Apptainer 1.4.5 pushed to Debian's registry: its manifest,
// as recorded, states neither type of artifact nor content id nor date.
func TestApptainer(t *testing.T) {
	const recorded = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
		`"config":{"mediaType":"application/vnd.sylabs.sif.config.v1+json","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},` +
		`"layers":[{"mediaType":"application/vnd.sylabs.sif.layer.v1.sif","size":%d,"digest":"%s","annotations":{"org.opencontainers.image.title":"paper.sif"}}]}`
	image, content := newImage(t, 1000)
	s := serve(t, true)
	pushed := push(t, s.host, "paper:1", image)
	r := connect(t, s.host, "paper:theirs", true)
	if _, err := r.putManifest(t.Context(), fmt.Appendf(nil, recorded, len(content), pushed.File), manifestIn, "theirs"); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
	p, err := connect(t, s.host, "paper:theirs", false).Pull(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	sameFileContent(t, name, content)
	if p.ContentID != pushed.ContentID || p.Digest == pushed.Digest {
		t.Errorf("%+v", p)
	}
	m := openRemote(t, s.host, "paper:theirs", "")
	if id, err := m.ContentID(); err != nil || id != pushed.ContentID {
		t.Errorf("%s, %v", id, err)
	}
}
