package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"repro/format"
	"repro/format/signature"
	"repro/publish/registry"
	"repro/report/view"
)

var plainHTTPFlag = &cli.BoolFlag{Name: "plain-http", Usage: "talk to a registry without TLS; registries on this machine need no flag"}

func pushCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "push",
		Usage:     "send an image to a container registry",
		ArgsUsage: "IMAGE oci://HOST/NAME[:TAG]",
		Description: `The image's file is one layer, as apptainer pull oras:// takes it. Signatures,
attestations and times in files beside the image, IMAGE.*, come along, as manifests
that refer to it. The same image gets the same digest everywhere; what is in the
registry already is not sent again. Logs in as Docker and podman do: docker login,
podman login and their credential helpers.

   repro push paper.sif oci://registry.example.org/lab/paper:1
   repro push paper.sif oci://registry.example.org/lab/paper:1 --attach review.sigstore.json
   repro push --split paper.sif oci://registry.example.org/lab/paper:2   # what version 1 lacks`,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "attach", Usage: "send the signature or attestation in `FILE` too"},
			&cli.BoolFlag{Name: "split", Usage: "send each layer as a blob of its own, so that the next version of the paper sends only those that changed; only repro joins them"},
			plainHTTPFlag, jsonFlag,
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 2 {
				return usagef("push: name an image and where it goes, %sHOST/NAME:TAG", registry.Scheme)
			}
			return c.push(ctx, ctx.Args().Get(0), ctx.Args().Get(1))
		},
	}
}

func (c *console) push(ctx *cli.Context, name, to string) error {
	ref, err := registry.ParseReference(to)
	if err != nil {
		return usageError{err}
	}
	image, err := format.Open(name)
	if err != nil {
		return err
	}
	defer image.Close()
	attachments, err := attachmentsOf(name, ctx.StringSlice("attach"))
	if err != nil {
		return err
	}
	repository, err := registry.Connect(ctx.Context, ref, true, c.registryOptions(ctx))
	if err != nil {
		return err
	}
	pushed, err := repository.Push(ctx.Context, image, attachments)
	c.finishProgress()
	if err != nil {
		return err
	}
	if ctx.Bool("json") {
		return c.printJSON(pushed)
	}
	sent := fmt.Sprintf("%d bytes sent", pushed.Sent)
	if pushed.Sent == 0 {
		sent = "there already"
	}
	fmt.Fprintf(c.out, "%s  %s  content id %s\n", view.Clean(pushed.Reference), sent, pushed.ContentID)
	for _, a := range pushed.Attached {
		fmt.Fprintf(c.out, "attached  %s  %d bytes\n", a.Type, a.Size)
	}
	return nil
}

func (c *console) registryOptions(ctx *cli.Context) registry.Options {
	o := registry.Options{PlainHTTP: ctx.Bool("plain-http"), Progress: c.progress(), Split: ctx.Bool("split")}
	if base, err := os.UserCacheDir(); err == nil {
		o.Cache = filepath.Join(base, "repro", "registries")
	}
	return o
}

// attachmentsOf reads what belongs to an image and is kept beside it: the files
// named, and those called IMAGE.* that are such.
func attachmentsOf(name string, named []string) (out []registry.Attachment, err error) {
	for _, file := range named {
		a, err := readAttachment(file)
		if err != nil {
			return nil, fmt.Errorf("--attach: %s: %w", file, err)
		}
		out = append(out, a)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > signature.MaxSize || !strings.HasPrefix(e.Name(), filepath.Base(name)+".") {
			continue
		}
		a, err := readAttachment(filepath.Join(filepath.Dir(name), e.Name()))
		if errors.Is(err, registry.ErrAttachment) {
			continue // a key, a report
		}
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func readAttachment(file string) (registry.Attachment, error) {
	data, err := readBounded(file, signature.MaxSize)
	if err != nil {
		return registry.Attachment{}, err
	}
	return registry.NewAttachment(data)
}
