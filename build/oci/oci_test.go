package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repro/format/tree"
)

func TestLayout(t *testing.T) {
	for _, kind := range []string{"", "gzip", "zstd"} {
		t.Run("layers "+kind, func(t *testing.T) { check(t, layout(t, kind, layers)) })
	}
}

func TestArchive(t *testing.T) {
	dir := layout(t, "gzip", layers)
	for _, kind := range []string{"", "gzip", "zstd"} {
		t.Run("archive "+kind, func(t *testing.T) { check(t, archived(t, dir, kind)) })
	}
}

// TestSaved reads the old form of docker save: folders with a layer.tar each,
// of which one that comes twice is a link.
func TestSaved(t *testing.T) {
	dir := t.TempDir()
	var ids, names []string
	first := map[string]string{}
	for i, items := range layers {
		b := tarOf(t, items)
		id := fmt.Sprintf("%064d", i)
		names = append(names, id+"/layer.tar")
		ids = append(ids, "sha256:"+hexOf(b))
		if err := os.Mkdir(filepath.Join(dir, id), 0o755); err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(dir, id, "layer.tar")
		var err error
		if other := first[hexOf(b)]; other != "" {
			err = os.Symlink("../"+other+"/layer.tar", at)
		} else {
			err = os.WriteFile(at, b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
		first[hexOf(b)] = id
	}
	config, _ := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux",
		"config": map[string]any{"Env": []string{"A=b=c"}, "Cmd": []string{"sh"}, "WorkingDir": "/work"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": ids},
	})
	manifest, _ := json.Marshal([]any{map[string]any{"Config": hexOf(config) + ".json", "RepoTags": []string{"paper:1"}, "Layers": names}})
	for name, b := range map[string][]byte{hexOf(config) + ".json": config, "manifest.json": manifest} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := check(t, archived(t, dir, ""))
	if string(s.Digest) != "sha256:"+hexOf(config) {
		t.Errorf("digest %s is not that of the configuration", s.Digest)
	}
	check(t, archived(t, dir, "gzip"))
	check(t, dir)
}

// TestSkopeo has a real tool rewrite the image in every form it knows.
func TestSkopeo(t *testing.T) {
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skipf("needs skopeo")
	}
	dir := layout(t, "gzip", layers)
	out := t.TempDir()
	for _, form := range []string{"oci-archive:" + out + "/oci.tar:paper", "docker-archive:" + out + "/docker.tar:paper:1", "oci:" + out + "/again:paper"} {
		if text, err := exec.Command(skopeo, "--insecure-policy", "copy", "oci:"+dir+":paper", form).CombinedOutput(); err != nil {
			t.Skipf("needs a skopeo that copies to %s: %s", form, text)
		}
		check(t, strings.Split(form, ":")[1])
	}
	zstd := out + "/zstd"
	if text, err := exec.Command(skopeo, "--insecure-policy", "copy", "--dest-compress-format", "zstd", "oci:"+dir+":paper", "oci:"+zstd+":paper").CombinedOutput(); err != nil {
		t.Skipf("needs a skopeo that writes zstd: %s", text)
	}
	check(t, zstd)
}

