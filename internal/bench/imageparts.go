package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/internal/blockcache"
)

// buildImage makes an image of one layer of a folder, with a cache if one is
// named.
func buildImage(args []string) error {
	debug.SetGCPercent(300) // as repro build does
	out, from, cache := args[0], args[1], args[2]
	root, err := tree.FromDir(from, tree.DirOptions{})
	if err != nil {
		return err
	}
	s := benchSpec(root)
	if cache == "" {
		_, err = format.Create(context.Background(), out, s)
		return err
	}
	c, err := blockcache.Open(cache, blockcache.DefaultMax)
	if err != nil {
		return err
	}
	s.Cache = c
	if _, err := format.Create(context.Background(), out, s); err != nil {
		return err
	}
	return c.Close()
}

// benchSpec is an image whose environment is root.
func benchSpec(root *tree.Node) format.Spec {
	return format.Spec{
		Manifest: manifest.Manifest{
			Version:     manifest.Version,
			Paper:       manifest.Paper{Title: "Bench", Authors: []manifest.Author{{Name: "A"}}, Date: "2026-01-01T00:00:00Z"},
			Arch:        "amd64",
			Environment: manifest.Environment{Kind: "host"},
			Steps:       []manifest.Step{{Name: "run", Command: []string{"true"}, Dir: "/"}},
			Results:     []manifest.Result{},
		},
		Recipe:  []byte("title: Bench\n"),
		Inspect: []byte("{}\n"),
		Layers:  []format.LayerSpec{{Name: format.EnvironmentName, Role: manifest.RoleLayer, Tree: root}},
	}
}

// extractImage extracts an image, each block checked by its hash tree.
func extractImage(args []string) error {
	debug.SetGCPercent(400) // as repro extract does
	im, err := format.Open(args[0])
	if err != nil {
		return err
	}
	defer im.Close()
	root, err := im.Root()
	if err != nil {
		return err
	}
	super := os.Geteuid() == 0
	return tree.Extract(context.Background(), root, args[1], tree.ExtractOptions{Owners: super, Devices: super, Xattrs: super})
}

// openImage opens an image, lists its objects and prints the milliseconds
// that took.
func openImage(args []string) error {
	start := time.Now()
	im, err := format.Open(args[0])
	if err != nil {
		return err
	}
	defer im.Close()
	if _, err := im.Manifest(); err != nil {
		return err
	}
	if len(im.Layout()) > 0 || len(im.Objects()) == 0 {
		return fmt.Errorf("%s: not as it was written", args[0])
	}
	fmt.Println(time.Since(start).Seconds() * 1000)
	return nil
}

// fileName is the name of a file that makeFiles makes.
func fileName(dir string, i int) string {
	return filepath.Join(dir, fmt.Sprintf("%03d", i/1000), fmt.Sprintf("%06d.dat", i))
}

// makeFiles makes n files of min to max bytes in dir, 1000 in a folder. The
// bytes are those of the files below root, one after the other, again and
// again.
func makeFiles(dir, root string, n int, min, max int64) error {
	src := &contents{root: os.DirFS(root)}
	if err := src.list(); err != nil {
		return err
	}
	defer src.close()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		name := fileName(dir, i)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := writeFrom(name, src, min+r.Int64N(max-min+1)); err != nil {
			return err
		}
	}
	return nil
}

func writeFrom(name string, src io.Reader, n int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(f, src, n); err != nil {
		return err
	}
	return f.Close()
}

func appendTo(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

// contents reads the regular files below root, endlessly.
type contents struct {
	root  fs.FS
	names []string
	next  int
	file  fs.File
}

func (c *contents) list() error {
	err := fs.WalkDir(c.root, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if info, err := e.Info(); err == nil && info.Size() > 0 {
			c.names = append(c.names, name)
		}
		return nil
	})
	if err == nil && len(c.names) == 0 {
		err = fmt.Errorf("%v: has no files", c.root)
	}
	return err
}

func (c *contents) Read(p []byte) (int, error) {
	for {
		if c.file == nil {
			var err error
			if c.file, err = c.root.Open(c.names[c.next%len(c.names)]); err != nil {
				return 0, err
			}
			c.next++
		}
		if n, err := c.file.Read(p); n > 0 || err != io.EOF {
			return n, err
		}
		c.close()
	}
}

func (c *contents) close() {
	if c.file != nil {
		c.file.Close()
	}
	c.file = nil
}
