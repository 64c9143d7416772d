package format

import (
	"bytes"
	"encoding/binary"
)

const (
	descriptorSize = 585
	nameSize       = 128
	extraStart     = 201
	groupMask      = 0xf0000000
)

// Object is what one descriptor says of one object.
type Object struct {
	Slot        int    // place in the table, from 1
	ID          uint32 // equal to Slot in an image
	Group       uint32 // 0: none
	Link        uint32 // 0: none; the object, or group, that a signature is about
	LinkIsGroup bool
	Type        DataType
	Name        string

	Offset   int64 // in the file
	Size     int64 // bytes
	Padded   int64 // Size and the padding before the object
	Created  int64 // seconds since 1970
	Modified int64 // seconds since 1970
	UID, GID int64

	raw [descriptorSize]byte
}

// descriptorFields names the bytes of a descriptor.
var descriptorFields = []field{
	{0, 4, "data type"}, {4, 1, "used"}, {5, 4, "ID"}, {9, 4, "group"},
	{13, 4, "link"}, {17, 8, "offset"}, {25, 8, "size"},
	{33, 8, "size with padding"}, {41, 8, "creation time"},
	{49, 8, "modification time"}, {57, 8, "uid"}, {65, 8, "gid"},
	{73, nameSize, "name"}, {extraStart, 384, "extra"},
}

func (o *Object) int64s() []*int64 {
	return []*int64{&o.Offset, &o.Size, &o.Padded, &o.Created, &o.Modified, &o.UID, &o.GID}
}

// parseObject reads a used descriptor.
func parseObject(slot int, raw [descriptorSize]byte) Object {
	le := binary.LittleEndian
	o := Object{Slot: slot, raw: raw}
	o.Type = DataType(le.Uint32(raw[0:]))
	o.ID = le.Uint32(raw[5:])
	o.Group = le.Uint32(raw[9:]) &^ groupMask
	link := le.Uint32(raw[13:])
	o.Link, o.LinkIsGroup = link&^groupMask, link&groupMask == groupMask
	for i, p := range o.int64s() {
		*p = int64(le.Uint64(raw[17+8*i:]))
	}
	o.Name = string(bytes.TrimRight(raw[73:73+nameSize], "\x00"))
	return o
}

// encode sets o.raw, all but the extra bytes.
func (o *Object) encode() {
	le := binary.LittleEndian
	le.PutUint32(o.raw[0:], uint32(o.Type))
	o.raw[4] = 1
	le.PutUint32(o.raw[5:], o.ID)
	le.PutUint32(o.raw[9:], o.Group|groupMask)
	link := o.Link
	if o.LinkIsGroup {
		link |= groupMask
	}
	le.PutUint32(o.raw[13:], link)
	for i, p := range o.int64s() {
		le.PutUint64(o.raw[17+8*i:], uint64(*p))
	}
	copy(o.raw[73:73+nameSize], o.Name)
}

func (o *Object) extra() []byte { return o.raw[extraStart:] }

// SignedBytes returns the part of the descriptor that SIF signatures cover, for
// an object of a group whose least ID is first: type, used, ID less first,
// link, size, creation time, uid, gid, name, extra.
func (o Object) SignedBytes(first uint32) []byte {
	b := bytes.Clone(o.raw[0:4])
	b = append(b, 1)
	b = binary.LittleEndian.AppendUint32(b, o.ID-first)
	b = append(b, o.raw[13:17]...)
	b = append(b, o.raw[25:33]...)
	b = append(b, o.raw[41:49]...)
	return append(b, o.raw[57:]...)
}

// Partition is what a descriptor says of a partition.
type Partition struct {
	FS   FSType
	Type PartType
	Arch string // Go's name, or "unknown"
}

// Partition returns what the descriptor of a partition says of it.
func (o Object) Partition() (p Partition, ok bool) {
	x := o.extra()
	p.FS = FSType(binary.LittleEndian.Uint32(x[0:]))
	p.Type = PartType(binary.LittleEndian.Uint32(x[4:]))
	p.Arch = archName([3]byte(x[8:11]))
	return p, o.Type == dataPartition
}

func (o *Object) setPartition(p Partition) {
	x := o.extra()
	binary.LittleEndian.PutUint32(x[0:], uint32(p.FS))
	binary.LittleEndian.PutUint32(x[4:], uint32(p.Type))
	code := archCode(p.Arch)
	copy(x[8:], code[:])
}

// Signature returns what the descriptor of a signature says of it: the hash
// function, and the signer's OpenPGP fingerprint or zeros. Neither is covered
// by the signature.
func (o Object) Signature() (hash HashType, entity [20]byte, ok bool) {
	x := o.extra()
	return HashType(binary.LittleEndian.Uint32(x)), [20]byte(x[4:24]), o.Type == DataSignature
}

func (o *Object) setSignature(hash HashType, entity [20]byte) {
	binary.LittleEndian.PutUint32(o.extra(), uint32(hash))
	copy(o.extra()[4:], entity[:])
}
