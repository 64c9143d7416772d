package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/format/tree"
)

// item is one entry of a layer.
type item struct {
	name string
	text string // of a file
	link string // hard link
	sym  string
	dir  bool
}

// tarOf writes the items as a tar stream.
func tarOf(t testing.TB, items []item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, i := range items {
		h := &tar.Header{Name: i.name, Mode: 0o644, Typeflag: tar.TypeReg, Size: int64(len(i.text))}
		switch {
		case i.dir:
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		case i.link != "":
			h.Typeflag, h.Linkname = tar.TypeLink, i.link
		case i.sym != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, i.sym
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, i.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// layers say what real images say: files replaced, removed, hidden with all
// their folder, linked across layers, and a layer that comes twice.
var layers = [][]item{
	{
		{name: "bin/", dir: true}, {name: "bin/sh", text: "shell"}, {name: "bin/ash", link: "bin/sh"},
		{name: "etc/", dir: true}, {name: "etc/conf", text: "one"}, {name: "etc/gone", text: "x"},
		{name: "old/", dir: true}, {name: "old/a", text: "a"}, {name: "old/sub/", dir: true}, {name: "old/sub/b", text: "b"},
		{name: "opaque/", dir: true}, {name: "opaque/below", text: "x"},
		{name: "swap/", dir: true}, {name: "swap/inner", text: "x"}, {name: "lib", sym: "usr/lib"}, {name: "usr/lib/", dir: true},
	},
	{
		{name: "etc/", dir: true}, {name: "etc/.wh.gone"}, {name: "etc/conf", text: "two"},
		{name: ".wh.old"}, {name: "opaque/", dir: true}, {name: "opaque/new", text: "n"}, {name: "opaque/.wh..wh..opq"},
		{name: "usr/bin/sh", link: "bin/sh"}, {name: ".wh.swap"}, {name: "swap", text: "now a file"},
	},
	{{name: "twice", text: "same layer"}},
	{{name: "old/", dir: true}, {name: "old/again", text: "again"}, {name: ".wh.twice"}},
	{{name: "twice", text: "same layer"}},
	{},
}

// want is what is to be seen of the layers.
var want = map[string]string{
	"bin": "/", "bin/sh": "shell", "bin/ash": "shell", "etc": "/", "etc/conf": "two", "old": "/", "old/again": "again",
	"opaque": "/", "opaque/new": "n", "swap": "now a file", "lib": "> usr/lib", "usr": "/", "usr/lib": "/",
	"usr/bin": "/", "usr/bin/sh": "shell", "twice": "same layer",
}

func hexOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func compress(t testing.TB, kind string, b []byte) []byte {
	t.Helper()
	switch kind {
	case "gzip":
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		w.Write(b)
		w.Close()
		return out.Bytes()
	case "zstd":
		cmd := exec.Command("zstd", "-c")
		cmd.Stdin = bytes.NewReader(b)
		out, err := cmd.Output()
		if err != nil {
			t.Skipf("needs zstd: %v", err)
		}
		return out
	}
	return b
}

// layout writes an OCI layout of the layers into a new folder.
func layout(t testing.TB, kind string, layers [][]item) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	put := func(name string, b []byte) {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	describe := func(media string, b []byte) map[string]any {
		put("blobs/sha256/"+hexOf(b), b)
		return map[string]any{"mediaType": media, "digest": "sha256:" + hexOf(b), "size": len(b)}
	}
	encode := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var ids []string
	var descriptors []any
	suffix := map[string]string{"": "", "gzip": "+gzip", "zstd": "+zstd"}[kind]
	for _, items := range layers {
		b := tarOf(t, items)
		ids = append(ids, "sha256:"+hexOf(b))
		descriptors = append(descriptors, describe("application/vnd.oci.image.layer.v1.tar"+suffix, compress(t, kind, b)))
	}
	config := describe("application/vnd.oci.image.config.v1+json", encode(map[string]any{
		"architecture": "amd64", "os": "linux",
		"config": map[string]any{"Env": []string{"PATH=/opt/bin:/bin", "A=b=c"}, "Cmd": []string{"sh"}, "WorkingDir": "/work"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": ids},
	}))
	manifest := describe("application/vnd.oci.image.manifest.v1+json", encode(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": descriptors,
	}))
	manifest["platform"] = map[string]any{"os": "linux", "architecture": "amd64"}
	manifest["annotations"] = map[string]any{"org.opencontainers.image.ref.name": "paper"}
	put("index.json", encode(map[string]any{"schemaVersion": 2, "manifests": []any{manifest}}))
	put("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return dir
}

var amd64 = Options{Platform: "linux/amd64"}

// seen is a tree as the tests write it down: "/" for a folder, "> target" for
// a link, else the content.
func seen(t testing.TB, root *tree.Node) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, n := range root.All() {
		switch {
		case name == "":
		case n.IsDir():
			all[name] = "/"
		case n.Mode.Type() == fs.ModeSymlink:
			all[name] = "> " + n.Target
		default:
			r, err := n.Content()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			r.Close()
			all[name] = string(b)
		}
	}
	return all
}

func diff(got, want map[string]string) string {
	var out []string
	for name := range maps.Keys(want) {
		if got[name] != want[name] {
			out = append(out, fmt.Sprintf("%s: got %q, want %q", name, got[name], want[name]))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			out = append(out, fmt.Sprintf("%s: got %q, want nothing", name, got[name]))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func check(t *testing.T, name string) *Source {
	t.Helper()
	s, err := Open(context.Background(), name, amd64)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if d := diff(seen(t, s.Tree), want); d != "" {
		t.Error(d)
	}
	if s.Tree.Lookup("bin/sh") != s.Tree.Lookup("usr/bin/sh") || s.Tree.Lookup("bin/sh") != s.Tree.Lookup("bin/ash") {
		t.Error("hard links are separate files")
	}
	if c := s.Config(); c.Env["A"] != "b=c" || c.WorkingDir != "/work" || c.Cmd[0] != "sh" || s.Arch != "amd64" {
		t.Errorf("configuration is %+v for %s", c, s.Arch)
	}
	return s
}

// archived packs a folder into a tar file, and compresses that.
func archived(t testing.TB, dir, kind string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image.tar")
	args := []string{"-C", dir, "-cf", name}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		args = append(args, e.Name())
	}
	if out, err := exec.Command("tar", args...).CombinedOutput(); err != nil {
		t.Skipf("needs tar: %s", out)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, compress(t, kind, b), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}
