package capture

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"repro/capture/observe"
)

// taking decides what of one observation is taken.
type taking struct {
	options Options
	folder  string
	seen    *observe.Observation
	record  *Record

	changes map[string]*observe.Change
	words   map[string]bool // names that the experiment's files mention
	left    []Omission
}

// take makes the step of what was seen. Nothing is changed yet.
func (t *taking) take(ctx context.Context) (*Step, error) {
	o, seen := t.options, t.seen
	s := &Step{
		Name: o.Step, Command: hideSecrets(o.Command), Dir: t.folder,
		Observed: Observed{Way: string(seen.Way), Refused: seen.Refused, Blind: seen.Blind},
		Started:  seen.Started.UTC().Format(time.RFC3339), WallMS: seen.Wall.Milliseconds(),
		Exit: seen.Exit, Signal: seen.Signal, Interrupted: seen.Interrupted,
		Programs: []Program{}, Files: []File{}, Links: []Link{}, Folders: []string{}, Written: []Written{}, Network: []Contact{}, NotTaken: []Omission{},
		Denied: seen.Denied, Left: seen.Left,
	}
	t.changes = map[string]*observe.Change{}
	for i := range seen.Changes {
		t.changes[seen.Changes[i].Path] = &seen.Changes[i]
	}
	for _, p := range seen.Programs {
		args := hideSecrets(p.Args)
		if args == nil {
			args = []string{}
		}
		s.Programs = append(s.Programs, Program{Parent: p.Parent, Path: p.Path, Args: args, Dir: p.Dir, StartMS: p.Start.Milliseconds()})
	}
	for _, c := range seen.Contacts {
		s.Network = append(s.Network, Contact(c))
	}
	if err := t.files(ctx, s); err != nil {
		return nil, err
	}
	if err := t.written(ctx, s); err != nil {
		return nil, err
	}
	t.environment(s)
	s.NotTaken = append(s.NotTaken, t.left...)
	return s, nil
}

// Limits on files that were only looked at, as by stat(2): all of them are
// taken, but not where a command looks at a whole disk (CAP-8).
const (
	maxLookedFile    = 1 << 20  // bytes of one
	maxLookedProgram = 8 << 20  // of one that can be executed: that it is there may be all that was asked
	maxLooked        = 64 << 20 // bytes of all
)

// ofEveryImage are files of which every image has its own.
var ofEveryImage = []string{"/etc/passwd", "/etc/group", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/machine-id", "/etc/mtab"}

// files takes what was there and was used.
func (t *taking) files(ctx context.Context, s *Step) error {
	var want []*wanted
	read := map[string]observe.File{}
	room := int64(maxLooked)
	for _, f := range t.seen.Files {
		switch {
		case t.isOurs(f.Path):
		case !utf8.ValidString(f.Path):
			if f.Access&observe.Read != 0 {
				t.leave(strconv.Quote(f.Path), "its name is not UTF-8, and neither a record nor a recipe can name it", "rename it and capture again")
			}
		case f.Mode.IsDir():
			s.Folders = append(s.Folders, f.Path)
			if rel, below := below(f.Path, t.folder); f.Access&observe.Listed != 0 && (f.Path == t.folder || below && !isEnvironment(t.folder, rel)) {
				if l, ok := t.listing(f.Path); ok {
					s.Listed = append(s.Listed, l)
				}
			}
		case f.Mode&fs.ModeSymlink != 0:
			if f.Target == "" {
				f.Target, _ = os.Readlink(f.Path)
			}
			if f.Target != "" {
				s.Links = append(s.Links, Link{f.Path, f.Target})
			}
		case f.Mode.IsRegular():
			if f.Access&(observe.Updated|observe.Read) == observe.Updated {
				if t.madeAnew(f) {
					t.leave(f.Path, "was opened to be changed, and is taken for a result, not for something that the step reads", t.includeHint(f.Path))
					continue
				}
				f.Access |= observe.Read
			}
			if !t.wanted(f, &room) {
				continue
			}
			read[f.Path] = f
			want = append(want, t.content(f))
		}
	}
	own := func(w *wanted) bool { return inside(w.path, t.folder) }
	known := openKnown()
	mayBeKnown := func(w *wanted) bool { return !own(w) }
	others := known.fill(want, mayBeKnown)
	look := &search{
		words: newWordSearch(mentionable(t.options.Env), t.folder), inText: own,
		tokens: func(w *wanted) bool { return !own(w) && !IsLibrary(w.path) }, // build looks into the experiment's own
	}
	if err := digests(ctx, others, look); err != nil {
		return err
	}
	known.learn(others, mayBeKnown, time.Now())
	known.save()
	t.words = map[string]bool{}
	for _, w := range want {
		f := read[w.path]
		isRead := f.Access&observe.Read != 0
		if w.err != nil {
			if isRead {
				t.leave(f.Path, "cannot be read now: "+w.err.Error(), "make it readable and capture again")
			}
			continue
		}
		if why := cmp.Or(secretStart(w.head), w.token); why != "" {
			t.leaveSecret(f.Path, why)
			continue
		}
		for name := range w.words {
			t.words[name] = true
		}
		s.Files = append(s.Files, File{Path: w.path, Digest: w.digest, Size: w.size, Executable: f.Mode&0o111 != 0, Read: isRead, Unsteady: w.unsteady})
	}
	return nil
}

// madeAnew tells a file that a step wrote anew, without having it emptied first
// as programs in Fortran do, from one that it changed in place: a text that was
// written. A database that was only asked was not written, and one that was
// added to is no text (CAP-5).
func (t *taking) madeAnew(f observe.File) bool {
	c := t.changes[f.Path]
	if c == nil || c.Before == "" || c.After == "" || c.Link || !inside(f.Path, t.folder) {
		return false
	}
	info, err := os.Lstat(c.After)
	return err == nil && info.ModTime().UnixNano() != f.ID.Modified && !bytes.ContainsRune(startOf(c.Before), 0)
}

// startOf reads the first bytes of a file; none if it cannot be read.
func startOf(name string) []byte {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 64<<10))
	return b
}

