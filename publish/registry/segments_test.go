package registry

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestConnections brings a file by several requests at a time.
func TestConnections(t *testing.T) {
	image, content := newImage(t, 5*segmentSize+12345)
	s := serve(t, true)
	pushed := push(t, s.host, "paper:1", image)
	var now, most atomic.Int32
	s.edit = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, string(pushed.File)) {
			n := now.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			time.Sleep(50 * time.Millisecond)
			now.Add(-1)
		}
		return false
	}
	name := filepath.Join(t.TempDir(), "paper.sif")
	p, err := connect(t, s.host, "paper:1", false).Pull(t.Context(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	sameFileContent(t, name, content)
	if p.Received != int64(len(content)) || most.Load() != connections {
		t.Errorf("%d of %d bytes, at most %d requests at a time, want %d", p.Received, len(content), most.Load(), connections)
	}
}

// TestWithoutRanges says so where a registry sends no parts of a blob.
func TestWithoutRanges(t *testing.T) {
	image, _ := newImage(t, 1<<20)
	s := serve(t, true)
	push(t, s.host, "paper:1", image)
	s.edit = func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Range")
		return false
	}
	_, err := connect(t, s.host, "paper:1", false).Pull(t.Context(), filepath.Join(t.TempDir(), "paper.sif"), nil)
	if err == nil || !strings.Contains(err.Error(), s.host+"/paper: blob") || !strings.Contains(err.Error(), errNoRanges.Error()) {
		t.Errorf("pull: %v", err)
	}
	if _, err := connect(t, s.host, "paper:1", false).Open(t.Context(), false); err == nil || !strings.Contains(err.Error(), errNoRanges.Error()) {
		t.Errorf("open: %v", err)
	}
}

func TestRightRange(t *testing.T) {
	for text, want := range map[string]bool{
		"bytes 10-19/100": true, "bytes 10-19/*": true, "bytes 10-99/100": true,
		"bytes 1-19/100": false, "bytes 10-19/101": false, "bytes 10-19": false, "": false, "bytes 100-199/100": false,
	} {
		if got := rightRange(text, 10, 100); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestSpans divides a file so that each block of a layer stands alone.
func TestSpans(t *testing.T) {
	l, m := &layerSpan{start: 1000}, &layerSpan{start: 200_000}
	spans := []span{{1000, 100_000, l}, {200_000, 200_100, m}, {300_000, 300_000, nil}}
	type row struct {
		start, end int64
		layer      *layerSpan
	}
	want := []row{
		{0, 1000, nil}, {1000, 1000 + spanSize, l}, {1000 + spanSize, 100_000, l}, {100_000, 100_000 + spanSize, nil}, {100_000 + spanSize, 200_000, nil},
		{200_000, 200_100, m}, {200_100, 200_100 + spanSize, nil}, {200_100 + spanSize, 300_000, nil},
	}
	off := int64(0)
	for _, w := range want {
		got := spanAt(spans, off)
		if row(got) != w {
			t.Fatalf("at %d: %+v, want %+v", off, got, w)
		}
		off = got.end
	}
	if got := spanAt(spans, 1000+spanSize-1); got.end != 1000+spanSize || got.start != 1000 {
		t.Errorf("within a block: %+v", got)
	}
}
