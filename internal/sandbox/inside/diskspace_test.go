//go:build linux && (amd64 || arm64)

package inside

import "testing"

func TestFullDisk(t *testing.T) {
	for _, tt := range []struct {
		s    space
		full bool
	}{
		{space{}, false}, // unknown
		{space{free: 2 << 30, total: 100 << 30}, false},
		{space{free: 1<<30 - 1, total: 100 << 30}, true},
		{space{free: 100 << 20, total: 1 << 30}, false}, // a small disk keeps a small reserve
		{space{free: 10 << 20, total: 1 << 30}, true},
		{space{free: 5 << 30, total: 10 << 30, freeInodes: 1, totalInodes: 1000}, true},
		{space{free: 5 << 30, total: 10 << 30, freeInodes: 500, totalInodes: 1000}, false},
	} {
		if err := tt.s.full(); (err != nil) != tt.full {
			t.Errorf("%+v: %v", tt.s, err)
		}
		if p := tt.s.pause(); p < minDiskInterval || p > maxDiskInterval {
			t.Errorf("%+v: looked at every %v", tt.s, p)
		}
	}
}
