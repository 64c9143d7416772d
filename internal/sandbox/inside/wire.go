//go:build linux && (amd64 || arm64)

package inside

import (
	"errors"
	"io"
)

// message is what the two sides tell each other: it visits its fields in an
// order that both know.
type message interface{ visit(w *wire) }

// maxMessage bounds a message, in bytes.
const maxMessage = 8 << 20

// Send writes a message: its length and its fields, all numbers in eight bytes,
// the lowest first.
func Send(to io.Writer, m message) error {
	var w wire
	m.visit(&w)
	if len(w.b) > maxMessage {
		return errors.New("too much is asked for: arguments, environment and paths have more than 8 MiB")
	}
	all := wire{b: make([]byte, 0, 8+len(w.b))}
	all.put(int64(len(w.b)))
	_, err := to.Write(append(all.b, w.b...))
	return err
}

// Receive reads a message. It fails with [io.EOF] if there is none any more.
func Receive(from io.Reader, m message) error {
	head := wire{b: make([]byte, 8), reading: true}
	if _, err := io.ReadFull(from, head.b); err != nil {
		return err
	}
	length := head.take()
	if length < 0 || length > maxMessage {
		return errMessage
	}
	w := wire{b: make([]byte, length), reading: true}
	if _, err := io.ReadFull(from, w.b); err != nil {
		return err
	}
	if m.visit(&w); w.bad || len(w.b) > 0 {
		return errMessage
	}
	return nil
}

var errMessage = errors.New("not a message between the two sides of a sandbox")

// wire has the bytes of a message's fields: those that were written or, if it
// is read, those that are left.
type wire struct {
	b       []byte
	reading bool
	bad     bool // what was read is not what was written
}

func (w *wire) put(n int64) {
	for i := range 8 {
		w.b = append(w.b, byte(n>>(8*i)))
	}
}

func (w *wire) take() (n int64) {
	if len(w.b) < 8 {
		w.bad, w.b = true, nil
		return 0
	}
	for i := range 8 {
		n |= int64(w.b[i]) << (8 * i)
	}
	w.b = w.b[8:]
	return n
}

// length is that of a text or list whose elements have at least a byte.
func (w *wire) length() int {
	n := w.take()
	if n < 0 || n > int64(len(w.b)) {
		w.bad, w.b = true, nil
		return 0
	}
	return int(n)
}

func number[T ~int | ~int64](w *wire, p *T) {
	if !w.reading {
		w.put(int64(*p))
		return
	}
	*p = T(w.take())
}

func flag(w *wire, p *bool) {
	n := 0
	if *p {
		n = 1
	}
	number(w, &n)
	*p = n == 1
}

func text[T ~string | ~[]byte](w *wire, p *T) {
	if !w.reading {
		w.put(int64(len(*p)))
		w.b = append(w.b, *p...)
		return
	}
	n := w.length()
	*p = T(w.b[:n])
	w.b = w.b[n:]
}

func list[T any](w *wire, p *[]T, each func(*wire, *T)) {
	if !w.reading {
		w.put(int64(len(*p)))
	} else if n := w.length(); n > 0 {
		*p = make([]T, n)
	}
	for i := range *p {
		each(w, &(*p)[i])
	}
}
