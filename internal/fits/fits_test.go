package fits

import (
	"errors"
	"os"
	"strings"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

// TestWitness holds every value against astropy.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"astropy": "python3-astropy"}, Read)
}

func FuzzRead(f *testing.F) {
	witness.Fuzz(f, Read, "../../testdata/vectors/compare/fits-*/published.fits", "../../testdata/vectors/planted/fits/*.fits")
}

// unit is a header of these cards, and data.
func unit(data string, cards ...string) []byte {
	var b []byte
	for _, c := range append(cards, "END") {
		b = append(b, (c + strings.Repeat(" ", cardSize))[:cardSize]...)
	}
	b = append(b, strings.Repeat(" ", (block-len(b)%block)%block)...)
	b = append(b, data...)
	return append(b, make([]byte, (block-len(data)%block)%block)...)
}

func TestValues(t *testing.T) {
	image := []string{"SIMPLE  =                    T", "BITPIX  =                   16", "NAXIS   =                    1", "NAXIS1  =                    3"}
	for name, c := range map[string]struct {
		cards []string
		data  string
		want  []string
	}{
		"as stored":     {nil, "\x00\x01\xff\xff\x00\x02", []string{"1", "-1", "2"}},
		"unsigned":      {[]string{"BZERO   =                32768"}, "\x80\x00\x00\x00\x7f\xff", []string{"0", "32768", "65535"}},
		"scaled":        {[]string{"BSCALE  =                1.5D0", "BZERO   = -1"}, "\x00\x01\xff\xff\x00\x02", []string{"0.5", "-2.5", "2"}},
		"with no value": {[]string{"BLANK   =                   -1"}, "\x00\x01\xff\xff\x00\x02", []string{"1", "0", "2"}},
	} {
		got, err := Read(unit(c.data, append(image, c.cards...)...))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		a := got[0]
		for i, want := range c.want {
			text := ""
			if a.Class == ndarray.Float {
				text = a.Shortest(a.Floats(a.At(i), nil)[0])
			} else {
				text = a.Integer(a.At(i))
			}
			if text != want {
				t.Errorf("%s: element %d is %s, want %s", name, i, text, want)
			}
		}
		if missing := len(got) == 2 && string(got[1].Data) == "-N-"; missing != (name == "with no value") {
			t.Errorf("%s: %+v", name, got[1:])
		}
	}
}

func TestKeywords(t *testing.T) {
	got, err := Read(unit("", "SIMPLE  =                    T", "BITPIX  = 8", "NAXIS   = 0", "OBJECT  = 'it''s M 31  ' / a name", "EXPTIME = 1.5E1 / seconds", "LONG    = 'ab&'",
		"CONTINUE  'cd'", "CRVAL1  = 10.50", "DATE    = '2024-01-01'", "COMMENT = 3", "HISTORY made", "NAXIS9  = 4"))
	if err != nil || len(got) != 4 {
		t.Fatal(got, err)
	}
	want := map[string]string{"HDU 0@OBJECT": "it's M 31", "HDU 0@LONG": "abcd", "HDU 0@CRVAL1": "10.5"}
	for _, a := range got {
		if a.Name == "HDU 0@EXPTIME" {
			if a.Floats(a.At(0), nil)[0] != 15 {
				t.Errorf("%+v", a)
			}
		} else if len(a.Texts) != 1 || a.Texts[0] != want[a.Name] {
			t.Errorf("%s: %q", a.Name, a.Texts)
		}
	}
}

func TestRefuses(t *testing.T) {
	whole, err := os.ReadFile("../../testdata/vectors/planted/fits/base.fits")
	if err != nil {
		t.Fatal(err)
	}
	for n := 7; n < len(whole); n += 40 {
		if got, err := Read(whole[:n]); n%block != 0 && !badfile.Is(err) {
			t.Fatalf("cut after %d bytes: %v %v", n, got, err)
		}
	}
	head := []string{"SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0"}
	table := func(cards ...string) []byte {
		return append(unit("", head...), unit("0123456789", append([]string{"XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 5", "NAXIS2  = 2", "TFIELDS = 1"}, cards...)...)...)
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"another file":        {[]byte("SIMPLY"), badfile.ErrDamaged},
		"no end":              {unit("", head...)[:cardSize*3], badfile.ErrDamaged},
		"more than there is":  {unit("", "SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 9"), badfile.ErrDamaged},
		"a size that lies":    {unit("", "SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = -9"), badfile.ErrDamaged},
		"bits":                {unit("abc", "SIMPLE  = T", "BITPIX  = 24", "NAXIS   = 1", "NAXIS1  = 1"), badfile.ErrDamaged},
		"groups":              {unit("", "SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 0", "GROUPS  = T"), badfile.ErrUnread},
		"another extension":   {append(unit("", head...), unit("", "XTENSION= 'NEW'", "BITPIX  = 8", "NAXIS   = 0")...), badfile.ErrUnread},
		"more after the end":  {append(unit("", head...), "something"...), badfile.ErrUnread},
		"a form that is not":  {table("TFORM1  = '5Z'"), badfile.ErrDamaged},
		"columns too wide":    {table("TFORM1  = '6B'"), badfile.ErrDamaged},
		"variable columns":    {table("TFORM1  = '1PB(3)'"), badfile.ErrUnread},
		"rows without a size": {append(unit("", head...), unit("", "XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 0", "NAXIS2  = 9", "TFIELDS = 1", "TFORM1  = '0B'")...), badfile.ErrDamaged},
	} {
		if got, err := Read(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
}
