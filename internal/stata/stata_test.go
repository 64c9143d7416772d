package stata

import (
	"encoding/binary"
	"errors"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

// TestWitness holds every value against pandas and ReadStat.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"pandas": "python3-pandas", "pyreadstat": "none: pip install pyreadstat==1.2.7"}, Read)
}

func FuzzRead(f *testing.F) {
	witness.Fuzz(f, Read, "../../testdata/vectors/compare/stata-*/*.dta", "../../testdata/vectors/planted/stata/*.dta")
}

func TestMissing(t *testing.T) {
	f := &file{order: binary.LittleEndian, format: 118}
	for _, c := range []struct {
		typed int
		b     []byte
		mark  byte // of a missing value; '-': none
	}{
		{typeInt8, []byte{100}, '-'}, {typeInt8, []byte{101}, '.'}, {typeInt8, []byte{127}, 'z'}, {typeInt8, []byte{0x80}, '-'},
		{typeInt16, []byte{0xe4, 0x7f}, '-'}, {typeInt16, []byte{0xe5, 0x7f}, '.'}, {typeInt16, []byte{0xe6, 0x7f}, 'a'},
		{typeInt32, []byte{0xe4, 0xff, 0xff, 0x7f}, '-'}, {typeInt32, []byte{0xe5, 0xff, 0xff, 0x7f}, '.'},
		{typeFloat, []byte{0xff, 0xff, 0xff, 0x7e}, '-'}, {typeFloat, []byte{0, 0, 0, 0x7f}, '.'}, {typeFloat, []byte{0, 8, 0, 0x7f}, 'a'}, {typeFloat, []byte{0, 0, 0, 0xff}, '-'},
		{typeDouble, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xdf, 0x7f}, '-'}, {typeDouble, []byte{0, 0, 0, 0, 0, 0, 0xe0, 0x7f}, '.'}, {typeDouble, []byte{0, 0, 0, 0, 0, 0x1a, 0xe0, 0x7f}, 'z'},
	} {
		v := &column{typed: c.typed}
		out := ndarray.NewColumn("x", v.class(), v.size(), "")
		f.value(out, v, c.b)
		got := byte('-')
		if a := out.Arrays(); len(a) == 2 {
			got = a[1].Data[0]
		}
		if got != c.mark {
			t.Errorf("%x of type %d: %c, want %c", c.b, c.typed, got, c.mark)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, name := range []string{"base", "harmless"} { // of format 118 and 114
		witness.CutShort(t, Read, "../../testdata/vectors/planted/stata/"+name+".dta", 0)
	}
	for name, c := range map[string]struct {
		b    string
		want error
	}{
		"another file":   {"<stata>", badfile.ErrDamaged},
		"an old format":  {"\x69\x02\x01\x00\x00\x00", badfile.ErrUnread},
		"a newer format": {"<stata_dta><header><release>120</release>", badfile.ErrUnread},
	} {
		if _, err := Read([]byte(c.b)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
