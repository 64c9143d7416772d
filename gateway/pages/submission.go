package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"repro/format"
	"repro/format/manifest"
	"repro/format/tree"
	"repro/gateway/access"
	"repro/gateway/store"
	"repro/report"
	"repro/report/view"
)

// Limits of what one page shows; all of it is in the image.
const (
	maxText     = 1 << 20  // bytes of a text
	maxNames    = 5000     // of a folder
	maxPackages = 5000     // of a bill of materials
	maxSBOM     = 64 << 20 // bytes
	sendTime    = time.Hour
)

func (p *Pages) submissionHandlers() map[string]access.Handler {
	return map[string]access.Handler{
		"GET /v/{venue}/submissions/{submission}":                 p.submission,
		"GET /v/{venue}/submissions/{submission}/image":           p.download,
		"GET /v/{venue}/submissions/{submission}/files/{path...}": p.files,
	}
}

// opened is an image of a submission.
type opened struct {
	store.Submission
	file  *os.File
	image *format.Image
}

func (p *Pages) open(r *http.Request) (o opened, err error) {
	if o.Submission, err = p.store.Submission(r.Context(), r.PathValue("submission")); err != nil {
		return o, err
	}
	if access.HidesAuthors(r.Context()) {
		o.Name = o.ID + ".sif"
	}
	o.file, o.image, err = p.images.Open(o.Submission)
	return o, err
}

// submissionPage is what the page of a submission shows.
type submissionPage struct {
	store.Submission
	Path     string
	Verify   report.Verify
	Manifest *manifest.Manifest
	Packages []spdxPackage
	More     int // packages that are not shown
}

type spdxPackage struct {
	Name    string `json:"name"`
	Version string `json:"versionInfo"`
	Licence string `json:"licenseDeclared"`
}

func pathOf(sub store.Submission) string { return "/v/" + sub.Venue + "/submissions/" + sub.ID }

func (p *Pages) submission(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	o, err := p.open(r)
	if err != nil {
		return err
	}
	defer o.file.Close()
	page := submissionPage{Submission: o.Submission, Path: pathOf(o.Submission)}
	if err := json.Unmarshal(o.Report, &page.Verify); err != nil {
		return err
	}
	if page.Manifest, err = o.image.Manifest(); err != nil {
		return err
	}
	if page.Packages, err = packages(o.image, page.Manifest); err != nil {
		return err
	}
	if n := len(page.Packages); n > maxPackages {
		page.Packages, page.More = page.Packages[:maxPackages], n-maxPackages
	}
	return show(w, http.StatusOK, "submission", frame{o.Title, v, page})
}

// packages reads the bill of materials of an image, if it has one.
func packages(im *format.Image, m *manifest.Manifest) ([]spdxPackage, error) {
	for _, o := range m.Objects {
		if o.Role != manifest.RoleSBOM || o.Size > maxSBOM {
			continue
		}
		r, err := im.Content(o.Name)
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(io.LimitReader(r, maxSBOM))
		if err != nil {
			return nil, err
		}
		var doc struct {
			Packages []spdxPackage `json:"packages"`
		}
		if json.Unmarshal(b, &doc) != nil {
			return nil, nil // an author's own: it says nothing that can be shown
		}
		return doc.Packages, nil
	}
	return nil, nil
}

// download sends the whole image.
func (p *Pages) download(w http.ResponseWriter, r *http.Request, v access.Visit) error {
	if v.HidesAuthors() {
		return access.Refuse(http.StatusForbidden, "the whole image says whose work it is, and this venue is double-blind")
	}
	o, err := p.open(r)
	if err != nil {
		return err
	}
	defer o.file.Close()
	attach(w, o.ID+".sif")
	http.ServeContent(w, r, "", o.Created, o.image.Bytes())
	return nil
}

// attach makes of what follows a file to be kept, which no browser shows.
func attach(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; sandbox")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": view.Clean(name)}))
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sendTime))
}

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

// filePage is what the page of a folder or a text shows.
type filePage struct {
	Path, At, Layer string // of the submission's page; in the image; as in the address
	Files           []fileRow
	More            int // names that are not shown
	Text            *string
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
	page := filePage{Path: pathOf(o.Submission), At: at, Layer: layer}
	if seen.Node.IsDir() {
		if err := page.list(files, seen.ID); err != nil {
			return err
		}
		return show(w, http.StatusOK, "files", frame{at, v, &page})
	}
	return page.send(w, r, v, seen.Node)
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

// send shows a text, and sends everything else as a file.
func (f *filePage) send(w http.ResponseWriter, r *http.Request, v access.Visit, n *tree.Node) error {
	if !n.Mode.IsRegular() {
		return access.Refuse(http.StatusNotFound, "%s: is a %s, and has nothing to show", f.At, n.Kind())
	}
	content, err := n.Content()
	if err != nil {
		return err
	}
	defer content.Close()
	if n.Size <= maxText && !r.URL.Query().Has("download") {
		b, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		if text, ok := readable(b); ok {
			f.Text = &text
			return show(w, http.StatusOK, "files", frame{f.At, v, f})
		}
		content = io.NopCloser(strings.NewReader(string(b)))
	}
	attach(w, path.Base(f.At))
	w.Header().Set("Content-Length", fmt.Sprint(n.Size))
	_, err = io.Copy(w, content)
	if err != nil {
		panic(http.ErrAbortHandler) // the rest of the file must not look whole
	}
	return nil
}

// readable makes what could move text about visible, if b is text at all.
func readable(b []byte) (string, bool) {
	if !utf8.Valid(b) || strings.ContainsRune(string(b), 0) {
		return "", false
	}
	lines := strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for j := range cells {
			cells[j] = view.Clean(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n"), true
}
