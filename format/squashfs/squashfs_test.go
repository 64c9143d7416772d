package squashfs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"repro/format/squashfs"
	"repro/format/tree"
)

// image is an Output in memory.
type image struct{ b []byte }

func (m *image) Write(p []byte) (int, error) {
	m.b = append(m.b, p...)
	return len(p), nil
}

func (m *image) WriteAt(p []byte, off int64) (int, error) {
	return copy(m.b[off:], p), nil
}

func (m *image) sum() string {
	s := sha256.Sum256(m.b)
	return fmt.Sprintf("%x", s[:8])
}

func write(t testing.TB, root *tree.Node, o squashfs.Options) (*image, squashfs.Stats) {
	t.Helper()
	var m image
	stats, err := squashfs.Write(context.Background(), &m, root, o)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Size != int64(len(m.b)) || stats.Size%4096 != 0 {
		t.Fatalf("Stats.Size = %d, wrote %d", stats.Size, len(m.b))
	}
	if err := open(t, &m).Check(t.Context()); err != nil { // what is written has one meaning
		t.Fatal(err)
	}
	return &m, stats
}

func open(t testing.TB, m *image) *squashfs.Reader {
	t.Helper()
	r, err := squashfs.NewReader(bytes.NewReader(m.b), int64(len(m.b)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func describe(t testing.TB, root *tree.Node) string {
	t.Helper()
	var b bytes.Buffer
	if err := tree.Describe(&b, root, nil); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(b.String(), "\x00", " ")
}

func equalTrees(t testing.TB, got, want *tree.Node) {
	t.Helper()
	equalText(t, describe(t, got), describe(t, want))
}

func equalText(t testing.TB, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			t.Fatalf("record %d\n got: %s\nwant: %s", i, a, b)
		}
	}
}

// noise returns n bytes that do not compress, words n bytes that do.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b)
	return b
}

func words(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, "%d measured %x\n", r.IntN(100), r.IntN(16))
	}
	return b[:n]
}

