package verify_test

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"

	"repro/format"
	"repro/key"
	"repro/record"
	"repro/verify"
)

// The slots of the images that image makes: 1 manifest.json, 2 repro.yaml,
// 3 inspect-metadata.json, 4 environment, 5 its tree, 6 code, 7 its tree,
// 8 the signature.
const (
	slotRecipe      = 2
	slotInspect     = 3
	slotEnvironment = 4
	slotCode        = 6
	slotSignature   = 8
	firstUnused     = 9
)

// appendObject adds a descriptor and its content behind everything else, as
// somebody would who knows the format.
func appendObject(b []byte, kind uint32, groupID, linkID uint32, title string, content []byte) []byte {
	for len(b)%4096 != 0 {
		b = append(b, 0)
	}
	at, n := len(b), firstUnused
	b = append(b, content...)
	d := make([]byte, descriptorSize)
	put32(d, 0, kind)
	d[used] = 1
	put32(d, id, uint32(n))
	put32(d, group, groupID|0xf0000000)
	put32(d, link, linkID)
	put64(d, offset, int64(at))
	put64(d, size, int64(len(content)))
	put64(d, padded, int64(len(content)))
	copy(d[created:], b[slot(1)+created:slot(1)+created+16])
	copy(d[name:], title)
	copy(b[slot(n):], d)
	put64(b, headerFree, get64(b, headerFree)-1)
	put64(b, headerDataSize, int64(len(b))-get64(b, 112))
	return b
}

func swap(b []byte, i, j, n int) []byte {
	x := bytes.Clone(b[i : i+n])
	copy(b[i:i+n], b[j:j+n])
	copy(b[j:j+n], x)
	return b
}

