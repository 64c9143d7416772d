package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"repro/format/manifest"
	"repro/internal/atomicfile"
)

// ErrOlder says that a policy or the trust file is not the newest edition that
// was met here: somebody may have put an old one back, in which whom he wants
// is still trusted.
var ErrOlder = errors.New("older than an edition that was met here before")

// maxEditions bounds what a store remembers.
const maxEditions = 10_000

// edition is what is remembered of a document.
type edition struct {
	Serial int             `json:"serial"`
	Digest manifest.Digest `json:"digest"`
}

type editions struct {
	Version  int                `json:"version"`
	Policies map[string]edition `json:"policies,omitempty"` // by name
	Trust    *edition           `json:"trust,omitempty"`
}

// RememberPolicy compares the edition of the policy of that name with the
// newest that was met, and remembers it if it is newer. It fails with
// [ErrOlder]. A serial of 0 is none; as long as no edition had one, nothing is
// remembered. SPEC.md, POL-14.
func (s *Store) RememberPolicy(ctx context.Context, name string, serial int, digest manifest.Digest) error {
	seen, err := s.editions()
	if err != nil {
		return err
	}
	old := seen.Policies[name]
	if newer, err := old.follows(edition{serial, digest}); err != nil || !newer {
		if err != nil {
			err = fmt.Errorf("policy %q: %w; if that is right, take its line out of %s", name, err, s.editionsFile())
		}
		return err
	}
	return s.remember(ctx, func(e *editions) error {
		if _, known := e.Policies[name]; !known && len(e.Policies) >= maxEditions {
			return fmt.Errorf("%s: more than %d policies", s.editionsFile(), maxEditions)
		}
		if e.Policies == nil {
			e.Policies = map[string]edition{}
		}
		e.Policies[name] = edition{serial, digest}
		return nil
	})
}

// follows reports whether e is newer than old, and is an error if it is older,
// or another of the same serial.
func (old edition) follows(e edition) (newer bool, err error) {
	switch {
	case e.Serial < old.Serial:
		return false, fmt.Errorf("%w: serial %d, %d was met", ErrOlder, e.Serial, old.Serial)
	case e.Serial > old.Serial:
		return true, nil
	case e.Serial > 0 && e.Digest != old.Digest:
		return false, fmt.Errorf("%w: another file with serial %d", ErrOlder, e.Serial)
	}
	return false, nil
}

func (s *Store) editionsFile() string { return filepath.Join(s.dir, "editions.json") }

func (s *Store) editions() (*editions, error) {
	e := &editions{Version: 1}
	b, err := readFile(s.editionsFile())
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	if err := manifest.Unmarshal([]byte(strings.TrimSuffix(string(b), "\n")), e); err != nil {
		return nil, fmt.Errorf("%s: %w", s.editionsFile(), err)
	}
	return e, nil
}

// remember changes what is remembered, as a whole or not at all.
func (s *Store) remember(ctx context.Context, f func(*editions) error) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return s.rememberLocked(f)
}

func (s *Store) rememberLocked(f func(*editions) error) error {
	e, err := s.editions()
	if err != nil {
		return err
	}
	if err := f(e); err != nil {
		return err
	}
	b, err := manifest.Marshal(e)
	if err != nil {
		return err
	}
	return atomicfile.Write(s.editionsFile(), append(b, '\n'), 0o600)
}

// serialMark begins the comment that states the serial of a trust file.
const serialMark = "# serial "

// Serial returns the serial that a comment of the file states; 0 if none does.
func (t *Trust) Serial() int {
	for _, l := range t.lines {
		if text, ok := strings.CutPrefix(l.text, serialMark); ok && l.binding == nil {
			if n, err := strconv.Atoi(text); err == nil && n > 0 {
				return n
			}
		}
	}
	return 0
}

// raise makes the next edition of a file that states its serial.
func (t *Trust) raise() {
	for i, l := range t.lines {
		if n := t.Serial(); n > 0 && l.binding == nil && l.text == serialMark+strconv.Itoa(n) {
			t.lines[i].text = serialMark + strconv.Itoa(n+1)
			return
		}
	}
}

// checkTrust compares the trust file with the newest that was met.
func (s *Store) checkTrust(t *Trust) (newer bool, err error) {
	seen, err := s.editions()
	if err != nil {
		return false, err
	}
	var old edition
	if seen.Trust != nil {
		old = *seen.Trust
	}
	newer, err = old.follows(edition{t.Serial(), manifest.DigestOf(t.Encode())})
	if err != nil {
		err = fmt.Errorf("%s: %w; if that is right, take the entry \"trust\" out of %s", s.trust(), err, s.editionsFile())
	}
	return newer, err
}

// rememberTrust remembers t, under the lock.
func (s *Store) rememberTrust(t *Trust) error {
	return s.rememberLocked(func(e *editions) error {
		e.Trust = &edition{t.Serial(), manifest.DigestOf(t.Encode())}
		return nil
	})
}
