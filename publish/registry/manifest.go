package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"repro/format"
	"repro/format/manifest"
)

// Media types of an image in a registry, those of Apptainer and Singularity.
const (
	layerType  = "application/vnd.sylabs.sif.layer.v1.sif"
	configType = "application/vnd.sylabs.sif.config.v1+json"
)

// Annotations of a manifest.
const (
	ContentIDAnnotation = "repro.content-id"
	createdAnnotation   = "org.opencontainers.image.created"
	titleAnnotation     = "org.opencontainers.image.title"
)

// fileTitle is what programs that pull any artifact call the file. It is the same
// for all images, or the manifest's digest would depend on a file's name.
const fileTitle = "image.sif"

// maxImage bounds the size that a manifest may state: 16 TiB.
const maxImage = 1 << 44

var (
	emptyConfig = []byte("{}")
	manifestIn  = string(types.OCIManifestSchema1)
	indexIn     = string(types.OCIImageIndex)
)

// document is an OCI image manifest, with the field that v1.Manifest lacks. The
// order of its fields is that of its bytes.
type document struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Subject       *descriptor       `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// descriptor names a blob or a manifest.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       manifest.Digest   `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

func describe(mediaType string, content []byte) descriptor {
	return descriptor{MediaType: mediaType, Digest: manifest.DigestOf(content), Size: int64(len(content))}
}

// imageManifest is the manifest of an image whose file has the given digest: a
// function of the file alone. SPEC.md, REG-2.
func imageManifest(im *format.Image, file manifest.Digest) ([]byte, error) {
	about, err := annotationsOf(im)
	if err != nil {
		return nil, err
	}
	return json.Marshal(document{
		SchemaVersion: 2, MediaType: manifestIn, ArtifactType: configType,
		Config: describe(configType, emptyConfig),
		Layers: []descriptor{{
			MediaType: layerType, Digest: file, Size: im.Size(),
			Annotations: map[string]string{titleAnnotation: fileTitle},
		}},
		Annotations: about,
	})
}

// annotationsOf are those of an image's manifest.
func annotationsOf(im *format.Image) (map[string]string, error) {
	m, err := im.Manifest()
	if err != nil {
		return nil, err
	}
	id, err := im.ContentID()
	return map[string]string{ContentIDAnnotation: string(id), createdAnnotation: m.Paper.Date}, err
}

// stored is an image's manifest as a registry has it.
type stored struct {
	digest    manifest.Digest // of the manifest
	size      int64           // of the same
	file      descriptor
	parts     []descriptor // the blobs that are the file, one after the other
	contentID string       // or nothing: pushed by another program
	created   string
}

// manifest asks for the manifest of what the repository was connected for.
func (r *Repository) manifest(ctx context.Context) (*stored, error) {
	object := "manifest " + r.ref.identifier()
	raw, _, err := r.document(ctx, r.address("manifests", r.ref.identifier()), manifestIn+", "+indexIn)
	if err == nil && raw == nil {
		err = fmt.Errorf("there is none in the registry")
	}
	if err != nil {
		return nil, r.failure(object, err)
	}
	got := manifest.DigestOf(raw)
	if want := r.ref.digest(); want != "" && string(got) != want {
		return nil, r.failure(object, fmt.Errorf("%w: what the registry sends has digest %s", format.ErrAltered, got))
	}
	s, err := parseManifest(raw)
	return s, r.failure(object, err)
}

// parseManifest reads the manifest of an image.
func parseManifest(raw []byte) (*stored, error) {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("%w: %w", format.ErrMalformed, err)
	}
	if d.MediaType == indexIn {
		return nil, fmt.Errorf("%w: an index of several manifests, not one image", format.ErrForeign)
	}
	file, err := parseFile(d)
	if err != nil {
		return nil, err
	}
	return &stored{
		digest: manifest.DigestOf(raw), size: int64(len(raw)), file: file, parts: d.Layers,
		contentID: d.Annotations[ContentIDAnnotation], created: d.Annotations[createdAnnotation],
	}, nil
}

// parseFile reads what the file of an image is.
func parseFile(d document) (descriptor, error) {
	if d.ArtifactType == splitType {
		return parseSplit(d)
	}
	if len(d.Layers) != 1 || d.Layers[0].MediaType != layerType {
		return descriptor{}, fmt.Errorf("%w: want one layer of type %s: is this a container's image?", format.ErrForeign, layerType)
	}
	file := d.Layers[0]
	if err := checkDigest(file.Digest); err != nil {
		return file, err
	}
	if file.Size <= 0 || file.Size > maxImage {
		return file, fmt.Errorf("%w: states a layer of %d bytes", format.ErrMalformed, file.Size)
	}
	return file, nil
}

// checkDigest lets only SHA-256 through: digests become parts of addresses and names.
func checkDigest(d manifest.Digest) error {
	h, err := v1.NewHash(string(d))
	if err != nil || h.Algorithm != "sha256" || strings.ToLower(h.Hex) != h.Hex {
		return fmt.Errorf("%w: digest %.80q: want sha256 and 64 hexadecimal digits", format.ErrMalformed, d)
	}
	return nil
}

// putManifest gives a manifest a name in the registry. The answer says whether the
// registry lists it with its subject by itself.
func (r *Repository) putManifest(ctx context.Context, raw []byte, mediaType, identifier string) (listed bool, err error) {
	err = retry(ctx, r.o.pause, func() (bool, error) {
		q, err := http.NewRequestWithContext(ctx, http.MethodPut, r.address("manifests", identifier), strings.NewReader(string(raw)))
		if err != nil {
			return false, err
		}
		q.Header.Set("Content-Type", mediaType)
		answer, err := r.do(q, http.StatusCreated, http.StatusOK, http.StatusAccepted)
		if err != nil {
			return false, err
		}
		listed = answer.Header.Get("OCI-Subject") != ""
		return false, answer.Body.Close()
	})
	return listed, r.failure("manifest "+identifier, err)
}
