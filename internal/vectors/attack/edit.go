package main

import (
	"bytes"
	"encoding/binary"
)

// The places in an image, stated here once more and not taken from package
// format: a mistake there must not hide in its own vectors.
const (
	headerArch     = 45
	headerUUID     = 48
	headerCreated  = 64
	headerModified = 72
	headerFree     = 80
	headerTotal    = 88
	headerTable    = 96
	headerData     = 112
	headerDataSize = 120
	tableAt        = 4096
	descriptorSize = 585

	used, id, group, link, offset = 4, 5, 9, 13, 17
	size, padded, created         = 25, 33, 41
	modified, uid, name, extra    = 49, 57, 73, 201
)

// Slots of the objects in the images; 5 and 7 hold the trees of the layers.
const (
	slotManifest    = 1
	slotRecipe      = 2
	slotInspect     = 3
	slotEnvironment = 4
	slotCode        = 6
	slotSignature   = 8
	slotUnused      = 9
)

var le = binary.LittleEndian

// slot returns where the descriptor of slot n (from 1) stands.
func slot(n int) int { return tableAt + (n-1)*descriptorSize }

func put32(b []byte, at int, v uint32) { le.PutUint32(b[at:], v) }
func put64(b []byte, at int, v int64)  { le.PutUint64(b[at:], uint64(v)) }
func get64(b []byte, at int) int64     { return int64(le.Uint64(b[at:])) }

// start returns where the object in slot n lies, object what it holds.
func start(b []byte, n int) int64 { return get64(b, slot(n)+offset) }

func object(b []byte, n int) []byte {
	return b[start(b, n):][:get64(b, slot(n)+size)]
}

// maker makes the file of a vector.
type maker func(*images) []byte

// edit alters the image that Alice signed.
func edit(change func([]byte) []byte) maker {
	return func(im *images) []byte { return change(bytes.Clone(im.good)) }
}

// change is an edit that leaves the file as long as it was.
func change(f func([]byte)) maker {
	return edit(func(b []byte) []byte { f(b); return b })
}

func at32(at int, v uint32) maker { return change(func(b []byte) { put32(b, at, v) }) }
func at64(at int, v int64) maker  { return change(func(b []byte) { put64(b, at, v) }) }
func text(at int, s string) maker { return change(func(b []byte) { copy(b[at:], s) }) }

func cut(n int) maker { return edit(func(b []byte) []byte { return b[:n] }) }

// cutInside ends the file ten bytes into an object.
func cutInside(n int) maker {
	return edit(func(b []byte) []byte { return b[:start(b, n)+10] })
}

func tail(s string) maker {
	return edit(func(b []byte) []byte { return append(b, s...) })
}

// swap exchanges a field of the descriptors of environment and code.
func swap(field, n int) maker {
	return change(func(b []byte) {
		x, y := b[slot(slotEnvironment)+field:][:n], b[slot(slotCode)+field:][:n]
		old := bytes.Clone(x)
		copy(x, y)
		copy(y, old)
	})
}

// add puts a descriptor and its content behind everything else, as somebody
// would who knows the format.
func add(kind, groupID uint32, content string) maker {
	return edit(func(b []byte) []byte { return added(b, kind, groupID, "evil", []byte(content)) })
}

func added(b []byte, kind, groupID uint32, title string, content []byte) []byte {
	for len(b)%4096 != 0 {
		b = append(b, 0)
	}
	at := len(b)
	b = append(b, content...)
	d := make([]byte, descriptorSize)
	put32(d, 0, kind)
	d[used] = 1
	put32(d, id, slotUnused)
	put32(d, group, groupID|0xf0000000)
	put64(d, offset, int64(at))
	put64(d, size, int64(len(content)))
	put64(d, padded, int64(len(content)))
	copy(d[created:], b[slot(slotManifest)+created:][:16])
	copy(d[name:], title)
	copy(b[slot(slotUnused):], d)
	put64(b, headerFree, get64(b, headerFree)-1)
	put64(b, headerDataSize, int64(len(b))-get64(b, headerData))
	return b
}

// renumber moves the whole group and its signature to group 7.
func renumber(b []byte) {
	for n := slotManifest; n < slotSignature; n++ {
		put32(b, slot(n)+group, 0xf0000007)
	}
	put32(b, slot(slotSignature)+link, 0xf0000007)
}

// otherTable makes the header point to a copy of the table at the end.
func otherTable(b []byte) []byte {
	put64(b, headerTable, int64(len(b)))
	return append(b, b[tableAt:][:112*descriptorSize]...)
}

// removed takes the signature out, but leaves the header's size of the data.
func removed(b []byte) []byte {
	clear(b[slot(slotSignature):][:descriptorSize])
	put64(b, headerFree, get64(b, headerFree)+1)
	return b[:start(b, slotSignature-1)]
}

// transplant puts Mallory's signature where Alice's was.
func transplant(im *images) []byte {
	b := bytes.Clone(im.good)
	copy(object(b, slotSignature), object(im.theirs, slotSignature))
	return b
}

// rebuilt is an image with another content and all digests to it, in which
// Alice's signature of the old one stands, with the descriptor that goes with it.
func rebuilt(im *images) []byte {
	b := bytes.Clone(im.other[:start(im.other, slotSignature)])
	b = append(b, object(im.good, slotSignature)...)
	d := b[slot(slotSignature):][:descriptorSize]
	at := get64(d, offset)
	copy(d, im.good[slot(slotSignature):])
	put64(d, offset, at)
	put64(d, padded, int64(len(b))-at+(get64(im.other, slot(slotSignature)+padded)-get64(im.other, slot(slotSignature)+size)))
	put64(b, headerDataSize, int64(len(b))-get64(b, headerData))
	return b
}
