package codec

import (
	"math"
	"testing"
)

func TestLog2(t *testing.T) {
	for n := uint32(1); n != 0 && n < 1<<31; n += 1 + n/97 {
		got, want := float64(log2(n))/256, math.Log2(float64(n))
		if got > want || got < want-1.0/64 {
			t.Errorf("log2(%d) is %v, want %v", n, got, want)
		}
	}
}
