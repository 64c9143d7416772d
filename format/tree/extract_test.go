//go:build linux

package tree_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"repro/format/tree"
)

const asNobody = "REPRO_TEST_AS_NOBODY" // holds the folder to extract to

func TestMain(m *testing.M) {
	if dir := os.Getenv(asNobody); dir != "" {
		os.Exit(extractAsNobody(dir))
	}
	os.Exit(m.Run())
}

// extractAsNobody does what TestExtractUnprivileged asks for, as another user.
func extractAsNobody(dir string) int {
	root := sample(&testing.T{})
	root.Entries["device"] = &tree.Node{Mode: fs.ModeDevice | fs.ModeCharDevice | 0o666, Device: tree.EncodeDevice(1, 3)}
	delete(root.Entries, "secret") // could not be read back
	shut(root)
	var skipped []string
	o := tree.ExtractOptions{Skipped: func(name string, _ *tree.Node, why error) { skipped = append(skipped, name) }}
	if err := tree.Extract(context.Background(), root, dir, o); err != nil {
		fmt.Println(err)
		return 1
	}
	delete(root.Entries, "device")
	got, err := tree.FromDir(dir, tree.DirOptions{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	g, _ := tree.Digest(got, nil)
	w, _ := tree.Digest(own(root), nil)
	if g != w || len(skipped) != 1 || skipped[0] != "device" {
		fmt.Printf("digests %x and %x, skipped %q\n", g, w, skipped)
		return 1
	}
	if err := os.RemoveAll(dir); !errors.Is(err, fs.ErrPermission) {
		fmt.Printf("read-only folders are removed: %v\n", err)
		return 1
	}
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(name, 0o700)
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// shut adds folders that cannot be written to, or not even be entered, in each
// other: with a hard link in the last, and without.
func shut(root *tree.Node) {
	file := tree.NewFile(0o400, []byte("linked"))
	for name, last := range map[string]*tree.Node{"a": file, "b": tree.NewFile(0o444, nil)} {
		dir := root
		for i, mode := range []fs.FileMode{0o555, 0o500, 0o511} {
			sub := tree.NewDir()
			sub.Mode, sub.ModTime = fs.ModeDir|mode, int64(1000+i)
			dir.Entries["shut-"+name] = sub
			dir = sub
		}
		dir.Entries["file"] = last
	}
	root.Entries["0-first"] = file
	root.Entries["shut-empty"] = &tree.Node{Mode: fs.ModeDir | 0o444, ModTime: 7}
}

func TestExtractUnprivileged(t *testing.T) {
	dir, err := os.MkdirTemp("", "repro-test-*") // which others may enter
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skipf("needs /proc: %v", err)
	}
	program := filepath.Join(dir, "test")
	if err := os.WriteFile(program, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), asNobody+"="+filepath.Join(dir, "x"))
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestExtractRefuses(t *testing.T) {
	one := func(name string, n *tree.Node) *tree.Node {
		root := tree.NewDir()
		root.Entries[name] = n
		return root
	}
	short := tree.NewFile(0o644, []byte("short"))
	short.Size = 10
	broken := tree.NewFile(0o644, []byte("x"))
	broken.Open = func() (io.ReadCloser, error) { return nil, errors.New("damaged") }
	for name, c := range map[string]struct {
		root *tree.Node
		want string
	}{
		"slash":      {one("a/b", short), `"a/b": not a name for a file`},
		"up":         {one("..", tree.NewDir()), "not a name for a file"},
		"dot":        {one(".", tree.NewDir()), "not a name for a file"},
		"short":      {one("f", short), `"f": 5 bytes instead of 10`},
		"unreadable": {one("f", broken), `"f": damaged`},
		"no folder":  {short, "root of a tree must be a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tree.Extract(t.Context(), c.root, filepath.Join(t.TempDir(), "x"), tree.ExtractOptions{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tree.Extract(t.Context(), tree.NewDir(), full, tree.ExtractOptions{}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("into a folder that is not empty: %v", err)
	}
}

func TestExtractCancelled(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	root := tree.NewDir()
	for i := range 100 {
		n := tree.NewFile(0o644, []byte("x"))
		open := n.Open
		n.Open = func() (io.ReadCloser, error) {
			if i == 50 {
				cancel()
			}
			return open()
		}
		root.Entries[fmt.Sprintf("%03d", i)] = n
	}
	err := tree.Extract(ctx, root, filepath.Join(t.TempDir(), "x"), tree.ExtractOptions{Workers: 2})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	for range 1000 { // one that is ending may still be counted
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}
