package compare

import (
	"context"
	"fmt"

	"repro/compare/kinds"
)

// comparers are the functions behind the rows of [kinds.All]. Each is put in by
// the file of its kind.
var comparers = map[string]func(context.Context, *job) error{
	kinds.Unread: compareUnread,
}

// compareUnread decides nothing: what differs may be a date (CMP-130).
func compareUnread(ctx context.Context, j *job) error {
	at, err := firstDifference(ctx, j.pub, j.new)
	if err != nil {
		return err
	}
	return &undecided{fmt.Sprintf("the bytes differ, first at byte %d, and this program does not read files of this format", at)}
}

// Words for what a file should be, beside those of the table of kinds.
var otherWords = map[string]string{
	packedKind:  "a gzip file",
	kinds.Claim: "where the claim looks for it",
}

// inWords is what a file of a kind is.
func inWords(kind string) string {
	if words := otherWords[kind]; words != "" {
		return words
	}
	return kinds.Of(kind).Words
}
