package gateway

import (
	"context"
	"io"

	"repro/gateway/signoff"
	"repro/gateway/store"
)

// venueKey is the command that makes the own key of a venue, and prints the
// public one.
func venueKey(ctx context.Context, args []string, stdout io.Writer) error {
	var data string
	f := flags(&data)
	if err := parse(f, args, 1); err != nil {
		return err
	}
	s, err := store.Open(ctx, data, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Venue(ctx, f.Arg(0)); err != nil {
		return err
	}
	k, err := signoff.NewVenueKey(s.Dir(), f.Arg(0))
	if err != nil {
		return err
	}
	b, err := k.Public().Encode()
	if err != nil {
		return err
	}
	_, err = stdout.Write(b)
	return err
}
