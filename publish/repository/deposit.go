package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"repro/archive"
	"repro/archive/deposit"
	"repro/format"
	"repro/internal/atomicfile"
)

// exampleDOI stands for the one that a dry run does not get. 10.5072 is DataCite's
// prefix for trying things out.
const exampleDOI = "10.5072/repro.1"

// Deposit sends an image to a repository, or goes on with that. All that is missing
// for the target is said before the first request (SPEC.md, DEP-2). After a failure the draft stays
// as it is; the same call goes on with it. An error of what the server did names
// the server and the object.
func Deposit(ctx context.Context, im *format.Image, o Options) (*Report, error) {
	if err := check(o); err != nil {
		return nil, err
	}
	c, err := newClient(o)
	if err != nil {
		return nil, err
	}
	d, err := archive.Ready(ctx, im, archiveOptions(o, ""))
	if err != nil {
		return nil, err
	}
	want := state{Target: o.Target.Name, Server: c.base, ContentID: string(d.ContentID)}
	st, unlock := &want, func() {}
	if want.Version = 1; o.DryRun == nil {
		name := o.State
		if name == "" {
			name = im.Name() + "." + o.Target.Name + ".json"
		}
		if st, unlock, err = openState(ctx, name, want); err != nil {
			return nil, err
		}
	}
	defer unlock()
	d.Publisher = o.Target.Title
	s := &session{
		client: c, service: o.Target.begin(c), o: o, state: st,
		about: &description{Deposit: d, Mark: d.URN(), Collection: o.Collection, Embargo: o.Embargo},
	}
	return s.deposit(ctx, im)
}

// check refuses what the target cannot do.
func check(o Options) error {
	t := o.Target
	no := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s: %w", t.Title, fmt.Sprintf(format, args...), ErrOptions)
	}
	switch {
	case o.Embargo != "" && !t.Embargo:
		return no("holding files back until a date")
	case o.Embargo != "" && !checkEmbargo(o.Embargo, time.Now()):
		return no("embargo %q: want a date to come, such as 2027-06-30", o.Embargo)
	case o.Collection != "" && t.Collection == "":
		return no("a collection")
	case o.Collection == "" && t.InOne && o.Record == "" && o.VersionOf == "":
		return no("no %s named, in which a deposit is made there", t.Collection)
	case o.VersionOf != "" && !t.Version:
		return no("a new version")
	case o.VersionOf != "" && o.Record != "":
		return no("a draft to go on with, and a record that gets a new version")
	case o.Archive.Anonymous:
		return no("an anonymous deposit: the account says whose it is")
	case o.Token == "" && o.DryRun == nil:
		return fmt.Errorf("%s: no token: %w", t.Title, ErrToken)
	case strings.ContainsAny(o.Token, " \t\r\n"):
		return fmt.Errorf("%s: the token is not one word: %w", t.Title, ErrToken)
	case o.Record != "" && !isID(o.Record):
		return no("record %q", o.Record)
	}
	return nil
}

// isID reports whether an id is safe in an address.
func isID(id string) bool {
	return id != "" && len(id) <= 200 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:/") == "" && !strings.Contains(id, "..")
}

// session is one run.
type session struct {
	*client
	service
	o     Options
	about *description
	state *state
	lost  string // a note: what became of a draft that was asked for is not known
}

// fail names server and object.
func (s *session) fail(object string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s: %s: %w", s.host, object, err)
}

