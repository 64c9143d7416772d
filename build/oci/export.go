package oci

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/atomicfile"
	"repro/internal/codec"
	"repro/internal/progress"
)

// Export is a container image to be written. SPEC.md, EXP-4 to EXP-7.
type Export struct {
	Layers      []*tree.Node // lowest first
	Names       []string     // of the layers, for the image's history
	Config      Config
	Arch        string // as in GOARCH
	Created     time.Time
	Annotations map[string]string // also labels
	Ref         string            // tag or name; may be empty
	Progress    progress.Func
}

const layoutVersion = `{"imageLayoutVersion":"1.0.0"}`

// Folder writes e as an OCI image layout into the folder name, which must not
// exist, or be empty; it appears whole or not at all. The bytes of all its
// files are a function of e.
func (e *Export) Folder(ctx context.Context, name string) error {
	d, err := atomicfile.CreateDir(name)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := e.layout(ctx, d.Path()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.Chmod(d.Path(), 0o755); err != nil {
		return err
	}
	return d.Commit()
}

// Archive writes e as a tar archive that holds an OCI image layout, which
// `podman load` takes. The file appears whole or not at all; its bytes are a
// function of e.
func (e *Export) Archive(ctx context.Context, name string) error {
	f, err := atomicfile.Create(name, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	scratch, err := atomicfile.Scratch(name + ".layout")
	if err != nil {
		return err
	}
	defer scratch.Close()
	dir := scratch.Path()
	if err := e.layout(ctx, dir); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := e.pack(ctx, f, dir); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return f.Commit()
}

// pack writes the files of a layout as a tar archive. It has no entry for the layout's
// own folder: Apptainer takes one for a way out of the folder that it unpacks to.
// SPEC.md, EXP-7.
func (e *Export) pack(ctx context.Context, w io.Writer, dir string) error {
	t := tar.NewWriter(w)
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || file == dir {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		h := &tar.Header{Typeflag: tar.TypeDir, Name: filepath.ToSlash(name) + "/", Mode: 0o755, ModTime: e.Created}
		if d.IsDir() {
			return t.WriteHeader(h)
		}
		return packFile(t, file, &tar.Header{Typeflag: tar.TypeReg, Name: filepath.ToSlash(name), Mode: 0o644, ModTime: e.Created})
	})
	return errors.Join(err, t.Close())
}

func packFile(t *tar.Writer, file string, h *tar.Header) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h.Size = info.Size()
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}

// layout writes the files of a layout.
func (e *Export) layout(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return err
	}
	config, m := e.config(), e.manifest()
	for i, layer := range e.Layers {
		e.Progress.Report(progress.Event{Task: "export " + e.Names[i], Done: int64(i), Total: int64(len(e.Layers))})
		blob, diffID, err := writeLayer(ctx, dir, layer)
		if err != nil {
			return fmt.Errorf("layer %q: %w", e.Names[i], err)
		}
		m.Layers = append(m.Layers, blob)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, diffID)
		config.History = append(config.History, v1.History{Created: v1.Time{Time: e.Created}, CreatedBy: "repro: layer " + e.Names[i]})
	}
	var err error
	if m.Config, err = writeDocument(dir, config, types.OCIConfigJSON); err != nil {
		return err
	}
	described, err := writeDocument(dir, m, types.OCIManifestSchema1)
	if err != nil {
		return err
	}
	described.Platform = &v1.Platform{Architecture: e.Arch, OS: "linux"}
	if e.Ref != "" {
		described.Annotations = map[string]string{"org.opencontainers.image.ref.name": e.Ref}
	}
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{described}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "index.json"), index, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(layoutVersion), 0o644)
}

func (e *Export) config() *v1.ConfigFile {
	c := &v1.ConfigFile{
		Architecture: e.Arch, OS: "linux", Created: v1.Time{Time: e.Created},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Cmd: e.Config.Cmd, Entrypoint: e.Config.Entrypoint, WorkingDir: e.Config.WorkingDir,
			User: e.Config.User, Labels: e.Annotations,
		},
	}
	for _, name := range slices.Sorted(maps.Keys(e.Config.Env)) {
		c.Config.Env = append(c.Config.Env, name+"="+e.Config.Env[name])
	}
	return c
}

func (e *Export) manifest() *v1.Manifest {
	return &v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Annotations: e.Annotations}
}

// writeDocument writes a JSON document as a blob.
func writeDocument(dir string, v any, kind types.MediaType) (v1.Descriptor, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	hash := v1.Hash{Algorithm: "sha256", Hex: strings.TrimPrefix(string(manifest.DigestOf(b)), "sha256:")}
	err = os.WriteFile(filepath.Join(dir, "blobs", "sha256", hash.Hex), b, 0o644)
	return v1.Descriptor{MediaType: kind, Size: int64(len(b)), Digest: hash}, err
}

// writeLayer writes a layer as a gzip-compressed tar, and returns what names it
// compressed and not. SPEC.md, EXP-3.
func writeLayer(ctx context.Context, dir string, layer *tree.Node) (v1.Descriptor, v1.Hash, error) {
	var none v1.Descriptor
	f, err := os.CreateTemp(dir, "layer-*")
	if err != nil {
		return none, v1.Hash{}, err
	}
	defer os.Remove(f.Name()) // unless it is renamed
	defer f.Close()
	stored, plain := newDigester(f), newDigester(nil)
	z := codec.NewGzipWriter(stored)
	plain.w = z
	err = tree.ToTar(ctx, plain, layer, true)
	if closed := z.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return none, v1.Hash{}, err
	}
	blob := v1.Descriptor{MediaType: types.OCILayer, Size: stored.size, Digest: stored.hash()}
	if err := f.Chmod(0o644); err != nil {
		return none, v1.Hash{}, err
	}
	if err := f.Close(); err != nil {
		return none, v1.Hash{}, err
	}
	return blob, plain.hash(), os.Rename(f.Name(), filepath.Join(dir, "blobs", "sha256", blob.Digest.Hex))
}
