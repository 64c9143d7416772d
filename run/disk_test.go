package run

import (
	"errors"
	"testing"
)

func TestFullDisk(t *testing.T) {
	for _, tt := range []struct {
		u    usage
		full bool
	}{
		{usage{}, false}, // unknown
		{usage{free: 2 << 30, total: 100 << 30}, false},
		{usage{free: 1<<30 - 1, total: 100 << 30}, true},
		{usage{free: 100 << 20, total: 1 << 30}, false}, // a small disk keeps a small reserve
		{usage{free: 10 << 20, total: 1 << 30}, true},
		{usage{free: 5 << 30, total: 10 << 30, freeInodes: 1, totalInodes: 1000}, true},
		{usage{free: 5 << 30, total: 10 << 30, freeInodes: 500, totalInodes: 1000}, false},
	} {
		if err := tt.u.full(); (err != nil) != tt.full {
			t.Errorf("%+v: %v", tt.u, err)
		}
	}
	if err := checkDisk(t.TempDir()); err != nil && !errors.Is(err, ErrMachine) {
		t.Error(err)
	}
}
