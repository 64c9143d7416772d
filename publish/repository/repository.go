// Package repository sends images to repositories of research data, such as Zenodo
// and Dataverse, as drafts of deposits. SPEC.md, part DEP.
//
// A deposit has few files: the image, one tar archive of all that belongs to it
// (package archive), and the pages of that archive which people look at first. Its
// DOI is reserved before the pages are written, so that they name it. What arrived
// is compared by size and checksum; a file that did not arrive whole is sent again.
// Nothing is published unless [Options.Publish] says so.
//
// What a server has is asked from the server each time; a state file beside the
// image only says which draft is ours. So a program that was interrupted, anywhere,
// goes on with the same draft.
//
// Each target is one row of [Targets] and one file.
package repository

import (
	"context"
	"errors"
	"time"

	"repro/archive"
	"repro/archive/submission"
	"repro/internal/progress"
)

// Errors that callers tell apart.
var (
	ErrExists   = errors.New("the account has a deposit of this image already")
	ErrUnsure   = errors.New("whether it was published is not known")
	ErrDiffers  = errors.New("the server has another file than was sent")
	ErrAnother  = errors.New("the state file is of another deposit")
	ErrOptions  = errors.New("not possible there")
	ErrTooLarge = errors.New("more than the repository takes")
)

// Target is a repository of research data, or the software that many run.
type Target struct {
	Name       string // as users type it
	Title      string
	Server     string // address; empty: the user has to say
	Variable   string // of the environment that holds the token
	Collection string // what its collections are called; empty: has none
	InOne      bool   // a deposit is always made in a collection
	Embargo    bool   // files can be held back until a date
	Version    bool   // a new version of a published record can be made
	Pages      bool   // takes the files for people beside the archive
	Later      bool   // its DOI, if any, is known, but made only when it is published
	Demands    submission.Target

	MaxFile, MaxAll int64 // bytes; 0: not known

	hosts     []string // others that may see the token; .example.org: all below
	authorize func(token string) (header, value string)
	begin     func(*client) service
}

// Targets are all that are known.
var Targets = []*Target{zenodoTarget, invenioTarget, dataverseTarget, osfTarget, figshareTarget, heritageTarget}

// Find returns the target of that name, or nil.
func Find(name string) *Target {
	for _, t := range Targets {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Options say what to deposit, and where.
type Options struct {
	Target *Target
	Server string // address; empty: the target's
	Token  string

	Archive archive.Options // who must have signed the image, and what goes along; Form, DOI, NoImage and Publisher are not looked at

	Collection string // its short name
	Embargo    string // date until which the files are held back, YYYY-MM-DD
	Record     string // a draft to go on with, by its id there
	VersionOf  string // a published record, by its id or DOI there, that gets a new version
	Another    bool   // also if the account has a deposit of this image already
	Publish    bool   // when all is there and compared; cannot be taken back

	State    string        // file; empty: IMAGE.TARGET.json
	DryRun   func(Request) // called with each request; nothing is sent
	Progress progress.Func

	pause time.Duration // before a first repetition; 0: a second
}

// Report says what became of a deposit.
type Report struct {
	Version   int          `json:"version"`
	Target    string       `json:"target"`
	Server    string       `json:"server"`
	Record    string       `json:"record"`        // its id there
	DOI       string       `json:"doi,omitempty"` // reserved, or published
	Page      string       `json:"page,omitempty"`
	State     string       `json:"state"` // draft, review, published
	ContentID string       `json:"contentId"`
	Files     []FileReport `json:"files"`
	Sent      int64        `json:"sent"` // bytes of files, by this run
	Notes     []string     `json:"notes,omitempty"`
}

// FileReport is one file of a deposit.
type FileReport struct {
	Name     string `json:"name"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256,omitempty"`
	Checksum string `json:"checksum,omitempty"` // the server's, which ours is equal to
	Sent     bool   `json:"sent,omitempty"`     // by this run
}

// States of a deposit.
const (
	Draft     = "draft"
	Review    = "review" // by those who keep the collection
	Published = "published"
)

// service is what one target's interface can do. Each call may be made again after
// it failed, but for create and publish, which ask once.
type service interface {
	// find returns the records of this user that carry the mark of d.
	find(ctx context.Context, d *description) ([]record, error)
	create(ctx context.Context, d *description) (record, error)
	// version returns the draft of a new version of a published record.
	version(ctx context.Context, of string, d *description) (record, error)
	look(ctx context.Context, id string) (record, error)
	describe(ctx context.Context, r record, d *description) error
	reserve(ctx context.Context, r record) (doi string, err error)
	files(ctx context.Context, r record) ([]stored, error)
	// upload sends one file, once. Nothing of its name is there.
	upload(ctx context.Context, r record, f *file) error
	remove(ctx context.Context, r record, f stored) error
	// settle does what needs all files there.
	settle(ctx context.Context, r record, d *description) error
	publish(ctx context.Context, r record, d *description) error
}

// record is what a server says of a deposit.
type record struct {
	ID    string
	DOI   string
	Page  string // for people
	State string

	handle any // what the service needs beside
}

// stored is a file that a server has.
type stored struct {
	Name      string
	Size      int64
	Algorithm string // of the checksum: md5, sha1, sha256 or sha512
	Checksum  string // hexadecimal
	Whole     bool

	id string
}
