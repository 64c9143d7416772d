package cli

import (
	"fmt"
	"os"
	"sync"

	"github.com/urfave/cli/v2"

	"repro/internal/mount"
	"repro/report/view"
)

func mountCommand(c *console) *cli.Command {
	return &cli.Command{
		Name:      "mount",
		Usage:     "show the files of an image in a folder, without extracting them",
		ArgsUsage: "IMAGE FOLDER",
		Description: `Mounts what the steps see, or one layer, read-only, and stays until interrupted or
until the folder is unmounted (fusermount3 -u FOLDER). Each block is checked
against the image's hash trees when it is read: reading what was altered fails,
and the command then ends with status 4. Needs FUSE, but not root.

   mkdir look && repro mount paper.sif look
   repro mount --layer published paper.sif look &`,
		Flags: []cli.Flag{
			layerFlag,
			&cli.BoolFlag{Name: "allow-other", Usage: "let other users look too, as far as files' modes allow"},
		},
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() != 2 {
				return usagef("mount: name one image and one folder")
			}
			return c.mount(ctx, ctx.Args().Get(0), ctx.Args().Get(1))
		},
	}
}

func (c *console) mount(ctx *cli.Context, name, dir string) error {
	collectLate()
	image, v, err := openView(name, ctx.String("layer"))
	if err != nil {
		return err
	}
	defer image.Close()
	if info, err := os.Stat(dir); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s: is not a folder", dir)
	}
	var failures failures
	server, err := mount.Serve(ctx.Context, v, dir, mount.Options{
		Source: name, AllowOther: ctx.Bool("allow-other"),
		Failed: func(file string, err error) {
			if failures.add(file, err) {
				c.note("%s: %s: %s", view.Clean(name), view.Clean("/"+file), view.Clean(err.Error()))
			}
		},
	})
	if err != nil {
		return err
	}
	c.note("%s is mounted at %s; Ctrl-C ends it", view.Clean(name), view.Clean(dir))
	server.Wait()
	return failures.err(name)
}

// failures remembers the files that could not be read.
type failures struct {
	mu    sync.Mutex
	seen  map[string]bool
	first error
}

// maxFailures bounds the files that are spoken of.
const maxFailures = 100

// add reports whether name is to be spoken of.
func (f *failures) add(name string, err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		f.first = fmt.Errorf("%q: %w", name, err)
		f.seen = map[string]bool{}
	}
	if f.seen[name] || len(f.seen) >= maxFailures {
		return false
	}
	f.seen[name] = true
	return true
}

func (f *failures) err(image string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", image, f.first)
}
