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

// moreThreads has the runtime run twice as many goroutines as there are
// processors until fewerThreads is called as often, and so leaves it to the
// kernel who of them gets one: an answer to a program that waits must not wait
// for a block that is being decompressed ahead.
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
