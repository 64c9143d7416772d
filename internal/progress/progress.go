// Package progress holds the one function type through which long work says
// how far it is. Libraries report; only the command line shows.
package progress

import "time"

// Event says how far one task is.
type Event struct {
	Task  string // what is being done, for a person: "compress environment"
	Done  int64  // so far
	Total int64  // 0 if not known
	Bytes bool   // Done and Total count bytes

	Left time.Duration // about so much longer; 0: not known
}

// Func takes events. It may be called from several goroutines at once and
// must return soon. A nil Func is not called: use [Func.Report].
type Func func(Event)

// Report hands e to f, if there is one.
func (f Func) Report(e Event) {
	if f != nil {
		f(e)
	}
}
