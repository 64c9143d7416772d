// Package fetch brings data that an image only names: over HTTP, as far as
// needed, and checked before a file gets its name. SPEC.md, part EXT.
//
// A download that was cut off is taken up where it stopped: what has come so
// far lies in a hidden file beside the place of the one to be. What the server
// sends is believed only when its SHA-256 is the one that the image binds.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"repro/format/manifest"
	"repro/internal/progress"
	"repro/internal/stream"
	"repro/publish/stranger"
)

// ErrDiffers is in the error about a file whose content is not what the image
// names.
var ErrDiffers = errors.New("not the file that the image names")

// Limits on a server.
const (
	maxRedirects = 10
	maxUnstated  = 1 << 40 // bytes of a file whose size is not stated
)

// Options say how to fetch.
type Options struct {
	Client   *http.Client // nil: one with limits and no cookies
	Plain    bool         // let http:// addresses other than this machine's pass
	Resolver string       // asked where what has a DOI is; empty: the constant of this name
	Progress progress.Func

	hosts map[string]string // of tests
}

// File is what became of one file.
type File struct {
	Path    string `json:"path"` // below the folder
	Source  string `json:"source"`
	Size    int64  `json:"size"`
	Already bool   `json:"already,omitempty"` // was there, and is what the image names
	Problem string `json:"problem,omitempty"`

	Unchecked bool `json:"unchecked,omitempty"` // of a deposit whose repository states no checksum of it
}

// Files brings the files to dir, at their paths below /paper. Files that are
// there and right are left alone, others of the same name are an error. It goes
// on after a failure: the report names every file, the error all that failed.
func Files(ctx context.Context, files []manifest.External, dir string, o Options) ([]File, error) {
	var report []File
	var wrong []error
	for _, x := range files {
		rel := strings.TrimPrefix(x.Path, "/paper/")
		f := File{Path: rel, Source: x.Source}
		err := ctx.Err()
		if err == nil {
			err = one(ctx, x, filepath.Join(dir, filepath.FromSlash(rel)), &f, o)
		}
		if err != nil {
			f.Problem = err.Error()
			wrong = append(wrong, fmt.Errorf("%s: %w", rel, err))
		}
		report = append(report, f)
	}
	return report, errors.Join(wrong...)
}

func one(ctx context.Context, x manifest.External, name string, f *File, o Options) error {
	if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
		return fmt.Errorf("leads out of the folder")
	}
	if info, err := os.Stat(name); err == nil {
		sum, err := sumOf(ctx, name)
		if err != nil {
			return err
		}
		if sum != x.Digest {
			return fmt.Errorf("%w: there is one of this name whose digest is %s, want %s", ErrDiffers, sum, x.Digest)
		}
		f.Size, f.Already = info.Size(), true
		return nil
	}
	address, err := Address(x)
	if err != nil {
		return err
	}
	if err := o.allowed(address); err != nil {
		return err
	}
	if o.Client == nil {
		o.Client = client(address, o)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	part := partOf(name)
	for try := 0; ; try++ {
		resumed, err := download(stranger.Large(ctx), address, part, x, f.Path, o)
		if err != nil {
			return err
		}
		sum, err := sumOf(ctx, part)
		if err != nil {
			return err
		}
		if sum == x.Digest {
			break
		}
		if err := os.Remove(part); err != nil {
			return err
		}
		if !resumed || try > 0 { // the rest of another version may have been put to an older start
			return fmt.Errorf("%w: what %s sent has digest %s, want %s", ErrDiffers, address, sum, x.Digest)
		}
	}
	if info, err := os.Stat(part); err == nil {
		f.Size = info.Size()
	}
	return os.Rename(part, name)
}

// partOf returns what a file is called until it is whole.
func partOf(name string) string {
	return filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".part")
}

// isPart reports whether a file of this name could be another's that is not whole.
func isPart(base string) bool {
	return strings.HasPrefix(base, ".") && strings.HasSuffix(base, ".part")
}

// Address returns where a file is had. A DOI of Zenodo leads to the file of
// that name in the record; other registrars do not say where files are.
func Address(x manifest.External) (string, error) {
	doi, ok := strings.CutPrefix(x.Source, "doi:")
	if !ok {
		return x.Source, nil
	}
	id, ok := strings.CutPrefix(strings.ToLower(doi), "10.5281/zenodo.")
	if !ok || strings.Trim(id, "0123456789") != "" || id == "" {
		return "", fmt.Errorf("doi %q: only a DOI of Zenodo says where files are: the recipe should give the file's own address", doi)
	}
	return "https://zenodo.org/records/" + id + "/files/" + url.PathEscape(path.Base(x.Path)) + "?download=1", nil
}

// allowed refuses addresses over which anyone could send anything. The digest
// would catch it, but only after the download.
func (o Options) allowed(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (o.Plain || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("address %q: want https", address)
}

// client returns the way to where an image says that a file is. Nobody vouches for
// that place, or for where it leads: not to what only this machine or its network sees.
func client(address string, o Options) *http.Client {
	host := ""
	if u, err := url.Parse(address); err == nil {
		host = u.Host
	}
	return &http.Client{
		Transport: stranger.New(host, stranger.Options{Plain: o.Plain}),
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) >= maxRedirects {
				return stranger.Refuse(fmt.Sprintf("more than %d redirects", maxRedirects))
			}
			return nil
		},
	}
}

// download brings the rest of a file to part and says whether there was a
// start.
func download(ctx context.Context, address, part string, x manifest.External, show string, o Options) (resumed bool, err error) {
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return false, err
	}
	defer f.Close()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	if x.Size > 0 && have == x.Size {
		return true, nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, err
	}
	request.Header.Set("User-Agent", "repro")
	if have > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	answer, err := o.Client.Do(request)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	switch {
	case have > 0 && answer.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return true, nil // all of it is there, or too much: the digest says
	case answer.StatusCode == http.StatusPartialContent && have > 0 && strings.HasPrefix(answer.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", have)):
		resumed = true
	case answer.StatusCode == http.StatusOK:
		if have, err = 0, f.Truncate(0); err != nil {
			return false, err
		}
	default:
		return false, refusal(address+": the server", answer)
	}
	most := int64(maxUnstated)
	if x.Size > 0 {
		most = x.Size
	}
	if _, err := f.Seek(have, io.SeekStart); err != nil {
		return resumed, err
	}
	w := &reporting{w: f, done: have, total: x.Size, name: show, p: o.Progress}
	n, err := io.Copy(w, io.LimitReader(answer.Body, most-have+1))
	if err != nil {
		return resumed, fmt.Errorf("%s: after %d bytes: %w", address, have+n, err)
	}
	if have+n > most {
		os.Remove(part)
		return resumed, fmt.Errorf("%w: %s sends more than %d bytes", ErrDiffers, address, most)
	}
	if have+n < x.Size { // a server that does not say how much it sends: the start is kept
		return resumed, fmt.Errorf("%s: ends after %d of %d bytes", address, have+n, x.Size)
	}
	return resumed, f.Sync()
}

type reporting struct {
	w           io.Writer
	done, total int64
	name        string
	p           progress.Func
}

func (r *reporting) Write(b []byte) (int, error) {
	n, err := r.w.Write(b)
	r.done += int64(n)
	r.p.Report(progress.Event{Task: "fetch " + r.name, Done: r.done, Total: r.total, Bytes: true})
	return n, err
}

// sumOf hashes a regular file.
func sumOf(ctx context.Context, name string) (manifest.Digest, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")})
	}
	sum, _, err := stream.SHA256(ctx, f, nil)
	return manifest.DigestSum(sum), err
}
