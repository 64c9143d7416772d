package mount_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/mount"
)

// inNamespace makes the test's own program play [TestUserNamespace]'s part.
const inNamespace = "REPRO_TEST_MOUNT_AT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(inNamespace); dir != "" {
		if err := mountAndLook(dir, os.Getenv("REPRO_TEST_IMAGE")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// noise is content that does not compress, the same each time.
func noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	r.Read(b)
	return b
}

// sample is a tree with all that a layer can hold and no privileges are needed
// for.
func sample() *tree.Node {
	root := tree.NewDir()
	put := func(name string, n *tree.Node) *tree.Node {
		if err := root.Put(name, n); err != nil {
			panic(err)
		}
		return n
	}
	first := put("usr/bin/tool", tree.NewFile(0o755|fs.ModeSetuid, []byte("#!/bin/sh\n")))
	first.Mode |= fs.ModeSetuid
	put("usr/lib/linked", first)
	put("bin", tree.NewSymlink("usr/bin"))
	put("dangling", tree.NewSymlink("/nowhere/at all"))
	put("tmp", tree.NewDir()).Mode |= fs.ModeSticky | 0o777
	put("closed/in", tree.NewFile(0o600, []byte("x")))
	put("empty", tree.NewFile(0o644, nil))
	put("noise", tree.NewFile(0o644, noise(1, 3<<20+17)))
	put("text", tree.NewFile(0o444, bytes.Repeat([]byte("a line that compresses well\n"), 100_000)))
	put("holes", tree.NewFile(0o644, append(make([]byte, 1<<20), "end"...)))
	put("pipe", &tree.Node{Mode: fs.ModeNamedPipe | 0o644})
	marked := put("marked", tree.NewFile(0o644, []byte("with attributes")))
	marked.Xattrs = map[string][]byte{"user.one": []byte("1"), "user.empty": {}}
	for i := range 3000 {
		put(fmt.Sprintf("many/%04d", i), tree.NewFile(0o644, fmt.Appendf(nil, "%d", i)))
	}
	for _, n := range root.All() {
		n.ModTime = 1_700_000_000
	}
	return root
}

