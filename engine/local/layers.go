package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/mount"
	"repro/internal/sandbox"
	"repro/run/rootfs"
)

// layers says how steps get the image's root.
type layers struct {
	dir     string                                           // where it was extracted; empty if it is served
	serve   func(ctx context.Context, device *os.File) error // as in sandbox.Command
	mounts  func() ([]*os.File, error)                       // as in sandbox.Command
	release func()                                           // gives up what the cache holds of it; nil: nothing
	kind    string                                           // as in report.Isolation
	reason  string
	notes   []string

	container *container // nil: the root is not one

	// shared says that there are no overlays here: dir is a copy for this run
	// alone, which steps write to one after the other.
	shared bool
}

// provide puts the root where the sandbox can use it and tries the sandbox.
//
// The root is read through the hash trees of the image's layers, so every byte
// that a step reads or that is extracted is one that the manifest binds.
func (h *Host) provide(ctx context.Context) (layers, error) {
	why := "asked for"
	if h.options.Isolation == IsolationContainer {
		return h.provideContained(ctx)
	}
	switch h.options.Layers {
	case LayersExtract:
	case LayersCopy:
		return h.provideCopy(ctx, errors.New("asked for"))
	case LayersKernel:
		return h.provideKernel(ctx)
	case LayersAny, LayersFUSE:
		l, err := h.provideServed(ctx)
		u, ok := h.unserved(err)
		if !ok {
			return l, err
		}
		why = fmt.Sprintf("they cannot be served here: %v", u.Err)
	default:
		return layers{}, fmt.Errorf("run: layers: %q is no way to provide them", h.options.Layers)
	}
	return h.provideExtracted(ctx, why)
}

// unserved reports whether err says that layers cannot be served here, and
// they may be extracted instead.
func (h *Host) unserved(err error) (*sandbox.UnavailableError, bool) {
	u, ok := errors.AsType[*sandbox.UnavailableError](err)
	return u, ok && h.options.Layers == LayersAny && (u.What == sandbox.Fuse || u.What == sandbox.Overlay)
}

// provideServed serves the root and tries that out.
func (h *Host) provideServed(ctx context.Context) (layers, error) {
	l := h.serving()
	if err := h.try(ctx, sandbox.Command{Serve: l.serve}); err != nil {
		return l, err
	}
	select {
	case err := <-h.damaged:
		return l, err
	default:
		return l, nil
	}
}

// serving has this process serve the root to each sandbox through FUSE.
func (h *Host) serving() layers {
	l := layers{kind: "fuse", reason: "layers are read in place, each block checked against its hash tree when it is read"}
	l.serve = func(ctx context.Context, device *os.File) error {
		server, err := mount.ServeDevice(ctx, h.root.View, device, mount.Options{AllowOther: true, Failed: h.unreadable, Reversed: h.options.Reversed})
		if err != nil {
			if ctx.Err() != nil {
				return nil // the sandbox ended before there was a mount
			}
			return err
		}
		server.Wait()
		return nil
	}
	return l
}

// readAhead brings what the start of c's program reads into the cache while its
// sandbox is being built, if layers are served.
func (h *Host) readAhead(ctx context.Context, c *sandbox.Command) (stop func()) {
	if c.Serve == nil || len(c.Args) == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { mount.Prefetch(ctx, h.root.View, c.Args[0], variable(c.Env, "PATH")) })
	return func() {
		cancel()
		done.Wait()
	}
}

// unreadable records that a step was refused a content, and that whatever it made
// of that is no result.
func (h *Host) unreadable(name string, err error) {
	select {
	case h.damaged <- fmt.Errorf("%s: %q: %w", h.image.Name(), "/"+name, err):
	default: // the first is enough
	}
}

// provideExtracted extracts the root, because of why.
func (h *Host) provideExtracted(ctx context.Context, why string) (layers, error) {
	l := layers{kind: "extracted", reason: "layers are extracted through their hash trees into a private directory: " + why}
	var err error
	if h.options.NoCache {
		l.dir = filepath.Join(h.scratch, "root")
		err = h.extract(ctx, l.dir)
	} else {
		var id manifest.Digest
		if id, err = h.image.ContentID(); err == nil {
			l.dir, l.release, err = rootfs.Cached(ctx, h.options.Cache, h.options.CacheSize, id, h.extract)
		}
	}
	if err != nil {
		return l, err
	}
	refused := h.try(ctx, sandbox.Command{Lower: []string{l.dir}})
	u, ok := errors.AsType[*sandbox.UnavailableError](refused)
	if refused == nil || !ok || u.What != sandbox.Overlay {
		return l, refused
	}
	return h.copied(ctx, l, u.Err)
}

// copied is provideCopy where l stays in use.
func (h *Host) copied(ctx context.Context, l layers, why error) (layers, error) {
	c, err := h.provideCopy(ctx, why)
	c.release = l.release
	return c, err
}

// provideCopy is for machines without overlays in user namespaces: steps share
// one writable copy and run one after the other.
func (h *Host) provideCopy(ctx context.Context, why error) (layers, error) {
	l := layers{
		dir: filepath.Join(h.scratch, "copy"), kind: "extracted", shared: true,
		reason: fmt.Sprintf("no overlay here (%v): steps write to one copy of the root, made for this run, one after the other", why),
		notes:  []string{"steps were not kept apart from each other's undeclared files"},
	}
	if err := h.extract(ctx, l.dir); err != nil {
		return l, err
	}
	return l, sandbox.Check(ctx, sandbox.Command{Lower: []string{l.dir}, Dir: "/", Net: h.options.Net, WithoutProc: h.options.Isolation == IsolationNoProc})
}

// extract writes the root to dir, which must not exist, for the user whom
// steps are on this machine.
func (h *Host) extract(ctx context.Context, dir string) error {
	root, err := h.root.View.Tree()
	if err != nil {
		return fmt.Errorf("%s: %w", h.image.Name(), err)
	}
	if err := sandbox.MakePrivate(dir); err != nil {
		return err
	}
	if err := tree.Extract(ctx, root, dir, tree.ExtractOptions{Progress: h.options.Progress}); err != nil {
		return fmt.Errorf("extract the layers: %w", err)
	}
	return sandbox.ChangeOwner(dir)
}
