package ndarray

import (
	"errors"
	"slices"
	"testing"

	"repro/internal/badfile"
)

func TestColumn(t *testing.T) {
	whole := NewColumn("n", Int, 2, "")
	whole.Int(-1)
	whole.Missing('N')
	whole.Int(258)
	got := whole.Arrays()
	if len(got) != 2 || !slices.Equal(got[0].Data, []byte{255, 255, 0, 0, 2, 1}) || !slices.Equal(got[0].Shape, []int{3}) {
		t.Fatalf("%+v", got)
	}
	if got[1].Name != "n missing" || string(got[1].Data) != "-N-" || got[1].Class != Bytes {
		t.Errorf("%+v", got[1])
	}
	for size, want := range map[int]string{4: "0.1", 8: "0.1"} {
		c := NewColumn("f", Float, size, "")
		c.Float(0.1)
		a := c.Arrays()
		if len(a) != 1 || a[0].Shortest(a[0].Floats(a[0].At(0), nil)[0]) != want {
			t.Errorf("%+v", a)
		}
	}
	text := NewColumn("t", Text, 0, "")
	text.Text("a")
	text.Missing('N')
	if a := text.Arrays(); !slices.Equal(a[0].Texts, []string{"a", ""}) || string(a[1].Data) != "-N" || text.Len() != 2 {
		t.Errorf("%+v", a)
	}
	if err := text.Full(); err != nil {
		t.Error(err)
	}
	text.texts = MaxData
	if err := text.Full(); !errors.Is(err, badfile.ErrTooLarge) {
		t.Error(err)
	}
}