// isOurs knows what capture, build and run themselves leave in the folder.
func (t *taking) isOurs(name string) bool {
	rel, ok := below(name, t.folder)
	if !ok {
		return false
	}
	return rel == FileName || rel == FailedName || rel == "repro.yaml" || rel == NewFolder || strings.HasPrefix(rel, NewFolder+"/")
}

// wanted reports whether a regular file is to be taken, and says why not.
func (t *taking) wanted(f observe.File, room *int64) bool {
	isRead := f.Access&observe.Read != 0
	if why := secretFile(f.Path); why != "" {
		if isRead {
			t.leaveSecret(f.Path, why)
		}
		return false
	}
	if slices.Contains(ofEveryImage, f.Path) {
		return false
	}
	if isRead || f.Size == 0 {
		return true
	}
	most := int64(maxLookedFile)
	if f.Mode&0o111 != 0 {
		most = maxLookedProgram
	}
	if f.Size > most && !inside(f.Path, t.folder) || f.Size > *room {
		t.leave(f.Path, fmt.Sprintf("was only looked at (stat), and has %d bytes", f.Size), t.includeHint(f.Path))
		return false
	}
	*room -= f.Size
	return true
}

func (t *taking) leave(name, why, include string) {
	t.left = append(t.left, Omission{Kind: "file", Name: name, Why: why, Include: include})
}

func (t *taking) leaveSecret(name, what string) {
	t.leave(name, "is or holds "+what, t.includeHint(name))
}

// includeHint says how a file comes into the image after all.
func (t *taking) includeHint(name string) string {
	if rel, ok := below(name, t.folder); ok {
		return fmt.Sprintf("name it in full under code or data: %s", rel)
	}
	return fmt.Sprintf("name it in the recipe: capture: {record: %s, files: [%s]}", FileName, name)
}

// content says where what the step found in a file is now.
func (t *taking) content(f observe.File) *wanted {
	w := &wanted{path: f.Path, at: f.Path, id: f.ID}
	if c := t.changes[f.Path]; c != nil && c.Before != "" && c.Before != f.Path {
		w.at, w.copy = c.Before, true
	}
	return w
}

// mentionable are the variables that a step is to have if a file of the
// experiment has their names.
func mentionable(env []string) (names []string) {
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if len(name) > 2 && !slices.Contains(ofSession, name) {
			names = append(names, name)
		}
	}
	return names
}