func (s *session) deposit(ctx context.Context, im *format.Image) (*Report, error) {
	r, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.remember(r); err != nil {
		return nil, err
	}
	if r.State != Draft {
		return s.done(ctx, r)
	}
	if r.DOI == "" {
		if r.DOI, err = s.service.reserve(ctx, r); err != nil {
			return nil, s.fail("record "+r.ID+": reserve a DOI", err)
		}
	}
	if s.dry != nil && r.DOI != "" {
		r.DOI = exampleDOI
	}
	if err := s.remember(r); err != nil {
		return nil, err
	}
	work, err := s.scratch(im.Name())
	if err != nil {
		return nil, err
	}
	defer work.Close()
	files, notes, closeAll, err := prepare(ctx, im, work.Path(), s.o, r.DOI)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	if err := s.fits(files); err != nil {
		return nil, err
	}
	s.about.DOI = r.DOI
	if err := s.service.describe(ctx, r, s.about); err != nil {
		return nil, s.fail("record "+r.ID+": metadata", err)
	}
	rep := s.report(r, files, notes)
	if err := s.send(ctx, r, files, rep); err != nil {
		return rep, err
	}
	if err := s.service.settle(ctx, r, s.about); err != nil {
		return rep, s.fail("record "+r.ID, err)
	}
	if !s.o.Publish {
		return rep, nil
	}
	if r, err = s.publish(ctx, r); err != nil {
		return rep, err
	}
	rep.State, rep.Page = r.State, r.Page
	if err := s.remember(r); err != nil {
		return rep, err
	}
	return rep, s.compare(ctx, r, files, nil, rep)
}

// done reports on a record that an earlier run published: what the server has.
func (s *session) done(ctx context.Context, r record) (*Report, error) {
	rep := s.report(r, nil, nil)
	all, err := s.service.files(ctx, r)
	for _, x := range all {
		rep.Files = append(rep.Files, FileReport{Name: x.Name, Size: x.Size, Checksum: x.Algorithm + ":" + x.Checksum})
	}
	return rep, s.fail("files of record "+r.ID, err)
}

// scratch makes a folder for what is sent: beside the state file or the image, where
// there is room, or if nobody may write there, where the system has such folders.
func (s *session) scratch(image string) (*atomicfile.Dir, error) {
	beside := image
	if s.o.State != "" {
		beside = s.o.State
	}
	work, err := atomicfile.Scratch(absolute(beside))
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return atomicfile.Scratch(filepath.Join(os.TempDir(), filepath.Base(image)))
	}
	return work, err
}

func absolute(name string) string {
	full, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	return full
}

// fits holds the files against what the target takes.
func (s *session) fits(files []*file) error {
	var all int64
	t := s.target
	for _, f := range files {
		all += f.Size
		if t.MaxFile > 0 && f.Size > t.MaxFile {
			return fmt.Errorf("%s: %s has %s, a file may have %s: %w", t.Title, f.Name, deposit.Size(f.Size), deposit.Size(t.MaxFile), ErrTooLarge)
		}
	}
	if t.MaxAll > 0 && all > t.MaxAll {
		return fmt.Errorf("%s: all files have %s, a record may have %s: %w", t.Title, deposit.Size(all), deposit.Size(t.MaxAll), ErrTooLarge)
	}
	return nil
}

// begin returns the record that the deposit is: the one of the state file, the one
// that the user names, or a new draft.
func (s *session) begin(ctx context.Context) (record, error) {
	id := s.state.Record
	if id == "" {
		id = s.o.Record
	}
	if id != "" {
		r, err := s.service.look(ctx, id)
		if hasStatus(err, http.StatusNotFound) || hasStatus(err, http.StatusGone) {
			return r, s.fail("record "+id, fmt.Errorf("%w: was it deleted there? Remove %s to begin again", err, s.state.file))
		}
		if err == nil && r.State == Published && s.state.Record == "" {
			err = fmt.Errorf("%w: it is published: a new version is made with --new-version-of", ErrExists)
		}
		return r, s.fail("record "+id, err)
	}
	if s.o.VersionOf != "" {
		r, err := s.service.version(ctx, s.o.VersionOf, s.about)
		return r, s.fail("new version of "+s.o.VersionOf, err)
	}
	found, err := s.search(ctx)
	if err != nil {
		return record{}, s.fail("look for deposits of this image", err)
	}
	if r, err := s.adopt(found); err != nil || r.ID != "" {
		return r, err
	}
	return s.create(ctx, found)
}

// search finds the records of this image. Where an earlier run asked for a draft and
// got no answer, it is looked for some times, for it may not be found yet.
func (s *session) search(ctx context.Context) ([]record, error) {
	found, err := s.service.find(ctx, s.about)
	for look := 1; err == nil && s.state.Creating && len(s.unknown(found)) == 0 && look < looksForNew; look++ {
		if err = s.wait(ctx, look, nil); err == nil {
			found, err = s.service.find(ctx, s.about)
		}
	}
	return found, err
}

