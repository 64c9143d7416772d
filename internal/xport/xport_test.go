package xport

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"repro/internal/badfile"
	"repro/internal/witness"
)

// TestWitness holds every value against ReadStat.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"pyreadstat": "none: pip install pyreadstat==1.2.7"}, Read)
}

func FuzzRead(f *testing.F) {
	witness.Fuzz(f, Read, "../../testdata/vectors/compare/xport-*/*.xpt", "../../testdata/vectors/planted/xport/*.xpt")
}

func TestFloats(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want float64
	}{
		{[]byte{0x41, 0x10, 0, 0, 0, 0, 0, 0}, 1}, {[]byte{0xc1, 0x10, 0, 0, 0, 0, 0, 0}, -1}, {[]byte{0x42, 0x64, 0, 0, 0, 0, 0, 0}, 100},
		{[]byte{0x40, 0x80}, 0.5}, {[]byte{0, 0, 0, 0, 0, 0, 0, 0}, 0}, {[]byte{0x40, 0x19, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a}, 0.1},
	} {
		if got := ibmFloat(c.b); got != c.want {
			t.Errorf("%x: %v, want %v", c.b, got, c.want)
		}
	}
	for b, want := range map[string]bool{".\x00\x00": true, "A\x00": true, "_\x00": true, "Z": true, "A\x01": false, "a\x00": false, "\x00": false, "[\x00": false} {
		if got := isMissing(b[0], []byte(b[1:])); got != want {
			t.Errorf("%q: %v", b, got)
		}
	}
}

// TestRows reads the observations of version 5, which does not say how many
// there are.
func TestRows(t *testing.T) {
	for rows := 1; rows < 25; rows++ {
		r := &reader{b: []byte("HEADER RECORD*******OBS     HEADER RECORD!!!!!!!000000000000000000000000000000  " +
			strings.Repeat("ab ", rows) + strings.Repeat(" ", (record-3*rows%record)%record))}
		if err := r.rows("M", []variable{{name: "t", size: 3}}); err != nil {
			t.Fatal(err)
		}
		if got := r.out[0]; !slices.Equal(got.Shape, []int{rows}) || got.Texts[rows-1] != "ab" {
			t.Errorf("%d rows: %v", rows, got.Shape)
		}
	}
}

func TestRefuses(t *testing.T) {
	b := witness.CutShort(t, Read, "../../testdata/vectors/planted/xport/base.xpt", 2400) // observations may be fewer
	for name, change := range map[string]func(b []byte){
		"another head":    func(b []byte) { b[20] = 'x' },
		"no member":       func(b []byte) { b[240+20] = 'x' },
		"a description":   func(b []byte) { b[240+74] = '9' },
		"no variables":    func(b []byte) { copy(b[560+54:], "0000") },
		"a number's size": func(b []byte) { b[640+5] = 9 },
		"a place":         func(b []byte) { b[640+84] = 9 },
	} {
		other := bytes.Clone(b)
		change(other)
		if got, err := Read(other); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}
