package verify_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"slices"
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

// onlyWhole are the vectors that a run would begin with and verification refuses:
// what is wrong lies in a part of a layer that nobody may look at. Whoever does is
// told then (RUN-24a, RUN-24c).
var onlyWhole = []string{
	"layer-flags.sif.gz", // bits of the superblock that say how the layer was made
}

// TestOnRead: what can be told from a few blocks a run is told before it starts.
func TestOnRead(t *testing.T) {
	var vectors []struct {
		File, Verdict  string
		Keys, Detached []string
		Now            time.Time
	}
	if err := json.Unmarshal(read(t, filepath.Join(attacks, "vectors.json")), &vectors); err != nil {
		t.Fatal(err)
	}
	var late []string
	for _, v := range vectors {
		var trust verify.Trust
		for _, name := range v.Keys {
			p, err := key.ParsePublic(read(t, filepath.Join(attacks, name)))
			if err != nil {
				t.Fatal(err)
			}
			trust.Keys = append(trust.Keys, p)
		}
		b := unpack(t, filepath.Join(attacks, v.File))
		im, err := format.New(bytes.NewReader(b), int64(len(b)), "paper.sif")
		if err != nil {
			continue
		}
		var detached [][]byte
		for _, name := range v.Detached {
			detached = append(detached, read(t, filepath.Join(attacks, name)))
		}
		_, err = verify.Image(ctx, im, trust, verify.Options{Now: v.Now, Detached: detached, Check: func(ctx context.Context) ([]report.ObjectStatus, error) {
			return im.Check(ctx, format.CheckOptions{OnRead: true})
		}})
		refused := v.Verdict == report.ImageMalformed || v.Verdict == report.ImageAltered
		if told := errors.Is(err, format.ErrMalformed) || errors.Is(err, format.ErrAltered); refused && !told {
			late = append(late, v.File)
		}
	}
	if !slices.Equal(late, onlyWhole) {
		t.Errorf("%q, want %q", late, onlyWhole)
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
