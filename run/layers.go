package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"repro/internal/sandbox"
	"repro/progress"
	"repro/tree"
)

// layers says where steps find the image's root.
type layers struct {
	root   string
	kind   string // as in record.Isolation
	reason string
	notes  []string

	// shared: there are no overlays here. Root is a copy of this run's own,
	// which steps write to one after the other.
	shared bool
}

// provide puts the root where the sandbox can use it and tries that out.
//
// The tree is read through the hash trees of the image's layers, so every byte
// that is extracted is one that the manifest binds.
func (r *runner) provide(ctx context.Context, root *tree.Node) (layers, error) {
	l := layers{kind: "extracted", reason: "layers are extracted through their hash trees into a private directory"}
	var err error
	if r.options.NoCache {
		l.root = filepath.Join(r.scratch, "root")
		err = extract(ctx, root, l.root, r.options.Progress)
	} else {
		l.root, err = cachedRoot(ctx, r.options.Cache, r.id, root, r.options.Progress)
	}
	if err != nil {
		return l, err
	}
	if r.options.copyRoot {
		return r.provideCopy(ctx, root, errors.New("asked for by a test"))
	}
	try := filepath.Join(r.scratch, "try")
	if err := sandbox.Prepare(try); err != nil {
		return l, err
	}
	refused := sandbox.Check(ctx, sandbox.Command{Lower: []string{l.root}, Scratch: try, Dir: "/", Net: r.options.Net})
	u, ok := errors.AsType[*sandbox.UnavailableError](refused)
	if refused == nil || !ok || u.What != sandbox.Overlay {
		return l, refused
	}
	return r.provideCopy(ctx, root, u.Err)
}

// provideCopy is for machines without overlays in user namespaces: steps share
// one writable copy and run one after the other.
func (r *runner) provideCopy(ctx context.Context, root *tree.Node, why error) (layers, error) {
	l := layers{
		root: filepath.Join(r.scratch, "copy"), kind: "extracted", shared: true,
		reason: fmt.Sprintf("no overlay here (%v): steps write to one copy of the root, made for this run, one after the other", why),
		notes:  []string{"steps were not kept apart from each other's undeclared files"},
	}
	if err := extract(ctx, root, l.root, r.options.Progress); err != nil {
		return l, err
	}
	return l, sandbox.Check(ctx, sandbox.Command{Lower: []string{l.root}, Dir: "/", Net: r.options.Net})
}

// extract writes the tree to dir, which must not exist, for the user whom
// steps are on this machine.
func extract(ctx context.Context, root *tree.Node, dir string, p progress.Func) error {
	if err := sandbox.MakePrivate(dir); err != nil {
		return err
	}
	if err := tree.Extract(ctx, root, dir, tree.ExtractOptions{Progress: p}); err != nil {
		return fmt.Errorf("extract the layers: %w", err)
	}
	return sandbox.GiveAway(dir)
}
