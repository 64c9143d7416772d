// Package store keeps keys in a folder, and the list of those whom its owner
// trusts in a plain file beside it.
//
// The folder (mode 0700) holds NAME.pub and, of one's own keys, NAME.key (mode
// 0600), as `repro key new` writes them: a store can be made with cp. Being in
// the folder means nothing but that a key can be named. Beside them stand the
// revocation certificates of one's own keys, FINGERPRINT.revoke (mode 0600),
// whether the keys are there or not: whoever has one can revoke its key.
//
// Whom to trust is said in the file called trust: see [Trust].
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"repro/internal/atomicfile"
	"repro/internal/pattern"
	"repro/key"
)

// MaxKeys bounds the keys of one store.
const MaxKeys = 10_000

// ErrNotFound is in the error about a key that is not in the store.
var ErrNotFound = errors.New("no such key in the key store")

// Store is a folder of keys. Programs may use one side by side. SPEC.md, TRU-1.
type Store struct{ dir string }

// Open returns the store in the folder dir, which need not exist: it is made
// when the first key is added.
func Open(dir string) *Store { return &Store{dir} }

// Dir returns the folder of the user's own store: repro below
// $XDG_CONFIG_HOME, or what stands in for that here.
func Dir() (string, error) {
	config, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("key store: %w", err)
	}
	return filepath.Join(config, "repro"), nil
}

// Entry is one key of a store.
type Entry struct {
	Name    string
	Public  *key.Public
	Private bool  // the private key is there too
	Err     error // why the file could not be read; Public is nil
}

// Entries lists the keys by name. A file that holds no key is listed with its
// error, and does not hide the others.
func (s *Store) Entries() ([]Entry, error) {
	files, err := os.ReadDir(s.keys())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".pub")
		if !ok || checkName(name) != nil {
			continue
		}
		if len(all) == MaxKeys {
			return nil, fmt.Errorf("%s: more than %d keys", s.keys(), MaxKeys)
		}
		all = append(all, s.read(name))
	}
	return all, nil
}

func (s *Store) read(name string) Entry {
	e := Entry{Name: name}
	b, err := readFile(s.file(name, ".pub"))
	if err == nil {
		e.Public, err = key.ParsePublic(b)
	}
	if err != nil {
		e.Err = fmt.Errorf("%s: %w", s.file(name, ".pub"), err)
	}
	_, err = os.Stat(s.file(name, ".key"))
	e.Private = err == nil
	return e
}

// Find returns the key that what names: its name in the store, or its full
// fingerprint. It fails with [ErrNotFound].
func (s *Store) Find(what string) (Entry, error) {
	if checkName(what) == nil {
		if _, err := os.Stat(s.file(what, ".pub")); err == nil {
			e := s.read(what)
			return e, e.Err
		}
	}
	if f, err := key.ParseFingerprint(what); err == nil {
		all, err := s.Entries()
		if err != nil {
			return Entry{}, err
		}
		for _, e := range all {
			if e.Public != nil && e.Public.Fingerprint() == f {
				return e, nil
			}
		}
	}
	return Entry{}, fmt.Errorf("%q: %w", what, ErrNotFound)
}

// Private reads the private key of an entry.
func (s *Store) Private(e Entry, ask key.PassphraseFunc) (*key.Private, error) {
	b, err := s.PrivateBytes(e)
	if err != nil {
		return nil, err
	}
	k, err := key.ParsePrivate(b, ask)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.file(e.Name, ".key"), err)
	}
	if k.Fingerprint() != e.Public.Fingerprint() {
		return nil, fmt.Errorf("%s: %w: it does not belong to %s", s.file(e.Name, ".key"), key.ErrNotKey, e.Public.Fingerprint())
	}
	return k, nil
}

