package format

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// maxProblems bounds the list that Layout returns.
const maxProblems = 1000

// Layout compares the file with the canonical layout of its manifest and
// signatures and returns everything that differs; nothing if every byte of the
// file outside the contents of objects is as it must be. It reads the manifest
// and what lies between objects, whatever the size of the layers, once.
func (im *Image) Layout() []Problem { return im.layout() }

func (im *Image) checkLayout() []Problem {
	m, err := im.manifest()
	if err != nil {
		return []Problem{im.manifestProblem(err)}
	}
	l := &layoutCheck{im: im}
	p, err := newPlan(m, l.signatures(1+len(m.Objects)))
	if err != nil {
		l.add(0, "", "%v", err)
		return l.problems
	}
	if want, err := reserve(m.Manifest); err != nil || want != int64(len(m.stored)) {
		l.add(im.objects[0].Offset, ManifestName, "object has %d bytes, the room for this manifest is %d", len(m.stored), want)
	}
	l.compare(p)
	l.gaps(p)
	return l.problems
}

func (im *Image) manifestProblem(err error) Problem {
	p := Problem{Object: ManifestName, Reason: err.Error()}
	if len(im.objects) > 0 {
		p.Offset = im.objects[0].Offset
	}
	return p
}

// layoutCheck collects problems.
type layoutCheck struct {
	im       *Image
	problems []Problem
}

func (l *layoutCheck) add(off int64, object, reason string, args ...any) {
	if len(l.problems) < maxProblems {
		l.problems = append(l.problems, Problem{off, object, fmt.Sprintf(reason, args...)})
	}
}

// signatures returns the particulars of the objects after the first n, as far
// as a signature is free to choose them.
func (l *layoutCheck) signatures(n int) (slots []signatureSlot) {
	for _, o := range l.im.objects[min(n, len(l.im.objects)):] {
		at := l.im.header.TableOffset + int64(o.Slot-1)*descriptorSize
		hash, entity, _ := o.Signature()
		switch {
		case o.Type != DataSignature:
			l.add(at, o.Name, "%s in slot %d, where only signatures may follow", o.Type, o.Slot)
		case hash < HashSHA256 || hash > HashSHA512:
			l.add(at+extraStart, o.Name, "hash %s in slot %d", hash, o.Slot)
		case o.Size == 0 || o.Size > maxSignature:
			l.add(at+25, o.Name, "signature of %d bytes in slot %d, at most %d are allowed", o.Size, o.Slot, maxSignature)
		}
		slots = append(slots, signatureSlot{
			attestation: o.Link == 0 && !o.LinkIsGroup, hash: hash, entity: entity, size: o.Size,
		})
	}
	return slots
}

// compare reports header fields and descriptor fields that differ from those
// of the plan.
func (l *layoutCheck) compare(p *plan) {
	h := l.im.header
	l.fields(headerFields, h.raw[:], p.header.raw[:], 0, "", "header")
	var unused [descriptorSize]byte
	for i := range capacity {
		want, name := unused[:], ""
		if i < len(p.objects) {
			want, name = p.objects[i].raw[:], p.objects[i].Name
		}
		got := l.slot(i)
		if got == nil {
			continue // the header's count differs: reported
		}
		if !bytes.Equal(got, want) {
			what := fmt.Sprintf("descriptor %d", i+1)
			l.fields(descriptorFields, got, want, tableOffset+int64(i)*descriptorSize, name, what)
		}
	}
}

// slot returns the raw descriptor in slot i, or nil.
func (l *layoutCheck) slot(i int) []byte {
	if end := (i + 1) * descriptorSize; end <= len(l.im.table) {
		return l.im.table[i*descriptorSize : end]
	}
	return nil
}

func (l *layoutCheck) fields(fields []field, got, want []byte, off int64, object, what string) {
	for _, f := range fields {
		g, w := got[f.start:f.start+f.size], want[f.start:f.start+f.size]
		if i := firstDifference(g, w); i < f.size {
			l.add(off+int64(f.start+i), object, "%s: %s is %s, want %s", what, f.name, show(g), show(w))
		}
	}
}

func firstDifference(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// show prints a field: numbers as such, the rest quoted and shortened.
func show(b []byte) string {
	switch len(b) {
	case 4:
		return fmt.Sprintf("%#x", binary.LittleEndian.Uint32(b))
	case 8:
		return fmt.Sprint(int64(binary.LittleEndian.Uint64(b)))
	}
	b = bytes.TrimRight(b, "\x00")
	if len(b) > 40 {
		return fmt.Sprintf("%q...", b[:40])
	}
	return fmt.Sprintf("%q", b)
}

// gaps reports bytes outside header, table and objects that are not zero, and
// bytes after the last object.
func (l *layoutCheck) gaps(p *plan) {
	l.zero(headerSize, tableOffset, "")
	end := int64(tableOffset + capacity*descriptorSize)
	for _, o := range p.objects {
		l.zero(end, o.Offset, o.Name)
		end = o.Offset + o.Size
	}
	switch {
	case l.im.size > p.end:
		l.add(p.end, "", "%d bytes after the last object", l.im.size-p.end)
	case l.im.size < p.end:
		l.add(l.im.size, "", "file of %d bytes, want %d", l.im.size, p.end)
	}
}

// zero reports the first byte from start to end that is not zero.
func (l *layoutCheck) zero(start, end int64, object string) {
	b := make([]byte, align)
	for start < min(end, l.im.size) {
		b := b[:min(align, end-start, l.im.size-start)]
		if n, err := l.im.r.ReadAt(b, start); n < len(b) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			l.add(start, object, "padding: %v", err)
			return
		}
		for i, c := range b {
			if c != 0 {
				l.add(start+int64(i), object, "padding before the object is %#02x, want 0", c)
				return
			}
		}
		start += int64(len(b))
	}
}
