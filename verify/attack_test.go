package verify_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"repro/format"
	"repro/key"
	"repro/report"
	"repro/verify"
)

const attacks = "../testdata/vectors/attack"

// TestAttacks asks about each vector of internal/vectors/attack. Nothing may
// panic, and no declared size may make the program take memory.
func TestAttacks(t *testing.T) {
	var vectors []struct {
		File, Verdict  string
		Keys, Detached []string
		Foreign        bool
		Now            time.Time
		Exit           int
	}
	if err := json.Unmarshal(read(t, filepath.Join(attacks, "vectors.json")), &vectors); err != nil || len(vectors) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	// The exit statuses are those of SPEC.md, VER-19.
	outcomes := map[string]struct {
		err  error
		exit int
	}{
		report.ImageSigned:    {nil, 0},
		report.ImageNotSigned: {verify.ErrNotSigned, 3},
		report.ImageAltered:   {format.ErrAltered, 4},
		report.ImageMalformed: {format.ErrMalformed, 4},
	}
	for _, v := range vectors {
		t.Run(v.File, func(t *testing.T) {
			var trust verify.Trust
			for _, name := range v.Keys {
				p, err := key.ParsePublic(read(t, filepath.Join(attacks, name)))
				if err != nil {
					t.Fatal(err)
				}
				trust.Keys = append(trust.Keys, p)
			}
			options := verify.Options{Foreign: v.Foreign, Now: v.Now}
			for _, name := range v.Detached {
				options.Detached = append(options.Detached, read(t, filepath.Join(attacks, name)))
			}
			b := unpack(t, filepath.Join(attacks, v.File))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := run(b, trust, options)
			runtime.ReadMemStats(&after)
			want, known := outcomes[v.Verdict]
			if !known || r.Verdict != v.Verdict || !errors.Is(err, want.err) || v.Exit != want.exit {
				t.Errorf("verdict %q (%v), want %q and exit status %d", r.Verdict, err, v.Verdict, v.Exit)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
				t.Errorf("took %d MiB", took>>20)
			}
		})
	}
}

func unpack(t *testing.T, name string) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(read(t, name)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
