package archive

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"repro/format/manifest"
	"repro/internal/filename"
	"repro/report"
)

// maxReport bounds the record of a run.
const maxReport = manifest.MaxDocument

// runRecord is one run whose record goes into a deposit.
type runRecord struct {
	*report.Run
	dir    string // in the payload: runs/1
	raw    []byte // report.json
	output map[string]string
}

// addRun takes in what a run left in dir: its record, the results, the logs
// and the report that people read.
func (d *deposit) addRun(nr int, dir string) error {
	b, err := readBounded(filepath.Join(dir, "report.json"), maxReport)
	if err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	r := &runRecord{Run: &report.Run{}, dir: fmt.Sprintf("%s/%d", runsDir, nr), raw: b, output: map[string]string{}}
	if err := manifest.Unmarshal(bytes.TrimSuffix(b, []byte("\n")), r.Run); err != nil {
		return fmt.Errorf("--run: %s: not the record of a run: %w", filepath.Join(dir, "report.json"), err)
	}
	for _, t := range []string{r.Started, r.Finished} {
		if _, err := time.Parse(time.RFC3339, t); err != nil {
			return fmt.Errorf("--run: %s: time %q: want RFC 3339", filepath.Join(dir, "report.json"), t)
		}
	}
	if want := cmp.Or(d.options.original, d.content); r.ContentID != want {
		d.problem("--run %s: is a run of another image, whose content id is %s", dir, r.ContentID)
		return nil
	}
	d.runs = append(d.runs, r)
	if d.options.Anonymous { // the report names the authors and the machine's signers
		r.By = nil
		r.Paper, r.Verify, r.ContentID, r.Image = d.manifest.Paper, nil, d.content, d.imageName()
		if b, err = manifest.Marshal(r.Run); err != nil {
			return err
		}
		r.raw = append(b, '\n')
	}
	d.later(&entry{path: path.Join(r.dir, "report.json"), kind: "run", mode: 0o644, size: int64(len(r.raw)), open: opened(r.raw)})
	if !d.options.Anonymous {
		d.runFile(r, dir, "report.html", "report")
	}
	for _, s := range r.Steps {
		if s.Log != "" && d.local(dir, s.Log) {
			d.runFile(r, dir, s.Log, "log")
		}
	}
	for _, o := range r.Outputs {
		name := path.Join("outputs", o.Path)
		if d.local(dir, name) && d.runFile(r, dir, name, "result") {
			r.output[o.Path] = path.Join(r.dir, name)
		}
	}
	return nil
}

// local refuses names in a record that lead out of its folder.
func (d *deposit) local(dir, name string) bool {
	if filepath.IsLocal(filepath.FromSlash(name)) {
		return true
	}
	d.problem("--run %s: %q: does not lie in that folder", dir, name)
	return false
}

// runFile takes in one file of a run, if it is still there.
func (d *deposit) runFile(r *runRecord, dir, name, kind string) bool {
	root, err := os.OpenRoot(dir)
	if err != nil {
		d.problem("--run: %v", err)
		return false
	}
	defer root.Close()
	info, err := root.Stat(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		d.note("%s: %s is no longer in that folder", dir, name)
		return false
	}
	if err != nil {
		d.problem("--run %s: %v", dir, err)
		return false
	}
	if why := filename.Portable(path.Join(r.dir, name)); why != "" {
		d.problem("--run %s: %q: %s", dir, name, why)
		return false
	}
	d.later(&entry{
		path: path.Join(r.dir, name), kind: kind, mode: 0o644, size: info.Size(),
		open: func() (io.ReadCloser, error) {
			root, err := os.OpenRoot(dir)
			if err != nil {
				return nil, err
			}
			defer root.Close()
			return root.Open(filepath.FromSlash(name))
		},
	})
	return true
}

// readBounded reads a file of at most limit bytes.
func readBounded(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s: more than %d bytes", name, limit)
	}
	return b, nil
}

// stamp is a time as the shapes of Workflow Run Crate want it.
func stamp(rfc3339 string) string {
	t, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		return rfc3339
	}
	return strings.Replace(t.UTC().Format("2006-01-02T15:04:05Z"), "Z", "+00:00", 1)
}
