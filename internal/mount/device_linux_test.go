package mount_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"repro/format"
	"repro/format/tree"
	"repro/internal/mount"
)

// TestDevice serves a mount that is made by somebody else.
func TestDevice(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to mount")
	}
	d, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("needs FUSE: %v", err)
	}
	fd, err := syscall.Dup(int(d.Fd())) // as if it went to another process
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mounted := make(chan error)
	go func() {
		mounted <- errors.Join(
			syscall.Mount("test", dir, "fuse", syscall.MS_RDONLY, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd)), syscall.Close(fd))
	}()
	v, _ := open(t, image(t, sample()))
	s, err := mount.ServeDevice(context.Background(), v, d, mount.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-mounted; err != nil {
		t.Fatal(err)
	}
	// Another process looks: this one must not wait for itself.
	out, err := exec.Command("cat", filepath.Join(dir, "many/0007")).CombinedOutput()
	if err != nil || string(out) != "7" {
		t.Errorf("%s, %v", out, err)
	}
	if err := syscall.Unmount(dir, 0); err != nil {
		t.Fatal(err)
	}
	s.Wait()

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if d, err = os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := mount.ServeDevice(ctx, v, d, mount.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a device that nobody mounts: %v", err)
	}
}

// TestUserNamespace mounts as an ordinary user in a user namespace.
func TestUserNamespace(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), inNamespace+"="+dir, "REPRO_TEST_IMAGE="+image(t, sample()))
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil && (errors.Is(err, syscall.EPERM) || bytes.Contains(out, []byte(mount.ErrUnavailable.Error()))) {
		t.Skipf("needs FUSE in user namespaces: %v: %s", err, out)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func mountAndLook(dir, name string) error {
	im, err := format.Open(name)
	if err != nil {
		return err
	}
	defer im.Close()
	layers, err := im.RootLayers()
	if err != nil {
		return err
	}
	v, err := tree.NewView(tree.Look{}, layers...)
	if err != nil {
		return err
	}
	s, err := mount.Serve(context.Background(), v, dir, mount.Options{})
	if err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(dir, "usr/bin/tool"))
	if err == nil && string(b) != "#!/bin/sh\n" {
		err = fmt.Errorf("tool holds %q", b)
	}
	return errors.Join(err, s.Close())
}

// TestInMemory serves files that no layer holds.
func TestInMemory(t *testing.T) {
	root := tree.NewDir()
	root.Entries["file"] = tree.NewFile(0o644, []byte("made up"))
	layer, err := tree.NewLayer(root)
	if err != nil {
		t.Fatal(err)
	}
	v, err := tree.NewView(tree.Look{}, layer)
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := serve(t, v, mount.Options{})
	b, err := os.ReadFile(filepath.Join(dir, "file"))
	if err != nil || string(b) != "made up" {
		t.Errorf("%q, %v", b, err)
	}
}
