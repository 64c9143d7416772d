package blind

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// send answers with what write writes, behind a mask, and returns what came.
func send(t *testing.T, write func(w http.ResponseWriter)) (*http.Response, string, error) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := ada().NewWriter(w, func(w http.ResponseWriter) { http.Error(w, "it says who", http.StatusForbidden) })
		write(m)
		if err := m.Finish(); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	res, err := http.Get(s.URL)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res, string(b), err
}

// TestWriterText: a name is found wherever the writes cut it.
func TestWriterText(t *testing.T) {
	text := "first Lovelace\nsecond love\nlace Love" + strings.Repeat(".", lineSize) + "Lovelace and Ada"
	want := ada().Text(text)
	if strings.Contains(want, "Lovelace") || strings.Contains(want, "Ada") {
		t.Fatal("this test is of nothing")
	}
	for _, size := range []int{1, 3, 7, 1000, lineSize - 1, lineSize, len(text)} {
		res, got, err := send(t, func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
			w.Header().Set("Content-Disposition", `attachment; filename="lovelace.txt"`)
			w.WriteHeader(http.StatusCreated)
			for b := []byte(text); len(b) > 0; b = b[min(size, len(b)):] {
				w.Write(b[:min(size, len(b))])
			}
		})
		if err != nil || got != want || res.StatusCode != 201 || strings.Contains(res.Header.Get("Content-Disposition"), "lovelace") {
			t.Errorf("writes of %d: %v, %d bytes, want %d, %v", size, err, len(got), len(want), res)
		}
	}
}

// TestWriterOther: what is no text arrives as it is, or not at all.
func TestWriterOther(t *testing.T) {
	clean := strings.Repeat("\x00\x01\x02\x03", wholeSize/2)
	for what, c := range map[string]struct {
		body   string
		status int
		cut    bool
	}{
		"clean, small": {clean[:100], 200, false}, "clean, large": {clean, 200, false}, "empty": {"", 200, false},
		"named": {clean[:100] + "Lovelace", 403, false}, "named late": {clean[:wholeSize-3] + "Lovelace", 403, false},
		"named past the first": {clean[:wholeSize+1<<20] + "Lovelace" + clean[:wholeSize], 200, true},
		"named at the end":     {clean + "Lovelace", 200, true},
	} {
		res, got, err := send(t, func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Length", fmt.Sprint(len(c.body)))
			for b := c.body; b != ""; b = b[min(len(b), 1<<20):] {
				io.WriteString(w, b[:min(len(b), 1<<20)])
			}
		})
		if res == nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if res.StatusCode != c.status || (err != nil) != c.cut || strings.Contains(got, "Lovelace") || c.status == 200 && !c.cut && got != c.body {
			t.Errorf("%s: %d, %v, %d bytes of %d", what, res.StatusCode, err, len(got), len(c.body))
		}
		if c.status == 403 && got != "it says who\n" {
			t.Errorf("%s: %q", what, got)
		}
	}
}

// TestWriterFlush: lines of a stream are sent at once, without names.
func TestWriterFlush(t *testing.T) {
	got := make(chan string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := ada().NewWriter(w, nil)
		m.Header().Set("Content-Type", "text/event-stream")
		c := http.NewResponseController(m)
		for range 2 {
			io.WriteString(m, "data: by Lovelace\n\nda")
			if err := c.Flush(); err != nil {
				t.Error(err)
			}
			io.WriteString(m, "ta: Ada\n\n")
			<-got
		}
		if err := m.Finish(); err != nil {
			t.Error(err)
		}
	}))
	defer s.Close()
	res, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b := make([]byte, len("data: by Author~00\n\n"))
	if _, err := io.ReadFull(res.Body, b[:15]); err != nil || string(b[:15]) != "data: by Author" {
		t.Errorf("%q, %v", b, err)
	}
	got <- "on"
	got <- "on"
	if rest, err := io.ReadAll(res.Body); err != nil || strings.Contains(string(rest), "Lovelace") || strings.Contains(string(rest), "Ada") || strings.Count(string(rest), "data:") != 3 {
		t.Errorf("%q, %v", rest, err)
	}
}
