package squashfs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"repro/format/squashfs"
	"repro/format/tree"
)

// golden holds digests of whole images. If one moves, what this package or a
// codec writes has changed: that is a bug, or a new name for the codec.
var golden = map[string]string{
	"zstd":       "fbf76772d83c7ef8",
	"zstd-small": "ab5d378d80c63b32",
	"gzip":       "b24a24f4df44f930",
}

func TestGolden(t *testing.T) {
	eachCodec(t, func(t *testing.T, codec string) {
		m, stats := write(t, full(t), squashfs.Options{Codec: codec, ModTime: 1_700_000_000})
		if got := m.sum(); got != golden[codec] {
			t.Errorf("%s: digest %s, want %s", stats.Codec, got, golden[codec])
		}
	})
}

// TestBytesDependOnTheTreeAlone tries processors, workers and slow, oddly
// chunked sources.
func TestBytesDependOnTheTreeAlone(t *testing.T) {
	m, _ := write(t, full(t), squashfs.Options{Workers: 1})
	want := m.sum()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 8} {
		runtime.GOMAXPROCS(procs)
		for _, workers := range []int{0, 1, 3, 16} {
			m, _ := write(t, hesitant(full(t)), squashfs.Options{Workers: workers})
			if got := m.sum(); got != want {
				t.Errorf("GOMAXPROCS %d, %d workers: digest %s, want %s", procs, workers, got, want)
			}
		}
	}
}

// hesitant makes every file come in pieces of any size.
func hesitant(root *tree.Node) *tree.Node {
	for _, n := range root.All() {
		if open := n.Open; open != nil {
			n.Open = func() (io.ReadCloser, error) {
				r, err := open()
				return io.NopCloser(&stutter{r}), err
			}
		}
	}
	return root
}

type stutter struct{ io.Reader }

func (s *stutter) Read(p []byte) (int, error) {
	if rand.IntN(8) == 0 {
		runtime.Gosched()
	}
	return s.Reader.Read(p[:rand.IntN(len(p)+1)])
}

// TestBytesDoNotDependOnTheFolder writes one tree from two folders whose
// files were made in another order.
func TestBytesDoNotDependOnTheFolder(t *testing.T) {
	files := map[string][]byte{}
	for i := range 300 {
		files[fmt.Sprintf("d%d/f%03d", i%7, i)] = words(uint64(i), i*40)
	}
	sum := func(names []string) string {
		dir := t.TempDir()
		for _, name := range names {
			file := filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, files[name], 0o644); err != nil {
				t.Fatal(err)
			}
		}
		root := fromDir(t, dir)
		for _, n := range root.All() {
			n.ModTime, n.UID, n.GID = 1, 0, 0
			n.Mode = n.Mode.Type() | 0o755
		}
		m, _ := write(t, root, squashfs.Options{})
		return m.sum()
	}
	names := slices.Sorted(maps.Keys(files))
	first := sum(names)
	slices.Reverse(names)
	if second := sum(names); second != first {
		t.Errorf("digests %s and %s", first, second)
	}
}

func TestWriteRefuses(t *testing.T) {
	one := func(name string, n *tree.Node) *tree.Node {
		root := tree.NewDir()
		root.Entries[name] = n
		return root
	}
	file := func(size int64, content string) *tree.Node {
		n := tree.NewFile(0o644, []byte(content))
		n.Size = size
		return n
	}
	big := strings.Repeat("x", 2<<20)
	loop := tree.NewDir()
	loop.Entries["again"] = loop
	broken := tree.NewFile(0o644, []byte("x"))
	broken.Open = func() (io.ReadCloser, error) { return nil, fs.ErrPermission }
	for name, c := range map[string]struct {
		root *tree.Node
		o    squashfs.Options
		want string
	}{
		"shrunk":       {root: one("f", file(10, "short")), want: `"f": ends 5 bytes before its size of 10`},
		"grown":        {root: one("f", file(3, "short")), want: `"f": longer than its size of 3`},
		"shrunk big":   {root: one("f", file(3<<20, big)), want: `"f": ends 1048576 bytes before its size`},
		"grown big":    {root: one("f", file(2<<20-1, big)), want: `"f": longer than its size`},
		"unreadable":   {root: one("f", broken), want: `"f": permission denied`},
		"slash":        {root: one("a/b", tree.NewDir()), want: `"a/b": not a name for a file`},
		"long name":    {root: one(strings.Repeat("n", 257), tree.NewDir()), want: "name of 257 bytes"},
		"dot dot":      {root: one("..", tree.NewDir()), want: "not a name for a file"},
		"before 1970":  {root: one("f", &tree.Node{ModTime: -1}), want: `"f": time -1`},
		"after 2106":   {root: one("f", &tree.Node{ModTime: 1 << 32}), want: "time 4294967296"},
		"no target":    {root: one("f", tree.NewSymlink("")), want: "link target of 0 bytes"},
		"xattr":        {root: one("f", &tree.Node{Xattrs: map[string][]byte{"system.acl": nil}}), want: `extended attribute "system.acl"`},
		"loop":         {root: loop, want: "stands in two places"},
		"not a folder": {root: tree.NewFile(0o644, nil), want: "root of a file system must be a directory"},
		"block size":   {root: tree.NewDir(), o: squashfs.Options{BlockSize: 5000}, want: "block size 5000"},
		"codec":        {root: tree.NewDir(), o: squashfs.Options{Codec: "rar"}, want: `codec "rar"`},
	} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			_, err := squashfs.Write(t.Context(), &image{}, c.root, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			sameGoroutines(t, before)
		})
	}
}

// sameGoroutines fails if goroutines that were started have not come home.
// Those that just did may take a moment to be gone from the count.
func sameGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

// endless is a large file; reading it ends when it was read for a while.
type endless struct {
	n     int
	after func()
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n++; e.n == 100 {
		e.after()
	}
	return len(p), nil
}

func TestCancel(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	root := tree.NewDir()
	for i := range 3 {
		root.Entries[fmt.Sprint(i)] = &tree.Node{Size: 1 << 40, Mode: 0o644, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(&endless{after: cancel}), nil
		}}
	}
	_, err := squashfs.Write(ctx, &image{}, root, squashfs.Options{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	sameGoroutines(t, before)
}

type smallDisk struct{ image }

func (f *smallDisk) Write(p []byte) (int, error) {
	if len(f.b) > 1<<20 {
		return 0, errors.New("no space left")
	}
	return f.image.Write(p)
}

func TestFullDisk(t *testing.T) {
	before := runtime.NumGoroutine()
	if _, err := squashfs.Write(t.Context(), &smallDisk{}, sample(t), squashfs.Options{}); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error %v", err)
	}
	sameGoroutines(t, before)
}

// TestSourceIsOpenedLittle counts files that are open at once.
func TestSourceIsOpenedLittle(t *testing.T) {
	var open, most int
	gate := make(chan struct{}, 1)
	root := tree.NewDir()
	for i := range 500 {
		content := words(uint64(i), 3000)
		root.Entries[fmt.Sprint(i)] = &tree.Node{Mode: 0o644, Size: 3000, Open: func() (io.ReadCloser, error) {
			gate <- struct{}{}
			open++
			most = max(most, open)
			<-gate
			return closer{bytes.NewReader(content), func() { gate <- struct{}{}; open--; <-gate }}, nil
		}}
	}
	write(t, root, squashfs.Options{Workers: 4})
	if open != 0 || most > 5 {
		t.Errorf("%d files open at once, %d left open", most, open)
	}
}

type closer struct {
	io.Reader
	close func()
}

func (c closer) Close() error { c.close(); return nil }
