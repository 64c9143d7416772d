package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"repro/gateway/operate"
	"repro/gateway/store"
	"repro/internal/atomicfile"
	"repro/report/view"
)

// openThere opens a store that must be there.
func openThere(ctx context.Context, data string) (*store.Store, error) {
	if !store.Exists(data) {
		return nil, fmt.Errorf("%s: is no gateway's folder", data)
	}
	return store.Open(ctx, data, store.Options{})
}

// backup is the command that writes all that a gateway knows to a file, while it
// works.
func backup(ctx context.Context, args []string, stdout io.Writer) error {
	var data string
	f := flags(&data)
	if err := parse(f, args, 1); err != nil {
		return err
	}
	s, err := openThere(ctx, data)
	if err != nil {
		return err
	}
	defer s.Close()
	out, err := atomicfile.Create(f.Arg(0), 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := operate.Backup(ctx, s, "runs", out); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "wrote %s\n", f.Arg(0))
	return err
}

// restore is the command that makes the folder of a gateway of a backup.
func restore(ctx context.Context, args []string, stdout io.Writer) error {
	var data string
	f := flags(&data)
	database := f.String("database", "", "")
	if err := parse(f, args, 1); err != nil {
		return err
	}
	in, err := os.Open(f.Arg(0))
	if err != nil {
		return err
	}
	defer in.Close()
	if err := operate.Restore(ctx, data, *database, bufio.NewReader(in)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "restored %s\n", data)
	return err
}

// audit is the command that prints the audit log, after it has checked its chain;
// or, with a log that was exported before, says whether this one goes on from it.
func audit(ctx context.Context, args []string, stdout io.Writer) error {
	var data string
	f := flags(&data)
	check := f.String("check", "", "")
	if err := parse(f, args, 0); err != nil {
		return err
	}
	s, err := openThere(ctx, data)
	if err != nil {
		return err
	}
	defer s.Close()
	if *check != "" {
		return checkAudit(ctx, s, *check, stdout)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	last, err := s.Audit(ctx, func(e store.Entry) error { return enc.Encode(e) })
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s{\"hash\":\"sha256:%x\"}\n", view.EscapeJSON(b.Bytes()), last)
	return err
}

// checkAudit holds the log of a gateway against one that was exported before.
func checkAudit(ctx context.Context, s *store.Store, name string, stdout io.Writer) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	entries, last, err := store.ReadAudit(f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	n, same := 0, entries == 0
	if _, err := s.Audit(ctx, func(e store.Entry) error {
		n++
		same = same || n == entries && e.Hash == last
		return nil
	}); err != nil {
		return err
	}
	if !same {
		return fmt.Errorf("audit log: does not go on from %s, which has %d entries up to %s: it was made anew, or cut", name, entries, hex.EncodeToString(last[:]))
	}
	_, err = fmt.Fprintf(stdout, "whole: %d entries, of which %s has the first %d\n", n, name, entries)
	return err
}
