package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"repro/format/tree"
	"repro/internal/mount"
	"repro/internal/sandbox"
)

// layers says where steps find the image's root.
type layers struct {
	root    string                                           // extracted; empty if it is served
	serve   func(ctx context.Context, device *os.File) error // as sandbox.Command has it
	mounts  func() ([]*os.File, error)                       // as sandbox.Command has it
	release func()                                           // gives up what the cache holds of it; nil: nothing
	kind    string                                           // as in report.Isolation
	reason  string
	notes   []string

	// shared: there are no overlays here. Root is a copy of this run's own,
	// which steps write to one after the other.
	shared bool
}

// provide puts the root where the sandbox can use it and tries that out.
//
// The tree is read through the hash trees of the image's layers, so every byte
// that a step reads or that is extracted is one that the manifest binds.
func (r *runner) provide(ctx context.Context) (layers, error) {
	why := "asked for"
	switch r.options.Layers {
	case LayersExtract:
	case LayersKernel:
		return r.provideKernel(ctx)
	case LayersAny, LayersFUSE:
		l, err := r.provideServed(ctx)
		u, ok := r.unserved(err)
		if !ok {
			return l, err
		}
		why = fmt.Sprintf("they cannot be served here: %v", u.Err)
	default:
		return layers{}, fmt.Errorf("run: layers: %q is no way to provide them", r.options.Layers)
	}
	return r.provideExtracted(ctx, why)
}

// unserved reports whether err says that layers cannot be served here, and
// they may be extracted instead.
func (r *runner) unserved(err error) (*sandbox.UnavailableError, bool) {
	u, ok := errors.AsType[*sandbox.UnavailableError](err)
	return u, ok && r.options.Layers == LayersAny && (u.What == sandbox.Fuse || u.What == sandbox.Overlay)
}

// provideServed serves the root and tries that out.
func (r *runner) provideServed(ctx context.Context) (layers, error) {
	l, err := r.serving()
	if err != nil {
		return l, err
	}
	if err := r.try(ctx, sandbox.Command{Serve: l.serve}); err != nil {
		return l, err
	}
	select {
	case err := <-r.damaged:
		return l, err
	default:
		return l, nil
	}
}

// serving has this process serve the root to each sandbox through FUSE.
func (r *runner) serving() (layers, error) {
	if r.options.copyRoot {
		return layers{}, &sandbox.UnavailableError{What: sandbox.Overlay, Err: errors.New("asked for by a test")}
	}
	l := layers{kind: "fuse", reason: "layers are read in place, each block checked against its hash tree when it is read"}
	l.serve = func(ctx context.Context, device *os.File) error {
		server, err := mount.ServeDevice(ctx, r.root, mount.NewDevice(device), mount.Options{AllowOther: true, Failed: r.unreadable, Reversed: r.options.Change.Reversed})
		if err != nil {
			if ctx.Err() != nil {
				return nil // the sandbox ended before there was a mount
			}
			return err
		}
		server.Wait()
		return nil
	}
	return l, nil
}

// warm has what the start of c's program reads brought in while its sandbox is
// being built, if layers are served.
func (r *runner) warm(ctx context.Context, c *sandbox.Command) (stop func()) {
	if c.Serve == nil || len(c.Args) == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { mount.Warm(ctx, r.root, c.Args[0], variable(c.Env, "PATH")) })
	return func() {
		cancel()
		done.Wait()
	}
}

// unreadable stops the run: a step was refused a content, and whatever it made
// of that is no result.
func (r *runner) unreadable(name string, err error) {
	select {
	case r.damaged <- fmt.Errorf("%s: %q: %w", r.image.Name(), "/"+name, err):
	default: // the first is enough
	}
}

// try builds the sandbox that the steps will get.
func (r *runner) try(ctx context.Context, c sandbox.Command) error {
	c.Dir, c.Net, c.Scratch = "/", r.options.Net, filepath.Join(r.scratch, "try")
	c.WithoutProc = r.options.Isolation == IsolationNoProc
	if err := sandbox.Prepare(c.Scratch); err != nil {
		return err
	}
	return errors.Join(sandbox.Check(ctx, c), sandbox.Remove(c.Scratch))
}

// provideExtracted extracts the root, because of why.
func (r *runner) provideExtracted(ctx context.Context, why string) (layers, error) {
	l := layers{kind: "extracted", reason: "layers are extracted through their hash trees into a private directory: " + why}
	var err error
	if r.options.NoCache {
		l.root = filepath.Join(r.scratch, "root")
		err = r.extract(ctx, l.root)
	} else {
		l.root, l.release, err = cachedRoot(ctx, r.options.Cache, r.options.CacheSize, r.id, r.extract)
	}
	if err != nil {
		return l, err
	}
	if r.options.copyRoot {
		return r.copied(ctx, l, errors.New("asked for by a test"))
	}
	refused := r.try(ctx, sandbox.Command{Lower: []string{l.root}})
	u, ok := errors.AsType[*sandbox.UnavailableError](refused)
	if refused == nil || !ok || u.What != sandbox.Overlay {
		return l, refused
	}
	return r.copied(ctx, l, u.Err)
}

// copied is provideCopy where l stays in use.
func (r *runner) copied(ctx context.Context, l layers, why error) (layers, error) {
	c, err := r.provideCopy(ctx, why)
	c.release = l.release
	return c, err
}

// provideCopy is for machines without overlays in user namespaces: steps share
// one writable copy and run one after the other.
func (r *runner) provideCopy(ctx context.Context, why error) (layers, error) {
	l := layers{
		root: filepath.Join(r.scratch, "copy"), kind: "extracted", shared: true,
		reason: fmt.Sprintf("no overlay here (%v): steps write to one copy of the root, made for this run, one after the other", why),
		notes:  []string{"steps were not kept apart from each other's undeclared files"},
	}
	if err := r.extract(ctx, l.root); err != nil {
		return l, err
	}
	return l, sandbox.Check(ctx, sandbox.Command{Lower: []string{l.root}, Dir: "/", Net: r.options.Net, WithoutProc: r.options.Isolation == IsolationNoProc})
}

// shape makes r.root of the image's layers and of data from elsewhere.
func (r *runner) shape(data map[string]*tree.Node) error {
	layers, err := r.image.RootLayers()
	if err != nil {
		return err
	}
	if r.root, r.top, err = shape(layers, r.manifest.Steps, data); err != nil {
		return fmt.Errorf("%s: %w", r.image.Name(), err)
	}
	return nil
}

// extract writes the root to dir, which must not exist, for the user whom
// steps are on this machine.
func (r *runner) extract(ctx context.Context, dir string) error {
	root, err := r.root.Tree()
	if err != nil {
		return fmt.Errorf("%s: %w", r.image.Name(), err)
	}
	if err := sandbox.MakePrivate(dir); err != nil {
		return err
	}
	if err := tree.Extract(ctx, root, dir, tree.ExtractOptions{Progress: r.options.Progress}); err != nil {
		return fmt.Errorf("extract the layers: %w", err)
	}
	return sandbox.GiveAway(dir)
}
