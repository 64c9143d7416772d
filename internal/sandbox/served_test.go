//go:build linux && (amd64 || arm64)

package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"repro/format/tree"
	"repro/internal/mount"
	"repro/internal/sandbox/inside"
)

// served1 turns c's one lower directory into a layer that is served through
// FUSE, as runs have it.
func served1(t *testing.T, c *Command, change func(root *tree.Node)) {
	t.Helper()
	if fd, err := inside.OpenFuse(); err != nil {
		t.Skipf("needs FUSE: %v", err)
	} else {
		os.NewFile(uintptr(fd), inside.FuseDevice).Close()
	}
	root, err := tree.FromDir(c.Lower[0], tree.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	uid, gid := WhoRuns().ServedUID, WhoRuns().ServedGID
	for name, n := range root.All() {
		n.UID, n.GID = uid, gid
		file := filepath.Join(c.Lower[0], name) // to be read at any place
		n.Open = func() (io.ReadCloser, error) { return os.Open(file) }
	}
	if change != nil {
		change(root)
	}
	layer, err := tree.NewLayer(root)
	if err != nil {
		t.Fatal(err)
	}
	view, err := tree.NewView(tree.Look{}, layer)
	if err != nil {
		t.Fatal(err)
	}
	c.Lower = nil
	c.Serve = func(ctx context.Context, device *os.File) error {
		server, err := mount.ServeDevice(ctx, view, device, mount.Options{AllowOther: true, Failed: func(name string, err error) { t.Logf("%s: %v", name, err) }})
		if err != nil {
			return err
		}
		server.Wait()
		return nil
	}
}

// stalled is a file that is never read.
type stalled struct{ until chan struct{} }

func (s stalled) Read([]byte) (int, error) {
	<-s.until
	return 0, io.ErrUnexpectedEOF
}

func (s stalled) ReadAt(p []byte, _ int64) (int, error) { return s.Read(p) }

func (s stalled) Close() error { return nil }

// TestStalledLayer reads a file of a layer that does not answer, as when an
// image lies on a server that is gone.
func TestStalledLayer(t *testing.T) {
	const mark = "45678.1234"
	until := make(chan struct{})
	defer close(until)
	c, out := newCommand(t, "cat /stalled & sleep "+mark)
	served1(t, &c, func(root *tree.Node) {
		n := tree.NewFile(0o644, make([]byte, 1<<20))
		n.Open = func() (io.ReadCloser, error) { return stalled{until}, nil }
		if err := root.Put("stalled", n); err != nil {
			t.Fatal(err)
		}
	})
	c.Limits.Time = time.Second
	r, err := Run(t.Context(), c)
	if !r.TimedOut || err != nil && !errors.Is(err, errStuck) || r.Wall > time.Minute {
		t.Errorf("%+v %v %s", r, err, out)
	}
	if err == nil && len(processesWith(mark)) > 0 {
		t.Errorf("left: %q", processesWith(mark))
	}
}

// TestStalledBind looks at a bound file of a filesystem whose server is gone.
// No signal ends that.
func TestStalledBind(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a filesystem that does not answer")
	}
	const mark = "45678.4321"
	dir, release := deadMount(t)
	c, out := newCommand(t, "ls /mnt/x & sleep "+mark)
	c.Binds = []Bind{{Source: dir, Target: "/mnt"}}
	c.Limits.Time = 3 * time.Second // of which slow machines take two to start
	r, err := Run(t.Context(), c)
	if !errors.Is(err, errStuck) || !r.TimedOut {
		t.Errorf("%+v %v %s", r, err, out)
	}
	release()
	for deadline := time.Now().Add(time.Minute); len(processesWith(mark)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("left: %q", processesWith(mark))
		}
	}
}

// deadMount mounts a FUSE filesystem whose server answers the kernel's
// greeting and a question about the root, and then nothing until it is
// released.
func deadMount(t *testing.T) (dir string, release func()) {
	t.Helper()
	dir = t.TempDir()
	fd, err := inside.OpenFuse()
	if err != nil {
		t.Skipf("needs FUSE: %v", err)
	}
	uid, gid := WhoRuns().UID, WhoRuns().GID
	detached, err := inside.MountFuse(fd, uid, gid)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.MoveMount(detached, "", unix.AT_FDCWD, dir, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		t.Fatal(err)
	}
	unix.Close(detached)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		request := make([]byte, 1<<20)
		for {
			n, err := unix.Read(fd, request)
			if n < 40 || err != nil {
				return
			}
			const initialise, attributes = 26, 3 // struct fuse_in_header of linux/fuse.h
			var body []byte
			switch binary.NativeEndian.Uint32(request[4:]) {
			case initialise:
				body = make([]byte, 64) // struct fuse_init_out
				binary.NativeEndian.PutUint32(body, 7)
				binary.NativeEndian.PutUint32(body[4:], 31)
				binary.NativeEndian.PutUint32(body[20:], 4096)
			case attributes:
				body = make([]byte, 104) // struct fuse_attr_out
				binary.NativeEndian.PutUint64(body, 3600)
				binary.NativeEndian.PutUint64(body[16:], 1)
				binary.NativeEndian.PutUint32(body[16+60:], unix.S_IFDIR|0o755)
			default:
				continue
			}
			answer := binary.NativeEndian.AppendUint32(nil, uint32(16+len(body)))
			answer = binary.NativeEndian.AppendUint32(answer, 0)
			answer = append(append(answer, request[8:16]...), body...)
			_, _ = unix.Write(fd, answer)
		}
	}()
	release = func() {
		_ = unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH)
		<-ended
		unix.Close(fd)
	}
	return dir, release
}
