package mount

import (
	"runtime"
	"testing"
)

// TestThreads asks that a process which has served is as it was before.
func TestThreads(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	for range 2 {
		moreThreads()
		moreThreads()
		if n := runtime.GOMAXPROCS(0); n != 2*before || processors() != before {
			t.Errorf("%d of %d while two serve, for %d processors", n, before, processors())
		}
		fewerThreads()
		fewerThreads()
		if n := runtime.GOMAXPROCS(0); n != before || processors() != before {
			t.Errorf("%d of %d afterwards", n, before)
		}
	}
}