// written lists what the step changed. Contents count within the experiment's
// folder; elsewhere, only that something was written.
func (t *taking) written(ctx context.Context, s *Step) error {
	var want []*wanted
	ends := map[string][2]*wanted{}
	for _, c := range t.seen.Changes {
		if t.isOurs(c.Path) || !inside(c.Path, t.folder) {
			continue
		}
		var both [2]*wanted
		for i, at := range []string{c.Before, c.After} {
			if info, err := os.Lstat(at); at != "" && err == nil && info.Mode().IsRegular() {
				both[i] = &wanted{path: c.Path, at: at, copy: true}
				want = append(want, both[i])
			}
		}
		ends[c.Path] = both
	}
	if err := digests(ctx, want, nil); err != nil {
		return err
	}
	for _, c := range t.seen.Changes {
		if t.isOurs(c.Path) || secretFile(c.Path) != "" {
			continue
		}
		if !utf8.ValidString(c.Path) {
			t.leave(strconv.Quote(c.Path), "was written, and its name is not UTF-8, which no recipe can name", "have the command give it another name")
			continue
		}
		w := Written{Path: c.Path}
		if both := ends[c.Path]; both[0] != nil {
			w.Before = both[0].digest
		}
		if both := ends[c.Path]; both[1] != nil {
			w.After, w.Size = both[1].digest, both[1].size
		}
		s.Written = append(s.Written, w)
	}
	return nil
}

// environment chooses the step's variables.
func (t *taking) environment(s *Step) {
	for _, a := range t.options.Command {
		if strings.Contains(a, t.folder) && len(t.folder) > 1 {
			t.words[pathFound] = true
		}
	}
	var left []Omission
	s.Env, left = variables(t.options.Env, t.words)
	t.left = append(t.left, left...)
	used := map[string]bool{}
	for _, p := range s.Programs {
		used[path.Dir(p.Path)] = true
	}
	for _, f := range s.Files {
		used[path.Dir(f.Path)] = true
	}
	for _, l := range s.Links {
		used[path.Dir(l.Path)] = true
	}
	if value := searchPath(value(t.options.Env, "PATH"), t.folder, func(dir string) bool { return used[dir] }); value != "" {
		s.Env["PATH"] = value
	}
	if home := value(t.options.Env, "HOME"); path.IsAbs(home) && home != "/" {
		if slices.ContainsFunc(s.Files, func(f File) bool { return inside(f.Path, home) && !inside(f.Path, t.folder) }) {
			s.Env["HOME"] = home
		}
	}
	for _, v := range s.Env {
		if strings.Contains(v, t.folder) && len(t.folder) > 1 {
			t.words[pathFound] = true
		}
	}
	s.Absolute = t.words[pathFound]
}

func value(env []string, name string) (found string) {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			found = v
		}
	}
	return found
}

// settle leaves in the folder what is to be there.
func (t *taking) settle(ctx context.Context, s *Step) (compared []Comparison, err error) {
	read := map[string]bool{}
	for _, f := range s.Files {
		if f.Read {
			read[f.Path] = true
		}
	}
	listed := map[string]*Written{}
	for i := range s.Written {
		listed[s.Written[i].Path] = &s.Written[i]
	}
	results := t.record.resultsWith(s)
	var errs []error
	for _, c := range t.seen.Changes {
		w := listed[c.Path]
		rel, own := below(c.Path, t.folder)
		stays := false
		if own && w != nil && w.Before != "" && w.After != "" {
			isResult := slices.Contains(results, rel) && !read[c.Path]
			same := w.Before == w.After
			if isResult {
				done := same || t.options.Compare != nil && t.options.Compare(ctx, rel, c.Before, c.After)
				compared = append(compared, Comparison{rel, done})
				w.Same = done && !same
			}
			stays = !same && (read[c.Path] || isResult && !t.options.Replace)
		}
		if !stays {
			errs = append(errs, c.Keep())
			continue
		}
		w.Set = path.Join(NewFolder, rel)
		errs = append(errs, observe.Change{Path: filepath.Join(t.folder, w.Set), After: c.After}.Keep(), c.Undo())
	}
	for _, dir := range t.seen.Folders {
		errs = append(errs, os.MkdirAll(dir, 0o777))
	}
	return compared, errors.Join(errs...)
}

// own notes whose the files of all steps are.
func (r *Record) own() {
	var names []string
	for _, s := range r.Steps {
		for _, f := range s.Files {
			names = append(names, f.Path)
		}
	}
	owners, packages := findOwners(names)
	r.Packages = packages
	if r.Packages == nil {
		r.Packages = []Package{}
	}
	for i := range r.Steps {
		for j := range r.Steps[i].Files {
			f := &r.Steps[i].Files[j]
			f.Package = owners[f.Path]
		}
	}
}
