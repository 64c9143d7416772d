package mount

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"repro/format/tree"
)

// patience is how long an end waits for those who still use a mount.
const patience = time.Second

// Limits on what the kernel asks for at once.
const (
	maxRead       = 1 << 20   // bytes in one request
	maxBackground = 64        // requests for contents read ahead
	readAhead     = 512 << 10 // bytes that the kernel asks for ahead of a program
)

// Server serves one mount.
type Server struct {
	fs     *filesystem
	server *fuse.Server
	dir    string      // empty: mounted by somebody else
	stop   func() bool // ends the watch over the context

	unmount sync.Mutex
	served  chan struct{} // closed when no request can come any more
	done    chan struct{} // closed then, or when nobody is to wait any longer
	finish  func()        // closes done
}

func newFilesystem(v *tree.View, o Options) *filesystem {
	return &filesystem{
		RawFileSystem: fuse.NewDefaultRawFileSystem(), view: v, xattrs: v.HasXattrs(),
		contents: newContents(), failed: o.Failed, reversed: o.Reversed,
	}
}

func mountOptions(o Options) *fuse.MountOptions {
	m := &fuse.MountOptions{
		Name: "repro", FsName: source(o), Options: []string{"ro", "nosuid", "nodev"},
		AllowOther: o.AllowOther, DirectMount: true, DirectMountFlags: mountFlags,
		MaxWrite: maxRead, MaxBackground: maxBackground,
		EnableSymlinkCaching: true, ExplicitDataCacheControl: true, DisableSplice: true,
		Logger: log.New(io.Discard, "", 0),
	}
	if o.AllowOther {
		m.Options = append(m.Options, "default_permissions")
	}
	return m
}

func source(o Options) string {
	if o.Source == "" {
		return "repro"
	}
	return strings.Map(func(r rune) rune { // what a table of mounts can show
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, o.Source)
}

func serve(ctx context.Context, v *tree.View, dir string, o Options) (*Server, error) {
	if err := available(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	f := newFilesystem(v, o)
	server, err := fuse.NewServer(f, dir, mountOptions(o))
	if err != nil {
		return nil, fmt.Errorf("%s: mount: %w: %s", dir, ErrUnavailable, strings.TrimSpace(err.Error()))
	}
	s := &Server{fs: f, server: server, dir: dir}
	s.start(ctx)
	if err := server.WaitMount(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: mount: %w", dir, err), s.Close())
	}
	raiseReadahead(dir)
	return s, nil
}

// raiseReadahead raises how much the kernel asks for at once of files that are read
// in order, from FUSE's 128 KiB. In general only root may.
func raiseReadahead(dir string) {
	if connection, ok := connectionOf(dir); ok {
		name := fmt.Sprintf("/sys/class/bdi/0:%d/read_ahead_kb", connection)
		_ = os.WriteFile(name, []byte(strconv.Itoa(readAhead>>10)), 0) // else it asks more often
	}
}

func serveDevice(ctx context.Context, v *tree.View, device *os.File, o Options) (*Server, error) {
	defer device.Close()
	f := newFilesystem(v, o)
	if err := waitMounted(ctx, device); err != nil {
		return nil, err
	}
	fd, err := unix.FcntlInt(device.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	options := mountOptions(o)
	options.DirectMount = false
	server, err := fuse.NewServer(f, fmt.Sprintf("/dev/fd/%d", fd), options)
	if err != nil {
		return nil, fmt.Errorf("serve FUSE device: %w", err)
	}
	s := &Server{fs: f, server: server}
	s.start(ctx)
	return s, nil
}

func (s *Server) start(ctx context.Context) {
	s.served, s.done = make(chan struct{}), make(chan struct{})
	s.finish = sync.OnceFunc(func() { close(s.done) })
	s.stop = context.AfterFunc(ctx, func() { _ = s.detach() })
	moreThreads()
	go func() {
		s.server.Serve()
		s.fs.contents.close()
		fewerThreads()
		close(s.served)
		s.finish()
	}()
}

// Wait returns when the filesystem was unmounted, by whomever.
func (s *Server) Wait() {
	<-s.done
	s.stop()
}

// Close unmounts the filesystem, where Serve mounted it, and waits for the
// last request. Programs that still have files of it open get errors from then
// on; but where fusermount3 mounted it and /sys/fs/fuse is missing, only when
// this process ends, and Close then waits for no longer than a second.
func (s *Server) Close() error {
	s.stop()
	if err := s.detach(); err != nil {
		return err
	}
	<-s.done
	return nil
}

// detach takes the mount out of the tree of files and ends the kernel's
// connection, so that no program that still uses it can hold up the end.
func (s *Server) detach() error {
	s.unmount.Lock()
	defer s.unmount.Unlock()
	if s.dir == "" || s.ended() {
		return nil
	}
	err := unmount(s.dir)
	select {
	case <-s.served:
		return nil // perhaps somebody else was faster
	case <-time.After(patience):
		s.finish()
	}
	return err
}

func (s *Server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}
