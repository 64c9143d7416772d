//go:build linux

package tree_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/tree"
)

func pack(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := []byte(nil)
		if h.Typeflag == tar.TypeReg || h.Typeflag == 0 {
			content = []byte("content of " + h.Name)
			h.Size = int64(len(content))
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func fromTar(b []byte, o tree.TarOptions) (*tree.Node, error) {
	return tree.FromTar(bytes.NewReader(b), int64(len(b)), o)
}

// TestFromGNUTar reads what GNU tar makes of a folder, in each of its formats
// and with each compressor.
func TestFromGNUTar(t *testing.T) {
	if _, err := exec.LookPath("tar"); err != nil {
		t.Skipf("needs tar")
	}
	if os.Getuid() != 0 {
		t.Skipf("needs root to read files without permissions")
	}
	dir := filepath.Join(t.TempDir(), "src")
	root := sample(t)
	long := strings.Repeat("long/", 60) + strings.Repeat("n", 200)
	if err := root.Put(long, tree.NewFile(0o644, []byte("long name"))); err != nil {
		t.Fatal(err)
	}
	if err := root.Put("long/link", tree.NewSymlink(strings.Repeat("target/", 50))); err != nil {
		t.Fatal(err)
	}
	if err := tree.Extract(t.Context(), root, dir, tree.ExtractOptions{}); err != nil {
		t.Fatal(err)
	}
	want := fromDir(t, dir)
	for _, args := range []string{"--format=gnu", "--format=oldgnu -S", "--format=pax", "--format=pax -S", "--format=pax -S --sparse-version=0.1",
		"--format=pax -S --sparse-version=0.0", "-z", "-J", "--zstd", "-j"} {
		t.Run(args, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "a.tar")
			out, err := exec.Command("tar", append(append([]string{"-cf", file}, strings.Fields(args)...), "-C", dir, ".")...).CombinedOutput()
			if err != nil {
				t.Skipf("needs a tar with %s: %s", args, out)
			}
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got, err := tree.OpenTar(t.Context(), f, tree.TarOptions{})
			if err != nil {
				t.Fatal(err)
			}
			equalTrees(t, got.Root, want)
			if err := got.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFromTar(t *testing.T) {
	root, err := fromTar(pack(t,
		tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o700},
		tar.Header{Name: "deep/in/file"},
		tar.Header{Name: "deep/", Typeflag: tar.TypeDir, Mode: 0o711},
		tar.Header{Name: "twice", Mode: 0o600},
		tar.Header{Name: "linked", Typeflag: tar.TypeLink, Linkname: "./twice"},
		tar.Header{Name: "./twice", Mode: 0o400},
		tar.Header{Name: "x", PAXRecords: map[string]string{"SCHILY.xattr.user.a": "1", "SCHILY.xattr.security.b": "2"}},
	), tree.TarOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		" directory 700", "deep directory 711", "deep/in directory 755", "deep/in/file file 644", "linked file 600", "twice file 400",
		"x file 644",
	}
	got := strings.Split(strings.TrimSpace(describe(t, root)), "\n")[1:]
	for i, prefix := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], prefix) {
			t.Errorf("record %d: %q, want %q", i, got[min(i, len(got)-1)], prefix)
		}
	}
	if x := root.Lookup("x").Xattrs; len(x) != 1 || string(x["user.a"]) != "1" {
		t.Errorf("extended attributes %v", x)
	}
}

