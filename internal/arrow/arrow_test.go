package arrow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

const base = "../../testdata/vectors/planted/feather/base.feather"

// TestWitness holds every value against pyarrow.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"pyarrow": "none; pip install pyarrow==17.0.0"}, Read)
}

func FuzzRead(f *testing.F) {
	witness.Fuzz(f, Read, "../../testdata/vectors/planted/feather/*.feather")
}

func TestValues(t *testing.T) {
	b, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Read(b)
	if err != nil || len(got) != 3 {
		t.Fatalf("%v %v", got, err)
	}
	if got[0].Name != "name" || got[0].Texts[2] != "gamma" || got[1].Class != ndarray.Float || got[1].Floats(got[1].At(1), nil)[0] != -0.375 {
		t.Errorf("%+v", got)
	}
}

func TestRefuses(t *testing.T) {
	b, err := os.ReadFile(base)
	if err != nil {
		t.Fatal(err)
	}
	for n := 8; n < len(b); n += 7 { // with its end, but without a part
		cut := append(bytes.Clone(b[:n]), magic[:6]...)
		if _, err := Read(cut); err != nil && !badfile.Is(err) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"cut":           {b[:len(b)-1], badfile.ErrDamaged},
		"nothing":       {nil, badfile.ErrDamaged},
		"Feather 1":     {[]byte("FEA1...."), badfile.ErrUnread},
		"no schema":     {[]byte{255, 255, 255, 255, 0, 0, 0, 0}, badfile.ErrDamaged},
		"a long head":   {[]byte{255, 255, 255, 255, 9, 0, 0, 0}, badfile.ErrDamaged},
		"nothing in it": {[]byte{255, 255, 255, 255, 4, 0, 0, 0, 9, 9, 9, 9}, badfile.ErrDamaged},
	} {
		if _, err := Read(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestLZ4(t *testing.T) {
	frame := func(flags byte, blocks ...[]byte) []byte {
		out := []byte{4, 0x22, 0x4d, 0x18, flags, 0x40, 0}
		for _, b := range blocks {
			out = append(binary.LittleEndian.AppendUint32(out, uint32(len(b))), b...)
		}
		return append(out, 0, 0, 0, 0)
	}
	// "ab", then 6 bytes from 2 back; in a second block 4 bytes from 8 back
	first, second := []byte{0x22, 'a', 'b', 2, 0}, []byte{0x00, 8, 0}
	if got, err := lz4Frame(frame(0x40, first, second), 12); err != nil || string(got) != "ababababab"+"ab" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := lz4Frame(frame(0x40, append([]byte{0xf0, 1}, bytes.Repeat([]byte{'x'}, 16)...)), 16); err != nil || len(got) != 16 {
		t.Errorf("%q %v", got, err)
	}
	for name, c := range map[string]struct {
		b    []byte
		size int
	}{
		"too short": {frame(0x40, first), 9}, "too long": {frame(0x40, first), 7}, "before the start": {frame(0x40, []byte{0x10, 'a', 2, 0}), 5}, "no distance": {frame(0x40, []byte{0x10, 'a', 0, 0}), 5},
		"a cut block": {frame(0x40, first)[:13], 8}, "a dictionary": {frame(0x41, first), 8}, "another start": {[]byte("........."), 8}, "literals": {frame(0x40, []byte{0x30, 'a'}), 3}, "an endless length": {frame(0x40, []byte{0xf0, 255}), 3},
	} {
		if got, err := lz4Frame(c.b, c.size); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if _, err := unpack(7, nil, 1); !errors.Is(err, badfile.ErrUnread) {
		t.Error(err)
	}
}
