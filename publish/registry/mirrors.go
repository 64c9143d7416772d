package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"
)

// mirror is a place where an image may be too.
type mirror struct {
	ref   Reference
	plain bool // asked without TLS, too
}

// registriesConf is what podman's configuration (containers-registries.conf(5),
// version 2) says of registries.
type registriesConf struct {
	Registry []struct {
		Prefix   string
		Location string
		Blocked  bool
		Mirror   []struct {
			Location string
			Insecure bool
		}
	}
}

// maxConf bounds a file of that configuration.
const maxConf = 1 << 20

// mirrorFiles returns the files that podman reads, the most important last.
func mirrorFiles() []string {
	if file := os.Getenv("CONTAINERS_REGISTRIES_CONF"); file != "" {
		return []string{file}
	}
	folders := []string{"/etc/containers"}
	if config, err := os.UserConfigDir(); err == nil {
		folders = append(folders, filepath.Join(config, "containers"))
	}
	var files []string
	for _, folder := range folders {
		more, _ := filepath.Glob(filepath.Join(folder, "registries.conf.d", "*.conf")) // in order of names
		files = append(append(files, filepath.Join(folder, "registries.conf")), more...)
	}
	return files
}

// mirrorsOf returns where the image of ref may be had instead, in the order in which
// to ask: what is said of the longest beginning of its name counts, and of those as
// long what is said last.
func mirrorsOf(ref Reference, files []string) (out []mirror, err error) {
	name := ref.host() + "/" + ref.repository()
	best := 0
	for _, file := range files {
		var conf registriesConf
		if err := readConf(file, &conf); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, r := range conf.Registry {
			prefix := strings.TrimSuffix(r.Prefix, "/")
			if prefix == "" {
				prefix = strings.TrimSuffix(r.Location, "/")
			}
			rest, ok := strings.CutPrefix(name, prefix)
			if !ok || prefix == "" || rest != "" && rest[0] != '/' || len(prefix) < best {
				continue
			}
			if r.Blocked {
				return nil, fmt.Errorf("%s: %s: blocked by this file", file, prefix)
			}
			best, out = len(prefix), nil
			for _, m := range r.Mirror {
				at, err := ref.moved(m.Location + rest)
				if err != nil {
					return nil, fmt.Errorf("%s: mirror of %s: %w", file, prefix, err)
				}
				out = append(out, mirror{at, m.Insecure})
			}
		}
	}
	return out, nil
}

// readConf reads a file of configuration. One that is not there says nothing.
func readConf(file string, conf *registriesConf) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > maxConf {
		return fmt.Errorf("%d bytes, at most %d are read", info.Size(), maxConf)
	}
	_, err = toml.DecodeFile(file, conf)
	return err
}

// moved returns the reference to the same tag or digest of another repository.
func (r Reference) moved(repository string) (Reference, error) {
	separator := ":"
	if r.digest() != "" {
		separator = "@"
	}
	return ParseReference(Scheme + repository + separator + r.identifier())
}

// fromMirror connects to the first mirror that has the image, or returns nil. Whatever
// a mirror sends is checked like what the registry itself would; which image a tag
// names is what it says.
func fromMirror(ctx context.Context, ref Reference, o Options) (*Repository, error) {
	files := o.mirrors
	if files == nil {
		files = mirrorFiles()
	}
	all, err := mirrorsOf(ref, files)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		here := o
		here.PlainHTTP = o.PlainHTTP || m.plain
		r, err := dial(ctx, m.ref, false, here)
		if err == nil {
			_, err = r.manifest(ctx)
		}
		if err == nil {
			r.named = ref
			return r, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, nil
}
