package mount

import (
	"runtime"
	"sync"
)

// threads are how many goroutines the runtime lets run at once.
var threads struct {
	sync.Mutex
	servers int // that want more
	usual   int // if there are any: without them
}

// moreThreads lets the runtime run twice as many goroutines as there are
// processors, until fewerThreads is called as often. The kernel then shares the
// processors between goroutines that answer programs and those that decompress
// ahead; otherwise an answer might wait for a block that nobody asked for yet.
func moreThreads() {
	threads.Lock()
	defer threads.Unlock()
	if threads.servers++; threads.servers == 1 {
		threads.usual = runtime.GOMAXPROCS(0)
		runtime.GOMAXPROCS(2 * threads.usual)
	}
}

func fewerThreads() {
	threads.Lock()
	defer threads.Unlock()
	if threads.servers--; threads.servers == 0 {
		runtime.GOMAXPROCS(threads.usual)
	}
}

// processors returns how many goroutines may decompress at once.
func processors() int {
	threads.Lock()
	defer threads.Unlock()
	if threads.servers > 0 {
		return threads.usual
	}
	return runtime.GOMAXPROCS(0)
}
