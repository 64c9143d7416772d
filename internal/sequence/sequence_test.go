package sequence

import (
	"errors"
	"slices"
	"testing"

	"repro/internal/badfile"
)

func TestFASTA(t *testing.T) {
	want := []Record{{Name: "a", Description: "one  two", Letters: "ACGTAC"}, {Name: "b", Letters: ""}, {Name: "c", Letters: "NN"}}
	for _, text := range []string{">a one  two\nACGT\nAC\n>b\n>c\nNN\n", ">a  one  two \r\nAC GT\r\n;note\r\nAC\r\n\r\n>b\r\n>c\r\nN\r\nN"} {
		if got, err := ReadFASTA(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ACGT\n", "\nAC\n>a\n"} {
		if got, err := ReadFASTA(text); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
}

func TestFASTQ(t *testing.T) {
	want := []Record{{Name: "a", Description: "x", Letters: "ACGT", Quality: "@+>I"}, {Name: "b", Letters: "N", Quality: "!"}}
	for _, text := range []string{"@a x\nACGT\n+\n@+>I\n@b\nN\n+b\n!\n", "@a x\r\nAC\r\nGT\r\n+a x\r\n@+\r\n>I\r\n@b\r\nN\r\n+\r\n!"} {
		if got, err := ReadFASTQ(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", ">a\nA\n", "@a\nACGT\n", "@a\nACGT\n+\nII", "@a\nA\n+\nIII\n"} {
		if got, err := ReadFASTQ(text); !errors.Is(err, badfile.ErrDamaged) {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{">a b\nAC\n", "@a\nAC\n+\nII\n", "@\n+\n\n", ";x\n>a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, read := range []func(string) ([]Record, error){ReadFASTA, ReadFASTQ} {
			records, err := read(s)
			if err != nil && !badfile.Is(err) || err == nil && len(records) == 0 {
				t.Fatal(records, err)
			}
		}
	})
}