// TestPodman compares with what podman makes of the same image, but for the
// hard link across layers, which podman refuses.
func TestPodman(t *testing.T) {
	podman, err := exec.LookPath("podman")
	if err != nil || os.Getuid() != 0 || testing.Short() {
		t.Skipf("needs podman and root, and time")
	}
	var plain [][]item
	for _, items := range layers {
		plain = append(plain, slices.DeleteFunc(slices.Clone(items), func(i item) bool { return i.name == "usr/bin/sh" }))
	}
	archive := archived(t, layout(t, "gzip", plain), "")
	state := t.TempDir()
	run := func(args ...string) string {
		var problems bytes.Buffer
		cmd := exec.Command(podman, append([]string{"--root", state + "/root", "--runroot", state + "/run", "--storage-driver", "vfs"}, args...)...)
		cmd.Stderr = &problems
		out, err := cmd.Output()
		if err != nil {
			t.Skipf("needs a podman that works here: %s", problems.String())
		}
		return strings.TrimSpace(string(out))
	}
	lines := strings.Fields(run("load", "-i", archive))
	image := lines[len(lines)-1]
	mounted := run("image", "mount", image)
	theirs, err := tree.FromDir(mounted, tree.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ours, err := Open(context.Background(), archive, amd64)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if d := diff(seen(t, ours.Tree), seen(t, theirs)); d != "" {
		t.Errorf("against podman:\n%s", d)
	}
	run("image", "umount", image)
}

func TestPlatforms(t *testing.T) {
	dir := layout(t, "gzip", layers)
	_, err := Open(context.Background(), dir, Options{Platform: "linux/arm64"})
	if err == nil || !strings.Contains(err.Error(), "no image for linux/arm64: there are linux/amd64") {
		t.Errorf("got %v", err)
	}
	if _, err = Open(context.Background(), dir, Options{Platform: "linux/amd64", Ref: "other"}); err == nil || !strings.Contains(err.Error(), `no image is called "other"`) {
		t.Errorf("got %v", err)
	}
	if _, err := Open(context.Background(), dir, Options{Platform: "x"}); err == nil {
		t.Error("platform x is taken")
	}
}

func TestMalformed(t *testing.T) {
	blobs := func(dir string) []string {
		names, _ := filepath.Glob(filepath.Join(dir, "blobs/sha256/*"))
		return names
	}
	for _, c := range []struct {
		name, want string
		change     func(t *testing.T, dir string) error
	}{
		{"no index", "no index.json and no manifest.json", func(t *testing.T, dir string) error { return os.Remove(dir + "/index.json") }},
		{"index that is no JSON", "index: ", func(t *testing.T, dir string) error { return os.WriteFile(dir+"/index.json", []byte("{"), 0o644) }},
		{"empty index", "index without an image", func(t *testing.T, dir string) error { return os.WriteFile(dir+"/index.json", []byte("{}"), 0o644) }},
		{"huge index", "at most 8388608 are allowed", func(t *testing.T, dir string) error { return os.Truncate(dir+"/index.json", 1<<40) }},
		{"index that is a FIFO", "not a file", func(t *testing.T, dir string) error {
			if err := os.Remove(dir + "/index.json"); err != nil {
				return err
			}
			return exec.Command("mkfifo", dir+"/index.json").Run()
		}},
		{"digest that leads out", "digest", func(t *testing.T, dir string) error {
			return os.WriteFile(dir+"/index.json", []byte(`{"manifests":[{"digest":"sha256:../../../../etc/passwd","size":1}]}`), 0o644)
		}},
		{"blob that leads out", "escapes", func(t *testing.T, dir string) error {
			for _, b := range blobs(dir) {
				if err := os.Remove(b); err != nil {
					return err
				}
				if err := os.Symlink("/etc/passwd", b); err != nil {
					return err
				}
			}
			return nil
		}},
		{"manifest that is not there", "no such file", func(t *testing.T, dir string) error {
			return os.WriteFile(dir+"/index.json", []byte(`{"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:`+strings.Repeat("0", 64)+`","size":1}]}`), 0o644)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := layout(t, "gzip", layers)
			if err := c.change(t, dir); err != nil {
				t.Skipf("needs %v", err)
			}
			_, err := Open(context.Background(), dir, amd64)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
	t.Run("each byte of each blob counts", func(t *testing.T) {
		dir := layout(t, "gzip", layers)
		for _, name := range blobs(dir) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, at := range []int{0, len(b) / 2, len(b) - 1} {
				flipped := bytes.Clone(b)
				flipped[at] ^= 1
				if err := os.WriteFile(name, flipped, 0o644); err != nil {
					t.Fatal(err)
				}
				if _, err := Open(context.Background(), dir, amd64); !errors.Is(err, ErrMalformed) {
					t.Errorf("byte %d of %s: got %v", at, filepath.Base(name), err)
				}
			}
			if err := os.WriteFile(name, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestBomb has a layer that a zstd stream of some kilobytes makes huge.
func TestBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("decompresses 64 MiB")
	}
	packed := compress(t, "zstd", make([]byte, growthFloor+(16<<20)))
	_, err := uncompressed(context.Background(), bytes.NewReader(packed), 1000, io.Discard)
	if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "grows beyond") {
		t.Errorf("got %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	for _, kind := range []string{"", "gzip"} {
		b, err := os.ReadFile(archived(f, layout(f, kind, layers[:3]), ""))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "image.tar")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(context.Background(), name, amd64)
		if err != nil {
			return
		}
		defer s.Close()
		seen(t, s.Tree)
	})
}