// unknown returns the drafts that were not there when one was asked for.
func (s *session) unknown(found []record) (drafts []record) {
	for _, r := range found {
		if r.State == Draft && !slices.Contains(s.state.Before, r.ID) {
			drafts = append(drafts, r)
		}
	}
	return drafts
}

// adopt returns the draft that an earlier run made and could not note down, if there
// is one among what was found. Others of the same image are refused, unless the user
// wants another.
func (s *session) adopt(found []record) (record, error) {
	if s.state.Creating {
		switch made := s.unknown(found); len(made) {
		case 0:
			s.lost = "an earlier run asked for a draft and got no answer, and no draft of it is found: if there is one too many later, delete it there"
		case 1:
			return made[0], nil
		default:
			return record{}, s.fail("record "+made[0].ID, fmt.Errorf("%w, and so is record %s: go on with one of them by --record, and delete the other there", ErrExists, made[1].ID))
		}
	}
	if len(found) == 0 || s.o.Another {
		return record{}, nil
	}
	r := found[0]
	hint := fmt.Sprintf("go on with it by --record %s, or make another with --another", r.ID)
	if r.State == Published {
		hint = "a new version is made with --new-version-of, a record of its own with --another"
	}
	return record{}, s.fail("record "+r.ID, fmt.Errorf("%w, a %s record: %s", ErrExists, r.State, hint))
}

// create makes a draft. Where the answer does not come, the server may have made it:
// then it is looked for before another is asked for. SPEC.md, DEP-5.
func (s *session) create(ctx context.Context, before []record) (record, error) {
	s.state.Creating, s.state.Before = true, nil
	for _, r := range before {
		s.state.Before = append(s.state.Before, r.ID)
	}
	if err := s.state.save(); err != nil {
		return record{}, err
	}
	for failures := 0; ; {
		r, err := s.service.create(ctx, s.about)
		if err == nil && isID(r.ID) {
			return r, nil
		}
		if err == nil {
			err = &formError{fmt.Sprintf("does not say which record it made: %.60q", r.ID)}
		}
		if ctx.Err() != nil {
			return record{}, ctx.Err()
		}
		if unsure(err) {
			r, lookErr := s.findNew(ctx, err)
			if lookErr != nil || r.ID != "" {
				return r, s.fail("new draft", lookErr)
			}
		}
		if failures++; failures == maxTries || !mayPass(err) {
			if definite(err) {
				s.state.Creating, s.state.Before = false, nil
				err = errors.Join(err, s.state.save())
			}
			return record{}, s.fail("new draft", err)
		}
		if err := s.wait(ctx, failures, err); err != nil {
			return record{}, err
		}
	}
}

// looksForNew is how often a draft is looked for whose making got no answer: servers
// find what is new only after a while.
const looksForNew = 5

func (s *session) findNew(ctx context.Context, why error) (record, error) {
	for look := 1; look <= looksForNew; look++ {
		if err := s.wait(ctx, look, nil); err != nil {
			return record{}, err
		}
		found, err := s.service.find(ctx, s.about)
		if err != nil {
			return record{}, errors.Join(why, err)
		}
		if made := s.unknown(found); len(made) > 0 {
			return made[0], nil
		}
	}
	return record{}, nil
}

// remember notes down which record is ours.
func (s *session) remember(r record) error {
	s.state.Record, s.state.DOI, s.state.Page, s.state.Creating = r.ID, r.DOI, r.Page, false
	s.state.Before = nil
	s.state.Published = r.State == Published
	return s.state.save()
}

func (s *session) report(r record, files []*file, notes []string) *Report {
	rep := &Report{
		Version: 1, Target: s.target.Name, Server: s.base, Record: r.ID, DOI: r.DOI, Page: r.Page, State: r.State,
		ContentID: string(s.about.ContentID), Notes: notes, Files: []FileReport{},
	}
	if s.lost != "" {
		rep.Notes = append(rep.Notes, s.lost)
	}
	for _, f := range files {
		rep.Files = append(rep.Files, FileReport{Name: f.Name, Size: f.Size, SHA256: f.sums["sha256"]})
	}
	return rep
}
