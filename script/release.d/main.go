// Command release.d makes of the programs that script/release built what goes with
// them: Debian packages, container images, a bill of materials, provenance, the
// installer and the list of all files. Its output is a function of its input.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"repro/build/oci"
	"repro/build/sbom"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/key"
	"repro/publish/release"
)

// maker makes the files of one release.
type maker struct {
	dir    string // where the programs are, and all else goes
	source release.Source
	native string // a program of this release that runs here
	key    string // file of the private key; empty: nothing is signed
	time   time.Time
}

func main() {
	m := &maker{}
	flag.StringVar(&m.dir, "dir", "", "folder of the programs")
	flag.StringVar(&m.source.Version, "version", "", "such as v1.2.0")
	flag.StringVar(&m.source.Commit, "commit", "", "of git")
	flag.StringVar(&m.source.Date, "date", "", "of the commit, RFC 3339")
	flag.StringVar(&m.native, "native", "", "program of the release that runs here")
	flag.StringVar(&m.key, "key", "", "private key, without a passphrase or with that of REPRO_RELEASE_PASSPHRASE")
	flag.Parse()
	if err := m.make(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func (m *maker) make(ctx context.Context) (err error) {
	m.source.Go = runtime.Version()
	if m.time, err = time.Parse(time.RFC3339, m.source.Date); err != nil {
		return err
	}
	var k *key.Private
	if m.key != "" {
		if k, err = readKey(m.key); err != nil {
			return err
		}
	}
	for _, arch := range []string{"amd64", "arm64"} {
		program, err := os.ReadFile(filepath.Join(m.dir, "repro-"+m.source.Version+"-linux-"+arch))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(m.debian(arch, program), m.container(ctx, arch, program), m.materials(ctx, arch, program)); err != nil {
			return err
		}
	}
	if err := m.installer(k); err != nil {
		return err
	}
	return m.sign(k)
}

func readKey(file string) (*key.Private, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return key.ParsePrivate(b, func() ([]byte, error) { return []byte(os.Getenv("REPRO_RELEASE_PASSPHRASE")), nil })
}

func (m *maker) name(form string, args ...any) string {
	return filepath.Join(m.dir, "repro-"+m.source.Version+fmt.Sprintf(form, args...))
}

// ask returns what the program prints.
func (m *maker) ask(args ...string) ([]byte, error) {
	out, err := exec.Command(m.native, args...).Output()
	if err != nil {
		return nil, fmt.Errorf("repro %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}

func (m *maker) debian(arch string, program []byte) error {
	manual, err := m.ask("man")
	if err != nil {
		return err
	}
	completion, err := m.ask("completion", "bash")
	if err != nil {
		return err
	}
	licence, err := os.ReadFile("LICENSE")
	if err != nil {
		return err
	}
	p := &release.Package{
		Name: "repro", Version: strings.TrimPrefix(m.source.Version, "v"), Arch: arch, Time: m.time,
		Summary: "make published computational results verifiable and re-runnable",
		Text:    "An author builds an image of an experiment in one file and signs it. A\nreviewer verifies it, and runs it again without root, daemon or network.\n",
		Files: []release.File{
			{Name: "usr/bin/repro", Mode: 0o755, Content: program},
			{Name: "usr/share/man/man1/repro.1", Mode: 0o644, Content: manual},
			{Name: "usr/share/bash-completion/completions/repro", Mode: 0o644, Content: completion},
			{Name: "usr/share/doc/repro/copyright", Mode: 0o644, Content: licence},
		},
	}
	b, err := p.Encode()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.dir, fmt.Sprintf("repro_%s_%s.deb", p.Version, arch)), b, 0o644)
}

// root is what a container of the program has.
func (m *maker) root(program []byte) (*tree.Node, error) {
	root := tree.NewDir()
	tmp := tree.NewDir()
	tmp.Mode |= 0o777 | os.ModeSticky
	err := errors.Join(root.Put("usr/bin/repro", tree.NewFile(0o755, program)), root.Put("tmp", tmp))
	for _, n := range root.All() {
		n.ModTime = m.time.Unix()
	}
	return root, err
}

func (m *maker) container(ctx context.Context, arch string, program []byte) error {
	root, err := m.root(program)
	if err != nil {
		return err
	}
	e := &oci.Export{
		Layers: []*tree.Node{root}, Names: []string{"repro"}, Arch: arch, Created: m.time, Ref: "repro:" + strings.TrimPrefix(m.source.Version, "v"),
		Config: oci.Config{Entrypoint: []string{"/usr/bin/repro"}, Cmd: []string{"--help"}, WorkingDir: "/", Env: map[string]string{"PATH": "/usr/bin"}},
		Annotations: map[string]string{
			"org.opencontainers.image.title": "repro", "org.opencontainers.image.version": m.source.Version,
			"org.opencontainers.image.revision": m.source.Commit, "org.opencontainers.image.created": m.source.Date,
		},
	}
	return e.Archive(ctx, m.name("-oci-%s.tar", arch))
}

// materials writes the bill of materials, by what Go keeps in a program.
func (m *maker) materials(ctx context.Context, arch string, program []byte) error {
	root, err := m.root(program)
	if err != nil {
		return err
	}
	inventory, err := sbom.Read(ctx, root)
	if err != nil {
		return err
	}
	about := sbom.Subject{Name: "repro " + m.source.Version, Date: m.source.Date}
	return os.WriteFile(m.name("-linux-%s.cdx.json", arch), inventory.CycloneDX(about), 0o644)
}

// installer writes install.sh with the public key in it.
func (m *maker) installer(k *key.Private) error {
	text, err := os.ReadFile("script/release.d/install.sh")
	if err != nil {
		return err
	}
	public := []byte("none")
	if k != nil {
		if public, err = k.Public().Encode(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(m.dir, "release.pub"), public, 0o644); err != nil {
			return err
		}
	}
	text = bytes.ReplaceAll(text, []byte("@VERSION@"), []byte(m.source.Version))
	text = bytes.ReplaceAll(text, []byte("@KEY@"), bytes.TrimSpace(public))
	return os.WriteFile(filepath.Join(m.dir, "install.sh"), text, 0o755)
}

// sign writes provenance and list of all files, and signs both.
func (m *maker) sign(k *key.Private) error {
	files, err := m.sums()
	if err != nil {
		return err
	}
	statement, err := release.Provenance(m.source, files)
	if err != nil {
		return err
	}
	if k != nil {
		if statement, err = release.SignStatement(k, statement); err != nil {
			return err
		}
	}
	if err := os.WriteFile(m.name(".intoto.json"), append(statement, '\n'), 0o644); err != nil {
		return err
	}
	if files, err = m.sums(); err != nil {
		return err
	}
	list := filepath.Join(m.dir, release.SumsName)
	if err := os.WriteFile(list, release.EncodeSums(files), 0o644); err != nil || k == nil {
		return err
	}
	_, err = m.ask("sign", "--file", "--key", m.key, list)
	return err
}

// sums lists the files that are there.
func (m *maker) sums() ([]release.Sum, error) {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return nil, err
	}
	var all []release.Sum
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), release.SumsName) || !e.Type().IsRegular() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(m.dir, e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, release.Sum{Digest: manifest.DigestSum(sha256.Sum256(b)), Name: e.Name()})
	}
	return slices.Clip(all), nil
}
