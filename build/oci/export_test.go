package oci_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"repro/build/oci"
	"repro/format/tree"
)

// TestExport reads an exported image back and finds the union of its layers.
func TestExport(t *testing.T) {
	lower, upper := tree.NewDir(), tree.NewDir()
	put := func(root *tree.Node, name string, n *tree.Node) *tree.Node {
		if err := root.Put(name, n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	put(lower, "usr/bin/tool", tree.NewFile(0o755, []byte("tool")))
	put(lower, "usr/bin/again", lower.Lookup("usr/bin/tool"))
	put(lower, "bin", tree.NewSymlink("usr/bin"))
	put(lower, "gone", tree.NewFile(0o644, []byte("x")))
	put(lower, "opaque/old", tree.NewFile(0o644, []byte("x")))
	put(lower, "big", tree.NewFile(0o644, bytes.Repeat([]byte("3.14\n"), 1_000_000)))
	put(lower, fmt.Sprintf("%0200d/%0200d", 1, 2), tree.NewFile(0o644, []byte("long")))
	put(lower, "umläut\nline", tree.NewFile(0o600, []byte("odd")))
	put(lower, "pipe", &tree.Node{Mode: fs.ModeNamedPipe | 0o644})
	put(lower, "tmp", tree.NewDir()).Mode |= fs.ModeSticky | 0o777
	put(lower, "xattr", tree.NewFile(0o644, nil)).Xattrs = map[string][]byte{"user.a": []byte("b\x00=c")}
	put(upper, "gone", tree.NewWhiteout())
	put(upper, "opaque/new", tree.NewFile(0o644, []byte("y")))
	upper.Lookup("opaque").Xattrs = map[string][]byte{tree.OpaqueXattr: []byte("y")}
	e := &oci.Export{
		Layers: []*tree.Node{lower, upper}, Names: []string{"environment", "code"}, Arch: runtime.GOARCH,
		Config:  oci.Config{Env: map[string]string{"B": "2", "A": "1=1"}, WorkingDir: "/paper", Cmd: []string{"/run"}},
		Created: time.Unix(1_700_000_000, 0).UTC(), Annotations: map[string]string{"org.opencontainers.image.title": "T"},
	}
	want, err := tree.Digest(tree.Union(lower, upper), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	folder, archive := filepath.Join(dir, "layout"), filepath.Join(dir, "layout.tar")
	ctx := context.Background()
	if err := e.Folder(ctx, folder); err != nil {
		t.Fatal(err)
	}
	if err := e.Archive(ctx, archive); err != nil {
		t.Fatal(err)
	}
	if names := archived(t, archive); len(names) != 8 || names[0] != "blobs/" || names[1] != "blobs/sha256/" || names[6] != "index.json" || names[7] != "oci-layout" || !slices.IsSorted(names) {
		t.Errorf("the archive holds %q", names)
	}
	for _, name := range []string{folder, archive} {
		s, err := oci.Open(ctx, name, oci.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := tree.Digest(s.Tree, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: another tree came back", name)
		}
		if c := s.Config(); c.Env["A"] != "1=1" || c.WorkingDir != "/paper" || len(c.Cmd) != 1 {
			t.Errorf("%s: configuration %+v", name, c)
		}
		s.Close()
	}
}

// archived returns the names in a tar archive, all of whose entries are root's and of
// the time of the image.
func archived(t *testing.T, name string) (names []string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		want := int64(0o644)
		if h.Typeflag == tar.TypeDir {
			want = 0o755
		}
		if h.Mode != want || h.Uid != 0 || h.Gid != 0 || h.ModTime.Unix() != 1_700_000_000 {
			t.Errorf("%s: %+v", h.Name, h)
		}
		names = append(names, h.Name)
	}
}
