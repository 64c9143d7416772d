package nifti

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"testing"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/witness"
)

// TestWitness holds every value against nibabel.
func TestWitness(t *testing.T) {
	witness.Python(t, "testdata/witness.py", map[string]string{"nibabel": "python3-nibabel"}, func(b []byte) ([]ndarray.Array, error) {
		arrays, err := Read(b)
		return arrays[:min(1, len(arrays))], err
	})
}

func FuzzRead(f *testing.F) {
	witness.Fuzz(f, Read, "../../testdata/vectors/compare/nifti-*/published.nii", "../../testdata/vectors/planted/nifti/*.nii")
}

// find is the text of an array.
func find(list []ndarray.Array, name string) string {
	for _, a := range list {
		if a.Name == name {
			return a.Texts[0]
		}
	}
	return "none"
}

func TestMeaning(t *testing.T) {
	b := witness.CutShort(t, Read, "../../testdata/vectors/planted/nifti/base.nii", 0)
	got, err := Read(b)
	if err != nil {
		t.Fatal(err)
	}
	if size, affine := find(got, "size of pixels"), find(got, "sform"); size != "[2 2]" || affine != "2 [2 0 0 0 0 2 0 0 0 0 2 0]" {
		t.Errorf("%q %q", size, affine)
	}
	for name, change := range map[string]func(b []byte){
		"units":  func(b []byte) { b[123] = 3 },
		"intent": func(b []byte) { b[68] = 5 },
		"sform":  func(b []byte) { b[280] = 1 },
		"qform":  func(b []byte) { b[252] = 1; b[256] = 1 },
	} {
		other := bytes.Clone(b)
		change(other)
		changed, err := Read(other)
		if err != nil || find(changed, name) == find(got, name) {
			t.Errorf("%s: %q, as before: %v", name, find(changed, name), err)
		}
	}
	silent := bytes.Clone(b)
	copy(silent[148:], "described anew")
	if changed, err := Read(silent); err != nil || !reflect.DeepEqual(changed, got) {
		t.Errorf("a description changes what is read: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	b, err := os.ReadFile("../../testdata/vectors/planted/nifti/base.nii")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(b []byte)
		want   error
	}{
		"its numbers elsewhere": {func(b []byte) { b[345] = 'i' }, badfile.ErrUnread},
		"another mark":          {func(b []byte) { b[344] = 'x' }, badfile.ErrDamaged},
		"a type":                {func(b []byte) { b[70] = 1 }, badfile.ErrUnread},
		"no axes":               {func(b []byte) { b[40] = 0 }, badfile.ErrDamaged},
		"too many axes":         {func(b []byte) { b[40] = 8 }, badfile.ErrDamaged},
		"a negative size":       {func(b []byte) { b[43] = 0xff }, badfile.ErrDamaged},
		"beyond the end":        {func(b []byte) { b[111] = 0x7e }, badfile.ErrDamaged},
	} {
		other := bytes.Clone(b)
		c.change(other)
		if got, err := Read(other); !errors.Is(err, c.want) {
			t.Errorf("%s: %v %v, want %v", name, got, err, c.want)
		}
	}
}
