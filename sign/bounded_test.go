package sign

import (
	"bytes"
	"testing"

	"repro/format/signature"
)

// TestBounded: as many bytes are kept as a block may have, and one more is
// noticed.
func TestBounded(t *testing.T) {
	const most = signature.MaxSize
	for _, c := range []struct {
		writes []int
		kept   int
		full   bool
	}{
		{nil, 0, false},
		{[]int{most}, most, false},
		{[]int{most - 1, 1}, most, false},
		{[]int{most - 1, 2}, most, true},
		{[]int{most + 1}, most, true},
		{[]int{most, 1, 0}, most, true},
	} {
		var b bounded
		for _, n := range c.writes {
			if got, err := b.Write(bytes.Repeat([]byte("x"), n)); got != n || err != nil {
				t.Errorf("%v: wrote %d of %d, %v", c.writes, got, n, err)
			}
		}
		if len(b.kept) != c.kept || b.full != c.full {
			t.Errorf("%v: %d bytes kept, full: %v", c.writes, len(b.kept), b.full)
		}
	}
}