// sample is a tree with one of everything that any user can make on disk.
func sample(t testing.TB) *tree.Node {
	root := tree.NewDir()
	add := func(name string, n *tree.Node) *tree.Node {
		n.ModTime = 1_700_000_000 + int64(len(name))
		if err := root.Put(name, n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	add("empty", tree.NewFile(0o644, nil))
	add("small", tree.NewFile(0o600, []byte("hello\n")))
	add("text/one", tree.NewFile(0o644, words(1, 700_001)))
	add("text/again", tree.NewFile(0o444, words(1, 700_001))) // stored once
	add("text/block", tree.NewFile(0o644, words(2, 128<<10)))
	add("text/two-blocks", tree.NewFile(0o644, words(3, 256<<10)))
	add("noise/big", tree.NewFile(0o644, noise(1, 1_500_000)))
	add("noise/little", tree.NewFile(0o644, noise(2, 100)))
	holes := make([]byte, 3_000_000)
	copy(holes[1_400_000:], "not a hole")
	add("holes/between", tree.NewFile(0o644, holes))
	add("holes/only", tree.NewFile(0o644, make([]byte, 1<<20)))
	zeros := make([]byte, 800_000)
	add("ends/zeros", tree.NewFile(0o644, zeros)) // a hole, and a block of the rest
	add("ends/program", tree.NewFile(0o755, words(4, 200_000)))
	add("ends/long.txt", tree.NewFile(0o644, words(5, 300_000)))
	for i := range 20 {
		add(fmt.Sprintf("ends/page %d.html", i), tree.NewFile(0o644, words(uint64(6+i), 60_000)))
		add(fmt.Sprintf("ends/tool %d", i), tree.NewFile(0o755, words(uint64(26+i), 30_000)))
	}
	add("setuid", tree.NewFile(0o755, []byte("#!/bin/true\n"))).Mode |= fs.ModeSetuid | fs.ModeSetgid
	linked := add("links/first", tree.NewFile(0o640, []byte("linked\n")))
	add("links/second", linked)
	add("elsewhere/third", linked)
	add("links/symbolic", tree.NewSymlink("../small"))
	add("links/dangling", tree.NewSymlink("/no/such/"+strings.Repeat("x", 200)))
	add("fifo", &tree.Node{Mode: fs.ModeNamedPipe | 0o620})
	add(strings.Repeat("n", 255), tree.NewFile(0o644, []byte("long name")))
	add("odd \n\x01\xff name", tree.NewFile(0o644, []byte("odd name")))
	add("empty-dir", tree.NewDir()).Mode |= fs.ModeSticky
	for i := range 3000 {
		add(fmt.Sprintf("many/file number %05d", i), tree.NewFile(0o644, fmt.Appendf(nil, "%d\n", i%100)))
	}
	for at, n := range root.All() {
		if n.IsDir() {
			n.ModTime = 1_600_000_000 + int64(len(at))
		}
	}
	return root
}

// full adds what only root can make, and what squashfs holds besides.
func full(t testing.TB) *tree.Node {
	root := sample(t)
	for name, n := range map[string]*tree.Node{
		"dev/null": {Mode: fs.ModeDevice | fs.ModeCharDevice | 0o666, Device: tree.EncodeDevice(1, 3)},
		"dev/disk": {Mode: fs.ModeDevice | 0o660, Device: tree.EncodeDevice(259, 70000), GID: 6},
		"ids/a":    {Mode: 0o644, UID: 1000, GID: 100},
		"ids/b":    {Mode: 0o644, UID: 4_000_000_000, GID: 1000},
	} {
		n.ModTime = 5
		if err := root.Put(name, n); err != nil {
			t.Fatal(err)
		}
	}
	root.Lookup("small").Xattrs = map[string][]byte{"user.comment": []byte("a\x00b"), "user.empty": {}}
	root.Lookup("links/first").Xattrs = map[string][]byte{"user.comment": []byte("a\x00b"), "user.empty": {}}
	root.Lookup("text").Xattrs = map[string][]byte{"user.on.directory": bytes.Repeat([]byte("v"), 300)}
	root.Lookup("dev/null").Xattrs = map[string][]byte{"trusted.on.device": []byte("1")}
	root.Lookup("links/symbolic").Xattrs = map[string][]byte{"security.on.link": []byte("2")}
	return root
}

func TestRoundTrip(t *testing.T) {
	root := full(t)
	for _, codec := range []string{"zstd", "zstd-small", "gzip"} {
		for _, size := range []int{4 << 10, 128 << 10, 1 << 20} {
			t.Run(fmt.Sprint(codec, size), func(t *testing.T) {
				m, stats := write(t, root, squashfs.Options{Codec: codec, BlockSize: size})
				got, err := open(t, m).Tree()
				if err != nil {
					t.Fatal(err)
				}
				equalTrees(t, got, root)
				want, err := tree.Digest(root, nil)
				if err != nil {
					t.Fatal(err)
				}
				if stats.Content != want {
					t.Errorf("Stats.Content = %x, the tree's is %x", stats.Content, want)
				}
			})
		}
	}
}

func TestHardLinksAreOneNode(t *testing.T) {
	m, stats := write(t, sample(t), squashfs.Options{})
	root, err := open(t, m).Tree()
	if err != nil {
		t.Fatal(err)
	}
	if root.Lookup("links/first") != root.Lookup("elsewhere/third") {
		t.Error("two names of one file are two nodes")
	}
	nodes := map[*tree.Node]bool{}
	for _, n := range root.All() {
		nodes[n] = true
	}
	if stats.Files != int64(len(nodes)) {
		t.Errorf("Stats.Files = %d, the tree has %d nodes", stats.Files, len(nodes))
	}
}

func TestEqualFilesAreStoredOnce(t *testing.T) {
	size := func(copies int, content []byte) int {
		root := tree.NewDir()
		for i := range copies {
			root.Entries[fmt.Sprint(i)] = tree.NewFile(0o644, content)
		}
		m, _ := write(t, root, squashfs.Options{})
		return len(m.b)
	}
	for _, n := range []int{100_000, 1_000_000, 3_000_000} { // an end, small enough to hold, read twice
		if one, ten := size(1, noise(7, n)), size(10, noise(7, n)); ten > one+8192 {
			t.Errorf("%d bytes take %d once and %d ten times", n, one, ten)
		}
	}
}

func TestHolesTakeNoRoom(t *testing.T) {
	root := tree.NewDir()
	root.Entries["holes"] = tree.NewFile(0o644, make([]byte, 100<<20))
	m, _ := write(t, root, squashfs.Options{})
	if len(m.b) > 4096 {
		t.Errorf("100 MiB of zeros take %d bytes", len(m.b))
	}
}

// program returns the path of a program, or skips the test.
func program(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("needs %s", name)
	}
	return p
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skipf("needs root")
	}
}

func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, stderr.Bytes())
	}
	return out
}

func save(t *testing.T, m *image) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image.squashfs")
	if err := os.WriteFile(name, m.b, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func fromDir(t *testing.T, dir string) *tree.Node {
	t.Helper()
	root, err := tree.FromDir(dir, tree.DirOptions{Xattr: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// eachCodec runs a test for each codec that this package writes.
func eachCodec(t *testing.T, f func(t *testing.T, codec string)) {
	for _, codec := range []string{"zstd", "zstd-small", "gzip"} {
		t.Run(codec, func(t *testing.T) { f(t, codec) })
	}
}

var _ io.WriterAt = (*image)(nil)
