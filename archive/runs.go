package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"repro/archive/deposit"
	"repro/format/manifest"
	"repro/internal/filename"
	"repro/report"
)

// maxReport bounds the record of a run.
const maxReport = manifest.MaxDocument

// addRun takes in what a run left in dir: its record, the results, the logs
// and the report that people read.
func (p *plan) addRun(d *deposit.Deposit, nr int, dir string, original manifest.Digest) error {
	b, err := readBounded(filepath.Join(dir, "report.json"), maxReport)
	if err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	r := &deposit.Run{Run: &report.Run{}, Dir: fmt.Sprintf("%s/%d", deposit.Runs, nr), Output: map[string]string{}}
	if err := manifest.Unmarshal(bytes.TrimSuffix(b, []byte("\n")), r.Run); err != nil {
		return fmt.Errorf("--run: %s: not the record of a run: %w", filepath.Join(dir, "report.json"), err)
	}
	for _, t := range []string{r.Started, r.Finished} {
		if _, err := time.Parse(time.RFC3339, t); err != nil {
			return fmt.Errorf("--run: %s: time %q: want RFC 3339", filepath.Join(dir, "report.json"), t)
		}
	}
	if r.ContentID != original {
		p.problem("--run %s: is a run of another image, whose content id is %s", dir, r.ContentID)
		return nil
	}
	d.Runs = append(d.Runs, r)
	if d.Anonymous { // the report names the authors and the machine's signers
		r.By = nil
		r.Paper, r.Verify, r.ContentID, r.Image = d.Manifest.Paper, nil, d.ContentID, d.ImageName
		if b, err = manifest.Marshal(r.Run); err != nil {
			return err
		}
		b = append(b, '\n')
	}
	p.add(textEntry(path.Join(r.Dir, "report.json"), "run", 0o644, b))
	if !d.Anonymous {
		p.runFile(r, dir, "report.html", "report")
	}
	for _, s := range r.Steps {
		if s.Log != "" && p.local(dir, s.Log) {
			p.runFile(r, dir, s.Log, "log")
		}
	}
	for _, o := range r.Outputs {
		name := path.Join("outputs", o.Path)
		if p.local(dir, name) && p.runFile(r, dir, name, "result") {
			r.Output[o.Path] = path.Join(r.Dir, name)
		}
	}
	return nil
}

// local refuses names in a record that lead out of its folder.
func (p *plan) local(dir, name string) bool {
	if filepath.IsLocal(filepath.FromSlash(name)) {
		return true
	}
	p.problem("--run %s: %q: does not lie in that folder", dir, name)
	return false
}

// runFile takes in one file of a run, if it is still there.
func (p *plan) runFile(r *deposit.Run, dir, name, kind string) bool {
	root, err := os.OpenRoot(dir)
	if err != nil {
		p.problem("--run: %v", err)
		return false
	}
	defer root.Close()
	info, err := root.Stat(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		p.note("%s: %s is no longer in that folder", dir, name)
		return false
	}
	if err != nil {
		p.problem("--run %s: %v", dir, err)
		return false
	}
	if why := filename.Portable(path.Join(r.Dir, name)); why != "" {
		p.problem("--run %s: %q: %s", dir, name, why)
		return false
	}
	p.add(&deposit.Entry{
		Path: path.Join(r.Dir, name), Kind: kind, Mode: 0o644, Size: info.Size(),
		Open: func() (io.ReadCloser, error) {
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