// image writes an image whose environment is root.
func image(t testing.TB, root *tree.Node) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "paper.sif")
	_, err := format.Create(context.Background(), name, format.Spec{
		Manifest: manifest.Manifest{
			Version: manifest.Version,
			Paper:   manifest.Paper{Title: "t", Authors: []manifest.Author{{Name: "a"}}, Date: "2026-11-23T12:00:00Z"},
			Arch:    "amd64", Environment: manifest.Environment{Kind: "host"},
			Steps:   []manifest.Step{{Name: "run", Command: []string{"true"}, Dir: "/"}},
			Results: []manifest.Result{},
		},
		Recipe: []byte("\n"), Inspect: []byte("{}\n"),
		Layers: []format.LayerSpec{{Name: "environment", Role: manifest.RoleLayer, Tree: root}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t testing.TB, name string) (*tree.View, *tree.Node) {
	t.Helper()
	im, err := format.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { im.Close() })
	layers, err := im.RootLayers()
	if err != nil {
		t.Fatal(err)
	}
	v, err := tree.NewView(tree.Look{}, layers...)
	if err != nil {
		t.Fatal(err)
	}
	root, err := im.Root()
	if err != nil {
		t.Fatal(err)
	}
	return v, root
}

func serve(t testing.TB, v *tree.View, o mount.Options) (string, *mount.Server) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mnt")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := mount.Serve(context.Background(), v, dir, o)
	if errors.Is(err, mount.ErrUnavailable) {
		t.Skipf("needs FUSE: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return dir, s
}

func digest(t *testing.T, root *tree.Node) string {
	t.Helper()
	var b bytes.Buffer
	if err := tree.Describe(&b, root, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestReadAheadOfRoot finds that root's kernel asks for more than 128 KiB.
func TestReadAheadOfRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, who may set it")
	}
	v, _ := open(t, image(t, sample()))
	dir, _ := serve(t, v, mount.Options{})
	var s syscall.Stat_t
	if err := syscall.Stat(dir, &s); err != nil {
		t.Fatal(err)
	}
	minor := s.Dev&0xff | s.Dev>>12&^0xff
	f, err := os.OpenFile(fmt.Sprintf("/sys/class/bdi/0:%d/read_ahead_kb", minor), os.O_RDWR, 0)
	if err != nil {
		t.Skipf("needs /sys: %v", err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != "512\n" {
		t.Errorf("the kernel reads %q KiB ahead", b)
	}
}

// TestTree reads a mount back and finds the tree that is served: kinds, modes,
// owners, times, sizes, contents, targets, hard links, attributes.
func TestTree(t *testing.T) {
	v, root := open(t, image(t, sample()))
	dir, _ := serve(t, v, mount.Options{AllowOther: true})
	got, err := tree.FromDir(dir, tree.DirOptions{Xattr: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := digest(t, got), digest(t, root); got != want {
		t.Errorf("the mount differs from the tree:\n%q\nwant\n%q", got[:min(len(got), 2000)], want[:min(len(want), 2000)])
	}
	if n := links(t, filepath.Join(dir, "usr/bin/tool")); n != 2 {
		t.Errorf("%d links, want 2", n)
	}
	if n := links(t, filepath.Join(dir, "usr")); n != 4 {
		t.Errorf("a directory with 2 in it has %d links, want 4", n)
	}
}

func links(t *testing.T, name string) uint64 {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(info.Sys().(*syscall.Stat_t).Nlink)
}

// TestExtracted compares a mount to the extracted tree as a person would.
func TestExtracted(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to read all of the extracted tree")
	}
	v, root := open(t, image(t, sample()))
	dir, _ := serve(t, v, mount.Options{})
	extracted := filepath.Join(t.TempDir(), "out")
	if err := tree.Extract(context.Background(), root, extracted, tree.ExtractOptions{Xattrs: true}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(extracted, "pipe")); err != nil { // diff would wait
		t.Fatal(err)
	}
	out, _ := exec.Command("diff", "-r", "--no-dereference", extracted, dir).CombinedOutput()
	if want := fmt.Sprintf("Only in %s: pipe\n", dir); string(out) != want {
		t.Errorf("diff -r: %s", out)
	}
	list := func(dir string) string {
		c := exec.Command("find", ".", "!", "-name", "pipe", "-printf", "%p %M %n %s %l %T@\\n")
		c.Dir = dir
		b, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(b, []byte("\n"))
		slices.SortFunc(lines, bytes.Compare)
		return string(bytes.Join(slices.DeleteFunc(lines, func(l []byte) bool { return bytes.Contains(l, []byte(" d")) }), []byte("\n")))
	}
	if got, want := list(dir), list(extracted); got != want {
		t.Error("find -printf says otherwise of the mount than of the extracted tree")
	}
}

// TestStable mounts one tree twice: numbers and order are the same.
func TestStable(t *testing.T) {
	name := image(t, sample())
	var seen [2][]string
	for i := range seen {
		v, _ := open(t, name)
		dir, _ := serve(t, v, mount.Options{})
		f, err := os.Open(filepath.Join(dir, "many"))
		if err != nil {
			t.Fatal(err)
		}
		list, err := f.ReadDir(-1) // unlike os.ReadDir in the order of the file system
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			seen[i] = append(seen[i], fmt.Sprint(e.Name(), info.Sys().(*syscall.Stat_t).Ino))
		}
		if len(list) != 3000 || !slices.IsSortedFunc(list, func(a, b fs.DirEntry) int { return bytes.Compare([]byte(a.Name()), []byte(b.Name())) }) {
			t.Errorf("%d names, or not in order", len(list))
		}
	}
	if !slices.Equal(seen[0], seen[1]) {
		t.Error("names or inode numbers differ from one mount to the next")
	}
}

// TestManyReaders reads the same files from many places at once.
func TestManyReaders(t *testing.T) {
	v, root := open(t, image(t, sample()))
	dir, _ := serve(t, v, mount.Options{Failed: func(name string, err error) { t.Errorf("%s: %v", name, err) }})
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 0))
			for _, name := range []string{"noise", "text", "holes", "many/0042"} {
				want := content(t, root.Lookup(name))
				f, err := os.Open(filepath.Join(dir, name))
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				for range 40 {
					off := r.Int64N(int64(len(want)))
					p := make([]byte, 1+r.IntN(200_000))
					n, err := f.ReadAt(p, off)
					if err != nil && err != io.EOF || !bytes.Equal(p[:n], want[off:][:min(len(p), len(want)-int(off))]) {
						t.Errorf("%s: %d bytes at %d: %d, %v", name, len(p), off, n, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func content(t *testing.T, n *tree.Node) []byte {
	r, err := n.Content()
	if err != nil {
		t.Error(err)
		return nil
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return b
}

// TestAltered changes a block of a mounted image: programs get EIO and not one
// byte of it, and the server's owner is told.
func TestAltered(t *testing.T) {
	name := image(t, sample())
	v, _ := open(t, name)
	var mu sync.Mutex
	failed := map[string]error{}
	dir, _ := serve(t, v, mount.Options{Failed: func(name string, err error) {
		mu.Lock()
		defer mu.Unlock()
		failed[name] = err
	}})
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, noise(1, 3<<20)[2<<20:][:64]) // it is stored as it is
	if at < 0 {
		t.Fatal("the noise is not where it was expected")
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{^b[at]}, int64(at)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "noise"))
	if !errors.Is(err, syscall.EIO) {
		t.Errorf("reading what was altered: %v, want EIO", err)
	}
	if !bytes.HasPrefix(noise(1, 3<<20+17), got) || len(got) > 2<<20 {
		t.Errorf("%d bytes were given out before the error", len(got))
	}
	mu.Lock()
	defer mu.Unlock()
	if err := failed["noise"]; !errors.Is(err, format.ErrAltered) || len(failed) != 1 {
		t.Errorf("told of %v, want an altered image at noise", failed)
	}
	if _, err := os.ReadFile(filepath.Join(dir, "text")); err != nil {
		t.Errorf("another file: %v", err)
	}
}

// TestReadOnly tries to change a mount.
func TestReadOnly(t *testing.T) {
	v, _ := open(t, image(t, sample()))
	dir, _ := serve(t, v, mount.Options{})
	for what, err := range map[string]error{
		"create": os.WriteFile(filepath.Join(dir, "new"), nil, 0o644),
		"mkdir":  os.Mkdir(filepath.Join(dir, "new"), 0o755),
		"remove": os.Remove(filepath.Join(dir, "text")),
		"chmod":  os.Chmod(filepath.Join(dir, "text"), 0o600),
		"append": os.Truncate(filepath.Join(dir, "text"), 0),
		"rename": os.Rename(filepath.Join(dir, "text"), filepath.Join(dir, "new")),
		"link":   os.Symlink("x", filepath.Join(dir, "new")),
	} {
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%s: %v, want a read-only file system", what, err)
		}
	}
}

// TestContextEnds unmounts a filesystem that a program still uses.
func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	v, _ := open(t, image(t, sample()))
	s, err := mount.Serve(ctx, v, dir, mount.Options{})
	if errors.Is(err, mount.ErrUnavailable) {
		t.Skipf("needs FUSE: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "text"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cancel()
	s.Wait()
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("still mounted: %v, %v", list, err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}
