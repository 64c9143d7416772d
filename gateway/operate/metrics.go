// Package operate is for whoever runs a gateway: what it counts and logs of each
// request, how often somebody may ask, backups and their restoration.
//
// Logs and metrics name routes by their patterns, never by addresses: links and
// names are in these. SPEC.md, GTW-13 and GTW-14.
package operate

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// buckets are the upper bounds of the histogram of durations, in seconds.
var buckets = [...]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Observer counts and logs requests. Goroutines may share it.
type Observer struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	answers map[answer]int64
	routes  map[string]*timing
	running int64
}

type answer struct {
	method, route string
	status        int
}

type timing struct {
	under [len(buckets)]int64
	count int64
	sum   float64 // seconds
	bytes int64   // of answers
}

// NewObserver returns an observer that logs to log.
func NewObserver(log *slog.Logger, now func() time.Time) *Observer {
	if now == nil {
		now = time.Now
	}
	return &Observer{log: log, now: now, answers: map[answer]int64{}, routes: map[string]*timing{}}
}

// recorder notes what is answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Unwrap lets http.ResponseController find what the connection can.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Handler answers by next, and counts and logs each request when it has ended.
func (o *Observer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun, rec := o.now(), &recorder{ResponseWriter: w}
		o.add(1)
		defer func() {
			o.add(-1)
			o.ended(r, rec, o.now().Sub(begun))
		}()
		next.ServeHTTP(rec, r)
	})
}

func (o *Observer) add(n int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running += n
}

func (o *Observer) ended(r *http.Request, rec *recorder, took time.Duration) {
	a := answer{r.Method, cmp.Or(r.Pattern, "none"), cmp.Or(rec.status, http.StatusOK)}
	if a.route == "none" && a.method != http.MethodGet && a.method != http.MethodPost {
		a.method = "other" // whatever somebody thinks of: it would be counted for ever
	}
	o.mu.Lock()
	t := o.routes[a.route]
	if t == nil {
		t = &timing{}
		o.routes[a.route] = t
	}
	o.answers[a]++
	t.count++
	t.sum += took.Seconds()
	t.bytes += rec.bytes
	for i, bound := range buckets {
		if took.Seconds() <= bound {
			t.under[i]++
		}
	}
	o.mu.Unlock()
	o.log.Info("request", "method", a.method, "route", a.route, "status", a.status, "bytes", rec.bytes, "ms", took.Milliseconds())
}

// Write writes the counts in Prometheus's text format, and the gauges that the
// caller knows, by name.
func (o *Observer) Write(w io.Writer, gauges map[string]int64) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var b strings.Builder
	head := func(name, kind, help string) {
		fmt.Fprintf(&b, "# HELP repro_gateway_%s %s\n# TYPE repro_gateway_%s %s\n", name, help, name, kind)
	}
	head("requests_total", "counter", "Requests that were answered.")
	for _, a := range slices.SortedFunc(maps.Keys(o.answers), func(x, y answer) int {
		return cmp.Or(cmp.Compare(x.route, y.route), cmp.Compare(x.method, y.method), cmp.Compare(x.status, y.status))
	}) {
		fmt.Fprintf(&b, "repro_gateway_requests_total{method=%q,route=%q,status=\"%d\"} %d\n", a.method, a.route, a.status, o.answers[a])
	}
	head("request_seconds", "histogram", "How long requests took.")
	routes := slices.Sorted(maps.Keys(o.routes))
	for _, r := range routes {
		t := o.routes[r]
		for i, bound := range buckets {
			fmt.Fprintf(&b, "repro_gateway_request_seconds_bucket{route=%q,le=%q} %d\n", r, strconv.FormatFloat(bound, 'g', -1, 64), t.under[i])
		}
		fmt.Fprintf(&b, "repro_gateway_request_seconds_bucket{route=%q,le=\"+Inf\"} %d\n", r, t.count)
		fmt.Fprintf(&b, "repro_gateway_request_seconds_sum{route=%q} %g\nrepro_gateway_request_seconds_count{route=%q} %d\n", r, t.sum, r, t.count)
	}
	head("answer_bytes_total", "counter", "Bytes of answers.")
	for _, r := range routes {
		fmt.Fprintf(&b, "repro_gateway_answer_bytes_total{route=%q} %d\n", r, o.routes[r].bytes)
	}
	head("requests_running", "gauge", "Requests that are being answered.")
	fmt.Fprintf(&b, "repro_gateway_requests_running %d\n", o.running)
	for _, name := range slices.Sorted(maps.Keys(gauges)) {
		head(name, "gauge", "What the database holds now.")
		fmt.Fprintf(&b, "repro_gateway_%s %d\n", name, gauges[name])
	}
	_, err := io.WriteString(w, b.String())
	return err
}
