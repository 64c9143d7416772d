package spss

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
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
	witness.Fuzz(f, Read, "../../testdata/vectors/compare/spss-*/*.sav", "../../testdata/vectors/planted/spss/*.sav")
}

func TestCodes(t *testing.T) {
	f := &file{order: binary.LittleEndian, bias: 100, segments: 1}
	got, err := f.codes([]byte{101, 254, 255, 0, 253, 90, 252, 7, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 1, 1})
	want := f.number(nil, 1)
	want = append(want, "        "...)
	want = f.number(want, -math.MaxFloat64)
	want = append(want, "abcdefgh"...)
	want = f.number(want, -10)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x %v, want %x", got, err, want)
	}
	if _, err := f.codes([]byte{253, 0, 0, 0, 0, 0, 0, 0, 'a'}); !errors.Is(err, badfile.ErrDamaged) {
		t.Errorf("a segment that is not there: %v", err)
	}
	two := &file{order: binary.LittleEndian, segments: 2}
	if _, err := two.codes([]byte{101, 0, 0, 0, 0, 0, 0, 0}); !errors.Is(err, badfile.ErrDamaged) {
		t.Errorf("half a case: %v", err)
	}
}

func TestLongTexts(t *testing.T) {
	part := strings.Repeat("a", 255)
	v := &variable{width: 520}
	if got := string(v.text([]byte(part + " " + part + " " + "bcdefghijk      "))); got != part+part+"bcdefghijk" {
		t.Errorf("%q", got)
	}
}

func TestRefuses(t *testing.T) {
	b := witness.CutShort(t, Read, "../../testdata/vectors/planted/spss/base.sav", 0)
	for name, c := range map[string]struct {
		change func(b []byte)
		want   error
	}{
		"another mark":    {func(b []byte) { b[0] = 'x' }, badfile.ErrDamaged},
		"a layout":        {func(b []byte) { b[64] = 9 }, badfile.ErrUnread},
		"a packing":       {func(b []byte) { b[72] = 3 }, badfile.ErrUnread},
		"cases":           {func(b []byte) { b[80]++ }, badfile.ErrDamaged},
		"a record":        {func(b []byte) { b[headSize] = 8 }, badfile.ErrDamaged},
		"a width":         {func(b []byte) { b[headSize+6] = 1 }, badfile.ErrDamaged},
		"missing values":  {func(b []byte) { b[headSize+12] = 4 }, badfile.ErrDamaged},
		"a text's middle": {func(b []byte) { copy(b[headSize+4:], "\xff\xff\xff\xff") }, badfile.ErrDamaged},
	} {
		other := bytes.Clone(b)
		c.change(other)
		if got, err := Read(other); !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
}
