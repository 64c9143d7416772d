package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// Package is a Debian package (deb(5), deb-control(5)).
type Package struct {
	Name, Version, Arch string // Arch as Debian calls it
	Summary, Text       string // one line; what follows it, in lines of their own
	Files               []File
	Time                time.Time // of all files
}

// File is a file of a package.
type File struct {
	Name    string // usr/bin/repro
	Mode    int64
	Content []byte
}

// Encode returns the package's file. Its bytes are a function of p.
func (p *Package) Encode() ([]byte, error) {
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: The authors of repro <nobody@repro.dev>\nInstalled-Size: %d\nSection: science\nPriority: optional\nDescription: %s\n",
		p.Name, p.Version, p.Arch, p.kibibytes(), p.Summary)
	for line := range strings.Lines(p.Text) {
		control += " " + strings.TrimSuffix(line, "\n") + "\n"
	}
	meta, err := p.tar([]File{{"control", 0o644, []byte(control)}})
	if err != nil {
		return nil, err
	}
	data, err := p.tar(p.Files)
	if err != nil {
		return nil, err
	}
	out := []byte("!<arch>\n")
	for _, m := range []File{{"debian-binary", 0, []byte("2.0\n")}, {"control.tar.gz", 0, meta}, {"data.tar.gz", 0, data}} {
		out = fmt.Appendf(out, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.Name, p.Time.Unix(), 0, 0, "100644", len(m.Content))
		if out = append(out, m.Content...); len(m.Content)%2 == 1 {
			out = append(out, '\n')
		}
	}
	return out, nil
}

func (p *Package) kibibytes() (n int) {
	for _, f := range p.Files {
		n += (len(f.Content) + 1023) / 1024
	}
	return n
}

// tar packs files, in order of names, each folder before what it holds.
func (p *Package) tar(files []File) ([]byte, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(z)
	made := map[string]bool{}
	for _, f := range files {
		if err := p.folders(w, path.Dir(f.Name), made); err != nil {
			return nil, err
		}
		h := &tar.Header{Name: "./" + f.Name, Mode: f.Mode, Size: int64(len(f.Content)), ModTime: p.Time, Format: tar.FormatUSTAR, Uname: "root", Gname: "root"}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := io.Copy(w, bytes.NewReader(f.Content)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err = z.Close()
	return packed.Bytes(), err
}

func (p *Package) folders(w *tar.Writer, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	made[dir] = true
	name := "./"
	if dir != "." {
		if err := p.folders(w, path.Dir(dir), made); err != nil {
			return err
		}
		name += dir + "/"
	}
	return w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: 0o755, ModTime: p.Time, Format: tar.FormatUSTAR, Uname: "root", Gname: "root"})
}
