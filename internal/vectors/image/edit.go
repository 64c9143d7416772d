package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"repro/format/manifest"
)

// The places in an image, stated here once more and not taken from package
// format: a mistake there must not hide in its own vectors.
const (
	tableAt        = 4096
	descriptorSize = 585
	pageSize       = 4096
)

var le = binary.LittleEndian

// edit makes a vector out of a change in place.
func edit(change func([]byte)) func([]byte) []byte {
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		change(b)
		return b
	}
}

func cut(n int) func([]byte) []byte {
	return func(b []byte) []byte { return b[:n] }
}

func tail(s string) func([]byte) []byte {
	return func(b []byte) []byte { return append(bytes.Clone(b), s...) }
}

func put(off int, s string) func([]byte) []byte {
	return edit(func(b []byte) { copy(b[off:], s) })
}

// put64 writes numbers: offset, value, offset, value...
func put64(pairs ...int64) func([]byte) []byte {
	return edit(func(b []byte) {
		for i := 0; i < len(pairs); i += 2 {
			le.PutUint64(b[pairs[i]:], uint64(pairs[i+1]))
		}
	})
}

// slotAt returns where the descriptor of a slot lies.
func slotAt(slot int) int { return tableAt + (slot-1)*descriptorSize }

func descr(slot, off int, s string) func([]byte) []byte {
	return put(slotAt(slot)+off, s)
}

func descr64(slot, off int, n int64) func([]byte) []byte {
	return put64(int64(slotAt(slot)+off), n)
}

// start and end return where the object in a slot lies.
func start(b []byte, slot int) int { return int(le.Uint64(b[slotAt(slot)+17:])) }
func end(b []byte, slot int) int   { return start(b, slot) + int(le.Uint64(b[slotAt(slot)+25:])) }

func flip(slot, off int) func([]byte) []byte {
	return edit(func(b []byte) { b[start(b, slot)+off] ^= 1 })
}

// swapSlots exchanges the descriptors of code and data, which changes what lies
// on top, but keeps their IDs.
func swapSlots(b []byte) []byte { return swapFields(0, descriptorSize)(b) }

func swapFields(off, size int) func([]byte) []byte {
	return edit(func(b []byte) {
		x, y := b[slotAt(slotCode)+off:][:size], b[slotAt(slotData)+off:][:size]
		old := bytes.Clone(x)
		copy(x, y)
		copy(y, old)
	})
}

func replace(old, with string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, with, 1) }
}

// manifestText changes the text of the manifest, and the UUID with it.
func manifestText(change func(string) string) func([]byte) []byte {
	return edit(func(b []byte) {
		room := b[start(b, slotManifest):end(b, slotManifest)]
		text := change(strings.TrimRight(string(room), " \n"))
		for i := range room {
			room[i] = ' '
		}
		copy(room, text)
		room[len(room)-1] = '\n'
		identify(b)
	})
}

// editManifest changes what the manifest says, and the UUID with it.
func editManifest(change func(*manifest.Manifest)) func([]byte) []byte {
	return manifestText(func(s string) string {
		var m manifest.Manifest
		if err := manifest.Unmarshal([]byte(s), &m); err != nil {
			panic(err) // the valid image is not valid
		}
		change(&m)
		b, err := manifest.Marshal(m)
		if err != nil {
			panic(err)
		}
		return string(b)
	})
}

// identify gives the image the UUID of its manifest.
func identify(b []byte) {
	h := sha256.New()
	h.Write([]byte("repro image 1\x00"))
	h.Write(b[start(b, slotManifest):end(b, slotManifest)])
	id := b[48:64]
	copy(id, h.Sum(nil))
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
}

// largerRoom gives the manifest one page of spaces more than the rule and moves
// everything else.
func largerRoom(b []byte) []byte {
	at := end(b, slotManifest)
	spaces := bytes.Repeat([]byte(" "), pageSize)
	out := append(bytes.Clone(b[:at-1]), spaces...)
	out = append(out, '\n')
	out = append(out, b[at:]...)
	grow := func(off int) { le.PutUint64(out[off:], le.Uint64(out[off:])+pageSize) }
	grow(slotAt(slotManifest) + 25)
	grow(slotAt(slotManifest) + 33)
	for slot := slotRecipe; slot <= slotAttestation; slot++ {
		grow(slotAt(slot) + 17)
	}
	grow(120)
	identify(out)
	return out
}

// external names files that are kept elsewhere.
func external(paths ...string) func(*manifest.Manifest) {
	return func(m *manifest.Manifest) {
		for _, p := range paths {
			m.External = append(m.External, manifest.External{Path: p, Source: "https://example.org/x", Digest: manifest.DigestOf(nil)})
		}
	}
}