// PrivateBytes returns the private key of an entry as it is stored, encrypted
// if it was when it was added.
func (s *Store) PrivateBytes(e Entry) ([]byte, error) {
	b, err := readFile(s.file(e.Name, ".key"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%q: %w: only the public key is there", e.Name, ErrNotFound)
	}
	return b, err
}

// Add puts p into the store under the given name, or updates the copy that is
// there under any name: no revocation is ever lost. Nothing is trusted by it.
// The private key, encoded, may be nil. SPEC.md, TRU-2.
func (s *Store) Add(ctx context.Context, name string, p *key.Public, private []byte) (Entry, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return Entry{}, err
	}
	defer unlock()
	switch old, err := s.Find(string(p.Fingerprint())); {
	case err == nil:
		name = old.Name
		if p, err = p.Merge(old.Public); err != nil {
			return Entry{}, err
		}
	case !errors.Is(err, ErrNotFound):
		return Entry{}, err
	default:
		if err := checkName(name); err != nil {
			return Entry{}, err
		}
		if _, err := os.Lstat(s.file(name, ".pub")); err == nil {
			return Entry{}, fmt.Errorf("key store: %q is the name of another key: give this one another with --name", name)
		}
	}
	b, err := p.Encode()
	if err != nil {
		return Entry{}, err
	}
	if private != nil {
		if err := atomicfile.Write(s.file(name, ".key"), private, 0o600); err != nil {
			return Entry{}, err
		}
	}
	if err := atomicfile.Write(s.file(name, ".pub"), b, 0o600); err != nil {
		return Entry{}, err
	}
	e := s.read(name)
	return e, e.Err
}

// KeepCertificate keeps the revocation certificate of one's own key f, and
// returns the file's name. One that is there already stays: it serves as well.
// SPEC.md, TRU-1a.
func (s *Store) KeepCertificate(ctx context.Context, f key.Fingerprint, certificate []byte) (string, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	name := s.file(string(f), ".revoke")
	if _, err := os.Lstat(name); err == nil {
		return name, nil
	}
	return name, atomicfile.Write(name, certificate, 0o600)
}

// Certificate returns the revocation certificate of the key f. It fails with
// [ErrNotFound].
func (s *Store) Certificate(f key.Fingerprint) ([]byte, error) {
	b, err := readFile(s.file(string(f), ".revoke"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("revocation certificate of %s: %w", f, ErrNotFound)
	}
	return b, err
}

// Trust reads the trust file. A missing one trusts nobody. It fails with
// [ErrOlder] if the file states a serial and a newer one was met here.
func (s *Store) Trust() (*Trust, error) {
	t, newer, err := s.readTrust()
	if err != nil || !newer {
		return t, err
	}
	unlock, err := s.lock(context.Background())
	if err != nil {
		return nil, err
	}
	defer unlock()
	return t, s.rememberTrust(t)
}

// readTrust reads the trust file; newer says that it is to be remembered.
func (s *Store) readTrust() (t *Trust, newer bool, err error) {
	b, err := readFile(s.trust())
	if errors.Is(err, fs.ErrNotExist) {
		b, err = nil, nil
	}
	if err != nil {
		return nil, false, err
	}
	if t, err = ParseTrust(s.trust(), b); err != nil {
		return nil, false, err
	}
	newer, err = s.checkTrust(t)
	return t, newer, err
}

// EditTrust changes the trust file by f, as a whole or not at all.
func (s *Store) EditTrust(ctx context.Context, f func(*Trust) error) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	t, _, err := s.readTrust()
	if err != nil {
		return err
	}
	if err := f(t); err != nil {
		return err
	}
	t.raise()
	if err := atomicfile.Write(s.trust(), t.Encode(), 0o600); err != nil || t.Serial() == 0 {
		return err
	}
	return s.rememberTrust(t)
}

func (s *Store) keys() string  { return filepath.Join(s.dir, "keys") }
func (s *Store) trust() string { return filepath.Join(s.dir, "trust") }
func (s *Store) file(name, suffix string) string {
	return filepath.Join(s.keys(), name+suffix)
}

// lock makes the folder and waits for other programs that change it.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(s.keys(), 0o700); err != nil {
		return nil, err
	}
	name := filepath.Join(s.dir, ".lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()
	return atomicfile.Lock(ctx, name)
}

var nameForm = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$`)

func checkName(name string) error {
	if !nameForm.MatchString(name) || slices.Contains([]string{".pub", ".key", ".revoke"}, filepath.Ext(name)) {
		return fmt.Errorf("key store: name %q: want up to 64 letters, digits and ._@+-, and no ending .pub, .key or .revoke", name)
	}
	return nil
}

// readFile reads a file of the store. A pipe or device in its place is refused
// before it can keep anybody waiting.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, key.MaxFile+1))
	if err == nil && len(b) > key.MaxFile {
		err = fmt.Errorf("%s: more than %d bytes", name, key.MaxFile)
	}
	return b, err
}