// TestAttacks alters a signed image in the ways that have been tried on SIF
// files, one at a time. The image must never pass, nothing may panic, and no
// declared size may make the program take memory.
func TestAttacks(t *testing.T) {
	alice, mallory := newKey(t, key.OpenPGP, "Alice"), newKey(t, key.OpenPGP, "Mallory")
	good, theirs := signedBy(t, alice), signedBy(t, mallory)
	at64 := func(at int, v int64) func([]byte) []byte {
		return func(b []byte) []byte { put64(b, at, v); return b }
	}
	at32 := func(at int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { put32(b, at, v); return b }
	}
	text := func(at int, s string) func([]byte) []byte {
		return func(b []byte) []byte { copy(b[at:], s); return b }
	}
	cut := func(at func([]byte) int64) func([]byte) []byte {
		return func(b []byte) []byte { return b[:at(b)] }
	}
	offsetOf := func(n int) func([]byte) int64 {
		return func(b []byte) int64 { return get64(b, slot(n)+offset) + 10 }
	}
	malformed, altered, unsigned := format.ErrMalformed, format.ErrAltered, verify.ErrNotSigned
	tests := []struct {
		name   string
		change func([]byte) []byte
		want   error
	}{
		{"cut inside the signature", cut(offsetOf(slotSignature)), malformed},
		{"cut inside a layer", cut(offsetOf(slotEnvironment)), malformed},
		{"header only", cut(func([]byte) int64 { return 128 }), malformed},
		{"part of the header", cut(func([]byte) int64 { return 127 }), malformed},
		{"one bit of a layer", func(b []byte) []byte { object(b, slotEnvironment)[150] ^= 4; return b }, altered},

		{"header: architecture", text(headerArch, "04"), malformed},
		{"header: launch line", text(0, "#!/bin/sh\n\x00"), malformed},
		{"header: UUID", text(headerUUID, "0123456789abcdef"), malformed},
		{"header: version", text(42, "02"), malformed},
		{"header: created", at64(headerCreated, 1), malformed},
		{"header: modified", at64(headerModified, 1), malformed},
		{"header: free descriptors", at64(headerFree, 48), malformed},
		{"header: -1 descriptors", at64(headerTotal, -1), malformed},
		{"header: 2^55 descriptors", at64(headerTotal, 1<<55), malformed},
		{"header: 2,000,000 descriptors", at64(headerTotal, 2_000_000), malformed},
		{"header: fewer descriptors", at64(headerTotal, 7), malformed},
		{"header: table behind the end", at64(headerTable, 1<<40), malformed},
		{"header: table before the start", at64(headerTable, -4096), malformed},
		{"header: other table", func(b []byte) []byte {
			put64(b, headerTable, int64(len(b)))
			return append(b, b[4096:4096+112*descriptorSize]...)
		}, malformed},
		{"header: padding", text(128, "hello"), malformed},

		{"offsets of two objects exchanged", func(b []byte) []byte {
			return swap(b, slot(slotEnvironment)+offset, slot(slotCode)+offset, 8)
		}, malformed},
		{"slots exchanged", func(b []byte) []byte {
			return swap(b, slot(slotEnvironment), slot(slotCode), descriptorSize)
		}, malformed},
		{"IDs exchanged", func(b []byte) []byte { return swap(b, slot(slotEnvironment)+id, slot(slotCode)+id, 4) }, malformed},
		{"partition types exchanged", func(b []byte) []byte {
			return swap(b, slot(slotEnvironment)+extra, slot(slotCode)+extra, 11)
		}, malformed},
		{"name", text(slot(slotRecipe)+name, "REPRO"), malformed},
		{"object: created", at64(slot(slotRecipe)+created, 1), malformed},
		{"object: modified", at64(slot(slotRecipe)+modified, 1), malformed},
		{"object: padded size", at64(slot(slotRecipe)+padded, 1), malformed},
		{"object: uid", at64(slot(slotRecipe)+uid, 1), malformed},
		{"object hidden", func(b []byte) []byte { b[slot(slotCode)+used] = 0; return b }, malformed},
		{"used, but not 1", func(b []byte) []byte { b[slot(slotCode)+used] = 2; return b }, malformed},
		{"object in group 2", at32(slot(slotCode)+group, 0xf0000002), malformed},
		{"object in no group", at32(slot(slotCode)+group, 0xf0000000), malformed},
		{"group without its mark", at32(slot(slotCode)+group, 1), malformed},
		{"whole group renumbered", func(b []byte) []byte {
			for n := 1; n < slotSignature; n++ {
				put32(b, slot(n)+group, 0xf0000007)
			}
			put32(b, slot(slotSignature)+link, 0xf0000007)
			return b
		}, malformed},
		{"doubled ID", func(b []byte) []byte { put32(b, slot(slotCode)+id, slotEnvironment); return b }, malformed},
		{"ID 0", at32(slot(slotCode)+id, 0), malformed},
		{"object in the header", at64(slot(slotCode)+offset, 0), malformed},
		{"negative offset", at64(slot(slotCode)+offset, -1), malformed},
		{"far offset", at64(slot(slotCode)+offset, 1<<62), malformed},
		{"size 1 TB", at64(slot(slotCode)+size, 1<<40), malformed},
		{"negative size", at64(slot(slotCode)+size, -1), malformed},
		{"objects on each other", func(b []byte) []byte {
			put64(b, slot(slotInspect)+offset, get64(b, slot(slotRecipe)+offset))
			return b
		}, malformed},

		{"signature of size -1", at64(slot(slotSignature)+size, -1), malformed},
		{"signature of size 2^62", at64(slot(slotSignature)+size, 1<<62), malformed},
		{"signature in the header", at64(slot(slotSignature)+offset, 0), malformed},
		{"signature of another key's fingerprint", text(slot(slotSignature)+extra+4, "12345678901234567890"), unsigned},
		{"signature linked to another group", at32(slot(slotSignature)+link, 0xf0000002), malformed},
		{"signature linked to an object", at32(slot(slotSignature)+link, 4), malformed},
		{"signature of another image", func(b []byte) []byte { copy(object(b, slotSignature), object(theirs, slotSignature)); return b }, unsigned},
		{"signature removed", func(b []byte) []byte {
			clear(b[slot(slotSignature):][:descriptorSize])
			put64(b, headerFree, get64(b, headerFree)+1)
			return b[:get64(b, slot(slotSignature-1)+offset)]
		}, malformed},
		{"signature removed in style", func([]byte) []byte { return signedBy(t) }, unsigned},
		{"signed by somebody else", func([]byte) []byte { return theirs }, unsigned},

		{"1 MiB behind the end", func(b []byte) []byte { return append(b, make([]byte, 1<<20)...) }, malformed},
		{"one byte behind the end", func(b []byte) []byte { return append(b, 0) }, malformed},
		{"zip archive behind the end", func(b []byte) []byte { return append(b, "PK\x05\x06"+string(make([]byte, 18))...) }, malformed},
		{"bytes between objects", func(b []byte) []byte {
			b[get64(b, slot(slotInspect)+offset)-1] = 1
			return b
		}, malformed},
		{"bytes in an unused descriptor", func(b []byte) []byte { b[slot(50)+name] = 'x'; return b }, malformed},
		{"unsigned overlay in the group", func(b []byte) []byte { return appendObject(b, 0x4004, 1, 0, "evil", []byte("hsqs")) }, malformed},
		{"unsigned object in no group", func(b []byte) []byte { return appendObject(b, 0x4007, 0, 0, "evil", []byte("x")) }, malformed},
		{"overlay in a group of its own", func(b []byte) []byte { return appendObject(b, 0x4004, 2, 0, "evil", []byte("hsqs")) }, malformed},
		{"payload called a signature", func(b []byte) []byte {
			return appendObject(b, 0x4005, 0, 0, "evil", bytes.Repeat([]byte("x"), 1<<20))
		}, malformed},
		{"object of unknown type", func(b []byte) []byte { return appendObject(b, 0x5000, 1, 0, "evil", []byte("x")) }, malformed},
		{"manifest renamed", text(slot(1)+name, "MANIFEST.json"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.change(slices.Clone(good))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := run(b, trusting(alice), verify.Options{Foreign: tt.want == nil})
			runtime.ReadMemStats(&after)
			switch {
			case err == nil || r.Verdict == record.ImageSigned:
				t.Error("accepted")
			case tt.want != nil && !errors.Is(err, tt.want):
				t.Errorf("%v, want %v", err, tt.want)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
				t.Errorf("took %d MiB", took>>20)
			}
		})
	}
	if _, err := run(good, trusting(alice), verify.Options{}); err != nil {
		t.Fatal(err)
	}
}
