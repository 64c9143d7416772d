package view

import (
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"repro/report"
)

// ListOptions say how [List] shows files.
type ListOptions struct {
	Long bool // mode, owner, size and time too
	Full bool // paths in place of names
}

// List writes the files of an image, one a line.
func List(w io.Writer, r *report.List, o ListOptions, s Style) error {
	p := &printer{w: w, style: s}
	c := columns{}
	for _, f := range r.Files {
		name := cell{text: Clean(f.Path)}
		if !o.Full {
			name.text = Clean(path.Base(f.Path))
		}
		if f.Kind == "directory" {
			name.tone = bold
		}
		if !o.Long {
			p.line("%s", s.paint(name.tone, name.text))
			continue
		}
		name.text = s.paint(name.tone, name.text)
		name.tone = plain
		if f.Target != "" {
			name.text += " -> " + Clean(f.Target)
		}
		c.add(cell{text: modeString(f)}, cell{text: fmt.Sprintf("%d/%d", f.UID, f.GID)}, cell{text: sizeOf(f), right: true},
			cell{text: strings.TrimSuffix(strings.Replace(Clean(f.Modified), "T", " ", 1), "Z"), tone: dim}, name)
	}
	c.write(p)
	return p.err
}

func sizeOf(f report.FileEntry) string {
	switch {
	case f.Device != "":
		return Clean(f.Device)
	case f.Kind == "file":
		return fmt.Sprint(f.Size)
	}
	return "-"
}

// modeString shows kind and mode as ls does: drwxr-xr-x.
func modeString(f report.FileEntry) string {
	kinds := map[string]byte{"directory": 'd', "symlink": 'l', "block": 'b', "char": 'c', "fifo": 'p', "socket": 's'}
	out := []byte("-rwxrwxrwx")
	if k, ok := kinds[f.Kind]; ok {
		out[0] = k
	}
	mode, err := strconv.ParseUint(f.Mode, 8, 32)
	if err != nil {
		return Clean(f.Mode)
	}
	for i := range 9 {
		if mode>>(8-i)&1 == 0 {
			out[1+i] = '-'
		}
	}
	for i, bit := range []struct {
		mask   uint64
		letter byte
	}{{0o4000, 's'}, {0o2000, 's'}, {0o1000, 't'}} {
		at := 3 * (i + 1)
		switch {
		case mode&bit.mask == 0:
		case out[at] == 'x':
			out[at] = bit.letter
		default:
			out[at] = bit.letter - 'a' + 'A'
		}
	}
	if len(f.Xattrs) > 0 {
		return string(out) + "+"
	}
	return string(out)
}
