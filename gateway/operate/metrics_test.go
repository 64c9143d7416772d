package operate

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestObserver counts and logs requests by their routes, and no secret of an
// address.
func TestObserver(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var log bytes.Buffer
	o := NewObserver(slog.New(slog.NewJSONHandler(&log, nil)), func() time.Time { return at })
	mux := http.NewServeMux()
	mux.HandleFunc("GET /join/{token}", func(w http.ResponseWriter, r *http.Request) {
		at = at.Add(30 * time.Millisecond)
		io.WriteString(w, "four")
	})
	mux.HandleFunc("POST /slow", func(w http.ResponseWriter, r *http.Request) {
		at = at.Add(20 * time.Second)
		w.WriteHeader(http.StatusTeapot)
		var b strings.Builder
		if err := o.Write(&b, nil); err != nil || !strings.Contains(b.String(), "repro_gateway_requests_running 1\n") {
			t.Errorf("%v, %s", err, b.String())
		}
	})
	mux.HandleFunc("GET /gone", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	h := o.Handler(mux)
	for _, ask := range []string{"GET /join/secret?token=secret", "GET /join/other", "POST /slow", "GET /secret", "BREW /secret", "TEA /secret"} {
		method, target, _ := strings.Cut(ask, " ")
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, target, nil))
	}
	func() {
		defer func() { recover() }()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/gone", nil))
	}()
	var b strings.Builder
	if err := o.Write(&b, map[string]int64{"submissions": 7}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`repro_gateway_requests_total{method="GET",route="GET /join/{token}",status="200"} 2`, `repro_gateway_requests_total{method="POST",route="POST /slow",status="418"} 1`,
		`repro_gateway_requests_total{method="GET",route="none",status="404"} 1`, `repro_gateway_requests_total{method="other",route="none",status="404"} 2`,
		`repro_gateway_request_seconds_bucket{route="GET /join/{token}",le="0.025"} 0`, `repro_gateway_request_seconds_bucket{route="GET /join/{token}",le="0.05"} 2`,
		`repro_gateway_request_seconds_bucket{route="POST /slow",le="10"} 0`, `repro_gateway_request_seconds_bucket{route="POST /slow",le="+Inf"} 1`,
		`repro_gateway_request_seconds_sum{route="POST /slow"} 20`, `repro_gateway_request_seconds_count{route="GET /join/{token}"} 2`,
		`repro_gateway_answer_bytes_total{route="GET /join/{token}"} 8`, "repro_gateway_requests_running 0", "# TYPE repro_gateway_submissions gauge\nrepro_gateway_submissions 7",
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	var first struct {
		Msg, Route string
		Status, MS int
		Bytes      int
	}
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || len(lines) != 7 || first.Msg != "request" || first.Route != "GET /join/{token}" || first.Status != 200 || first.MS != 30 || first.Bytes != 4 {
		t.Errorf("%d lines, %+v, %v", len(lines), first, err)
	}
	if strings.Contains(log.String()+b.String(), "secret") {
		t.Errorf("a secret is told: %s", log.String())
	}
}
