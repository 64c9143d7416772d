package pages

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"

	"repro/format"
	"repro/format/tree"
	"repro/gateway/access"
	"repro/gateway/store"
)

// layerOf opens the tree that a page of files shows: what steps see, or the
// published results.
func layerOf(im *format.Image, layer string) (*tree.View, error) {
	var layers []tree.Layer
	switch layer {
	case "":
		var err error
		if layers, err = im.RootLayers(); err != nil {
			return nil, err
		}
	case "published":
		l, err := im.Published()
		if err != nil {
			return nil, err
		}
		layers = []tree.Layer{l}
	default:
		return nil, fs.ErrNotExist
	}
	return tree.NewView(tree.Look{}, layers...)
}

// filePage is what the page of a folder or a file shows.
type filePage struct {
	Path, At, Layer string // of the submission's page; in the image; as in the address
	Files           []fileRow
	More            int // names that are not shown
	File            *shown
	Size            int64
}

type fileRow struct {
	Name, Address, Kind string
	Size                int64
}

func (p *Pages) files(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	o, err := p.open(r)
	if err != nil {
		return err
	}
	defer o.file.Close()
	layer := r.URL.Query().Get("layer")
	at := path.Clean("/" + r.PathValue("path"))
	files, err := layerOf(o.image, layer)
	var seen tree.Seen
	if err == nil {
		seen, err = files.Resolve(at)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return access.Refuse(http.StatusNotFound, "there is no %s in this image", at)
	}
	if err != nil {
		return err
	}
	page := filePage{Path: pathOf(o.Submission), At: at, Layer: layer, Size: seen.Node.Size}
	if seen.Node.IsDir() {
		if err := page.list(files, seen.ID); err != nil {
			return err
		}
		return show(w, http.StatusOK, "files", frame{at, v, &page})
	}
	if !seen.Node.Mode.IsRegular() {
		return access.Refuse(http.StatusNotFound, "%s: is a %s, and has nothing to show", at, seen.Node.Kind())
	}
	content, err := seen.Node.Content()
	if err != nil {
		return err
	}
	defer content.Close()
	file, err := answerFile(w, r, at, seen.Node.Size, content)
	if err != nil || file == nil {
		return err
	}
	page.File = file
	return show(w, http.StatusOK, "files", frame{at, v, &page})
}

func (f *filePage) list(files *tree.View, dir tree.FileID) error {
	names, err := files.List(dir)
	if err != nil {
		return err
	}
	f.More = max(0, names.Len()-maxNames)
	for i := range min(names.Len(), maxNames) {
		name, _, _ := names.At(i)
		seen, err := names.Look(i)
		if err != nil {
			return err
		}
		f.Files = append(f.Files, fileRow{name, f.Address(path.Join(f.At, name)), seen.Node.Kind(), seen.Node.Size})
	}
	return nil
}

// Address is that of the page of a file.
func (f *filePage) Address(at string) string { return fileAddress(f.Path, at, f.Layer) }

// Up is the folder above.
func (f *filePage) Up() string { return f.Address(path.Dir(f.At)) }

// Discuss is the page on which the file is talked about.
func (f *filePage) Discuss() string {
	at := f.At
	if f.Layer != "" {
		at = f.Layer + ":" + at
	}
	return discussAddress(f.Path, store.AboutFile, at)
}

// Here is the page itself with a word about how to show it.
func (f *filePage) Here(how string) string {
	address := f.Address(f.At)
	if f.Layer != "" {
		return address + "&" + how
	}
	return address + "?" + how
}

// answerFile sends a file as what the address asks for, or as what no page
// shows; else it returns how a page shows it.
func answerFile(w http.ResponseWriter, r *http.Request, name string, size int64, content io.Reader) (*shown, error) {
	q := r.URL.Query()
	if size > maxPicture || q.Has("download") {
		return nil, sendFile(w, name, size, content)
	}
	start, err := io.ReadAll(io.LimitReader(content, maxText+1))
	if err != nil {
		return nil, err
	}
	if q.Has("picture") {
		rest, err := io.ReadAll(content)
		if err != nil {
			return nil, err
		}
		whole := append(start, rest...)
		if n, err := strconv.Atoi(q.Get("picture")); err == nil {
			whole = notebookPicture(whole, n)
		}
		return nil, sendPicture(w, path.Base(name), whole)
	}
	file, ok := viewFile(name, start, q.Has("plain"))
	if !ok {
		return nil, sendFile(w, name, size, io.MultiReader(bytes.NewReader(start), content))
	}
	return &file, nil
}

// sendFile sends a file to be kept.
func sendFile(w http.ResponseWriter, name string, size int64, content io.Reader) error {
	attach(w, path.Base(name))
	w.Header().Set("Content-Length", fmt.Sprint(size))
	if _, err := io.Copy(w, content); err != nil {
		panic(http.ErrAbortHandler) // the rest of the file must not look whole
	}
	return nil
}
