package blind

import (
	"bytes"
	"mime"
	"net/http"
	"strings"
)

const (
	wholeSize = 8 << 20  // bytes of what is no text that are searched before the first is sent
	lineSize  = 64 << 10 // bytes of a line that are masked as one
)

// Writer masks an answer. The caller must call Finish when all was written.
type Writer struct {
	http.ResponseWriter
	mask   *Mask
	status int // 0: WriteHeader was not called
	sent   bool
	text   bool
	before rune
	buf    []byte
	refuse func(http.ResponseWriter) // answers in place of what holds a name
	failed bool
}

// NewWriter returns a writer that masks what goes to w. What is no text and
// holds a name is not sent: refuse answers, or if some of it was sent already,
// the connection ends.
func (m *Mask) NewWriter(w http.ResponseWriter, refuse func(http.ResponseWriter)) *Writer {
	return &Writer{ResponseWriter: w, mask: m, refuse: refuse, before: ' '}
}

// Unwrap lets http.ResponseController find what the connection can.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader notes the status. It is sent with the first bytes.
func (w *Writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.text = isText(w.Header().Get("Content-Type"))
	}
}

// isText reports content that may be changed without breaking it.
func isText(contentType string) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	switch kind {
	case "application/json", "application/x-ndjson", "application/yaml", "application/xml", "image/svg+xml":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

// Write takes bytes of the body.
func (w *Writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		if w.Header().Get("Content-Type") == "" {
			w.Header().Set("Content-Type", http.DetectContentType(b))
		}
		w.WriteHeader(http.StatusOK)
	}
	if w.failed {
		return len(b), nil
	}
	w.buf = append(w.buf, b...)
	var err error
	if w.text {
		err = w.writeText(bytes.LastIndexByte(b, '\n') + 1 - len(b))
	} else if len(w.buf) > wholeSize {
		err = w.writeOther(w.mask.longest * 2) // UTF-16 takes twice as much
	}
	return len(b), err
}

// writeText sends whole lines: the last one ends at less bytes before the end
// of what there is.
func (w *Writer) writeText(less int) error {
	end := len(w.buf) + less
	switch {
	case end > 0 && w.buf[end-1] == '\n':
		return w.sendText(w.buf[:end], 0, w.buf[end:])
	case len(w.buf) > lineSize:
		return w.sendText(w.buf, w.mask.longest, nil)
	}
	return nil
}

func (w *Writer) sendText(b []byte, keep int, behind []byte) error {
	out, before, rest := w.mask.mask(nil, w.before, b, keep)
	kept := append(append([]byte(nil), rest...), behind...)
	w.before, w.buf = before, kept
	return w.send(out)
}

// writeOther sends what holds no name, but for the last keep bytes.
func (w *Writer) writeOther(keep int) error {
	if w.mask.Holds(w.buf) {
		w.failed, w.buf = true, nil
		if w.sent {
			panic(http.ErrAbortHandler)
		}
		h := w.Header()
		for _, name := range []string{"Content-Length", "Content-Disposition", "Content-Encoding", "Accept-Ranges", "Etag", "Last-Modified"} {
			h.Del(name)
		}
		w.refuse(w.ResponseWriter)
		return nil
	}
	cut := max(0, len(w.buf)-keep)
	out := w.buf[:cut]
	w.buf = append([]byte(nil), w.buf[cut:]...)
	return w.send(out)
}

func (w *Writer) send(b []byte) error {
	w.sendHeader()
	_, err := w.ResponseWriter.Write(b)
	return err
}

func (w *Writer) sendHeader() {
	if w.sent {
		return
	}
	w.sent = true
	h := w.Header()
	if w.text {
		h.Del("Content-Length") // of what it was
	}
	for name, values := range h {
		for i, v := range values {
			if name != "Set-Cookie" {
				h[name][i] = w.mask.Text(v)
			}
		}
	}
	w.ResponseWriter.WriteHeader(w.status)
}

// FlushError sends what can be sent: whole lines of text.
func (w *Writer) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.text && !w.failed {
		w.sendHeader()
	}
	if !w.sent {
		return nil
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Flush is FlushError for those who do not ask how it went.
func (w *Writer) Flush() { _ = w.FlushError() }

// Finish sends the rest.
func (w *Writer) Finish() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.failed:
		return nil
	case w.text:
		return w.sendText(w.buf, 0, nil)
	}
	return w.writeOther(0)
}
