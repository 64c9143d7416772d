package repository

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"repro/internal/atomicfile"
)

// maxState bounds a state file.
const maxState = 1 << 20

// state is what is kept of a deposit between two runs: which draft is ours. What has
// arrived there is for the server to say. It holds no token. SPEC.md, DEP-6.
type state struct {
	Version   int    `json:"version"`
	Target    string `json:"target"`
	Server    string `json:"server"`
	ContentID string `json:"contentId"`
	Record    string `json:"record,omitempty"`
	DOI       string `json:"doi,omitempty"`
	Page      string `json:"page,omitempty"`
	Creating  bool   `json:"creating,omitempty"`   // a draft was asked for, and no answer was understood yet
	Asked     bool   `json:"publishing,omitempty"` // publication was asked for
	Published bool   `json:"published,omitempty"`

	// Before are the records of this image that were there when a draft was asked for:
	// none of them is that draft.
	Before []string `json:"before,omitempty"`

	file string // "": it is not written
}

// openState reads the state file, or begins one, and keeps other runs from it.
func openState(ctx context.Context, file string, want state) (*state, func(), error) {
	if _, err := atomicfile.WriteNew(file, []byte("{}\n"), 0o666); err != nil {
		return nil, nil, err
	}
	unlock, err := atomicfile.Lock(ctx, file)
	if err != nil {
		return nil, nil, err
	}
	s, err := readState(file, want)
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return s, func() {
		if s.Record == "" && !s.Creating {
			os.Remove(file)
		}
		unlock()
	}, nil
}

func readState(file string, want state) (*state, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxState {
		return nil, fmt.Errorf("%s: more than %d bytes: is this a state file?", file, maxState)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &state{}
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, fmt.Errorf("%s: is not a state file: %w", file, err)
	}
	s.file = file
	switch {
	case s.Version == 0 && s.Record == "":
		s.Version, s.Target, s.Server, s.ContentID = 1, want.Target, want.Server, want.ContentID
	case s.Version != 1:
		return nil, fmt.Errorf("%s: version %d of state files is not known", file, s.Version)
	case s.Target != want.Target || s.Server != want.Server:
		return nil, fmt.Errorf("%s: %w: at %s %s: name another with --state", file, ErrAnother, s.Target, s.Server)
	case s.ContentID != want.ContentID:
		return nil, fmt.Errorf("%s: %w: record %s, of an image with the content id %s: remove the file if that is done with, and make a new version with --new-version-of", file, ErrAnother, s.Record, s.ContentID)
	}
	return s, nil
}

// save writes the state before what depends on it is done.
func (s *state) save() error {
	if s.file == "" {
		return nil
	}
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(s.file, append(raw, '\n'), 0o666)
}