func TestWhiteouts(t *testing.T) {
	lower, err := fromTar(pack(t,
		tar.Header{Name: "gone"}, tar.Header{Name: "d/old"}, tar.Header{Name: "d/kept"},
		tar.Header{Name: "o/old"}, tar.Header{Name: "r/old"}, tar.Header{Name: "q/old"}, tar.Header{Name: "f"},
	), tree.TarOptions{Whiteouts: true})
	if err != nil {
		t.Fatal(err)
	}
	upper, err := fromTar(pack(t,
		tar.Header{Name: ".wh.gone"}, tar.Header{Name: "d/.wh.old"}, tar.Header{Name: "o/new"}, tar.Header{Name: "o/.wh..wh..opq"},
		tar.Header{Name: ".wh.r"}, tar.Header{Name: "r/new"}, // removed, then made again
		tar.Header{Name: "q/new"}, tar.Header{Name: ".wh.q"}, // the same in the other order
		tar.Header{Name: ".wh.f"}, tar.Header{Name: "f"},
		tar.Header{Name: ".wh..wh.plnk"},
	), tree.TarOptions{Whiteouts: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, n := range tree.Union(lower, upper).All() {
		if !n.IsDir() {
			names = append(names, name)
		}
	}
	if got := strings.Join(names, " "); got != "d/kept f o/new q/new r/new" {
		t.Errorf("files %s", got)
	}
	plain, err := fromTar(pack(t, tar.Header{Name: ".wh.gone"}), tree.TarOptions{})
	if err != nil || plain.Lookup(".wh.gone") == nil {
		t.Errorf("without Whiteouts .wh. is a name like any other: %v", err)
	}
}

func TestFromTarRefuses(t *testing.T) {
	long := strings.Repeat("n/", 2100)
	for name, c := range map[string]struct {
		entries []tar.Header
		want    string
	}{
		"absolute":        {[]tar.Header{{Name: "/etc/passwd"}}, "absolute"},
		"up":              {[]tar.Header{{Name: "a/../../b"}}, `".." in a name`},
		"through link":    {[]tar.Header{{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, {Name: "l/passwd"}}, `leads through "l"`},
		"through file":    {[]tar.Header{{Name: "f"}, {Name: "f/g"}}, `leads through "f"`},
		"link up":         {[]tar.Header{{Name: "l", Typeflag: tar.TypeLink, Linkname: "../x"}}, `".." in a name`},
		"link absolute":   {[]tar.Header{{Name: "l", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}}, "absolute"},
		"link nowhere":    {[]tar.Header{{Name: "l", Typeflag: tar.TypeLink, Linkname: "x"}}, `hard link to "x"`},
		"link to folder":  {[]tar.Header{{Name: "d", Typeflag: tar.TypeDir}, {Name: "l", Typeflag: tar.TypeLink, Linkname: "d"}}, "hard link"},
		"link to root":    {[]tar.Header{{Name: "l", Typeflag: tar.TypeLink, Linkname: "."}}, "hard link"},
		"long":            {[]tar.Header{{Name: long + "n"}}, "name of 4201 bytes"},
		"root is file":    {[]tar.Header{{Name: "."}}, "root is not a directory"},
		"owner":           {[]tar.Header{{Name: "f", Uid: 1 << 32}}, "owner"},
		"device":          {[]tar.Header{{Name: "f", Typeflag: tar.TypeChar, Devmajor: 5000}}, "device 5000:0"},
		"whiteout of dot": {[]tar.Header{{Name: ".wh..."}}, "whiteout of no name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fromTar(pack(t, c.entries...), tree.TarOptions{Whiteouts: true})
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, tree.ErrTar) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	b := pack(t, tar.Header{Name: "f"})
	for _, n := range []int{100, 513, 520} {
		if _, err := fromTar(b[:n], tree.TarOptions{}); !errors.Is(err, tree.ErrTar) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
}

func TestOpenTarLeavesNothingBehind(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(pack(t, tar.Header{Name: "f"})); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := tree.OpenTar(t.Context(), bytes.NewReader(b.Bytes()), tree.TarOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := got.Root.Lookup("f").Open()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); string(text) != "content of f" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if err := got.Close(); err != nil {
		t.Error(err)
	}
	if _, err := tree.OpenTar(t.Context(), bytes.NewReader(b.Bytes()[:b.Len()-20]), tree.TarOptions{}); err == nil {
		t.Error("a cut archive opens")
	}
	if list, err := os.ReadDir(temp); err != nil || len(list) > 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

// FuzzFromTar reads archives of any content: nothing may panic or take memory
// out of proportion, and no name may lead outside.
func FuzzFromTar(f *testing.F) {
	f.Add(pack(f, tar.Header{Name: "d/f"}, tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "d/f"},
		tar.Header{Name: "d/.wh.x"}, tar.Header{Name: "s", Typeflag: tar.TypeSymlink, Linkname: "d"}))
	f.Add(pack(f, tar.Header{Name: strings.Repeat("x", 300), PAXRecords: map[string]string{"SCHILY.xattr.user.a": "1"}}))
	for _, name := range []string{"testdata/sparse-gnu.tar", "testdata/sparse-pax.tar"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, whiteouts := range []bool{false, true} {
			root, err := fromTar(b, tree.TarOptions{Whiteouts: whiteouts})
			if err != nil {
				if !errors.Is(err, tree.ErrTar) {
					t.Errorf("error %v does not say that the archive is malformed", err)
				}
				continue
			}
			for name, n := range root.All() {
				for elem := range strings.SplitSeq(name, "/") {
					if elem == ".." || elem == "" && name != "" {
						t.Errorf("name %q", name)
					}
				}
				if n.Mode.IsRegular() && n.Size < 1<<20 {
					readAll(t, name, n)
				}
			}
			tree.Union(root, root)
		}
	})
}

func readAll(t *testing.T, name string, n *tree.Node) {
	r, err := n.Content()
	if err != nil {
		return
	}
	defer r.Close()
	if size, err := io.Copy(io.Discard, r); err == nil && size != n.Size {
		t.Error(fmt.Errorf("%q: %d bytes instead of %d", name, size, n.Size))
	}
}
