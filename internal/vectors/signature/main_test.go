package main

import (
	"errors"
	"os"
	"testing"
	"time"

	"repro/format/signature"
	"repro/key"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../../.."); err != nil { // paths are from the module's root
		panic(err)
	}
	os.Exit(m.Run())
}

func TestCommittedFilesAreThoseOfTheProgram(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	differences, err := dir.Differences(files, "*.key", "README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
}

func TestStatuses(t *testing.T) {
	for _, v := range vectors {
		b, err := dir.Read(v.Name + extension)
		if err != nil {
			t.Error(err)
			continue
		}
		cert, err := dir.Read(v.Key)
		if err != nil {
			t.Fatal(err)
		}
		p, err := key.ParsePublic(cert)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, v.Now)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := status(b, p, at); got != v.Status {
			t.Errorf("%s: %s (%v), want %s", v.Name, got, err, v.Status)
		}
	}
}

// status verifies the first signature of a block.
func status(b []byte, p *key.Public, at time.Time) (string, error) {
	block, err := signature.Parse(b)
	switch {
	case err != nil:
	case block.Clearsigned != nil:
		err = block.Clearsigned.Verify(p, at)
	default:
		err = block.Envelope.Verify(block.Envelope.Signatures[0], p)
	}
	for is, name := range map[error]string{
		signature.ErrMalformed: malformed,
		signature.ErrWeak:      weak,
		signature.ErrUnknown:   unknown,
		signature.ErrInvalid:   invalid,
		signature.ErrExpired:   expired,
		signature.ErrRevoked:   revoked,
	} {
		if errors.Is(err, is) {
			return name, err
		}
	}
	if string(block.Payload()) != signedText {
		return invalid, nil
	}
	if block.Clearsigned != nil && block.Clearsigned.NoLongerValid(p, at) != "" {
		return unanchored, err
	}
	return valid, err
}
