package atomicfile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"repro/internal/atomicfile"
)

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestFileAppearsWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	if err := os.WriteFile(name, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	f, err := atomicfile.Create(name, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("new")
	if b, _ := os.ReadFile(name); string(b) != "old" {
		t.Errorf("before Commit the file holds %q", b)
	}
	f.Close()
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("Close without Commit left %v", got)
	}
	if err := atomicfile.Write(name, []byte("new"), 0o666); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(name); string(b) != "new" {
		t.Errorf("after Commit the file holds %q", b)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("Commit left %v", got)
	}
}

func TestCommitTwice(t *testing.T) {
	f, err := atomicfile.Create(filepath.Join(t.TempDir(), "a"), 0o666)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestSymbolicLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	os.WriteFile(file, nil, 0o666)
	if err := os.Symlink("file", link); err != nil {
		t.Skipf("needs symbolic links: %v", err)
	}
	if err := atomicfile.Write(link, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(file); string(b) != "x" {
		t.Errorf("file holds %q", b)
	}
	if fi, _ := os.Lstat(link); fi.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	if _, err := atomicfile.Create(dir, 0o666); err == nil {
		t.Error("a folder was accepted")
	}
	_, err := atomicfile.Create(filepath.Join(dir, "none", "a"), 0o666)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if e := (*fs.PathError)(nil); !errors.As(err, &e) || filepath.Base(e.Path) != "a" {
		t.Errorf("the message names the temporary file: %v", err)
	}
	if _, err := atomicfile.Lock(context.Background(), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestCopyHead(t *testing.T) {
	dir := t.TempDir()
	data := bytes.Repeat([]byte("0123456789abcdef"), 5000)
	if err := os.WriteFile(filepath.Join(dir, "src"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(filepath.Join(dir, "src"))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for _, n := range []int64{0, 1, 4096, 70000, int64(len(data))} {
		f, err := atomicfile.Create(filepath.Join(dir, "dst"), 0o666)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := f.CopyHead(context.Background(), src, n); err != nil {
			t.Fatal(n, err)
		}
		f.WriteString("tail")
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		got, _ := os.ReadFile(filepath.Join(dir, "dst"))
		if !bytes.Equal(got, append(bytes.Clone(data[:n]), "tail"...)) {
			t.Errorf("copy of %d bytes gives %d others", n, len(got))
		}
	}
	f, err := atomicfile.Create(filepath.Join(dir, "dst"), 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.CopyHead(context.Background(), src, int64(len(data))+1); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("copy of more than there is:", err)
	}
}

// TestLockFollowsTheName lets writers replace the file under the lock: none of
// their increments may be lost.
func TestLockFollowsTheName(t *testing.T) {
	name := filepath.Join(t.TempDir(), "counter")
	if err := os.WriteFile(name, []byte("0"), 0o666); err != nil {
		t.Fatal(err)
	}
	const writers, rounds = 8, 10
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range rounds {
				if err := increment(name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if b, _ := os.ReadFile(name); string(b) != fmt.Sprint(writers*rounds) {
		t.Errorf("%d increments gave %s", writers*rounds, b)
	}
}

func increment(name string) error {
	unlock, err := atomicfile.Lock(context.Background(), name)
	if err != nil {
		return err
	}
	defer unlock()
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(b))
	if err != nil {
		return err
	}
	return atomicfile.Write(name, strconv.AppendInt(nil, int64(n+1), 10), 0o666)
}

func TestLockGivesUpWithItsContext(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	os.WriteFile(name, nil, 0o666)
	unlock, err := atomicfile.Lock(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := atomicfile.Lock(ctx, name); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	unlock()
	unlock, err = atomicfile.Lock(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}
