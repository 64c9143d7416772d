package format

import (
	"bytes"
	"encoding/binary"
)

const (
	headerSize = 128
	launchSize = 32
	magic      = "SIF_MAGIC\x00"
	version    = "01\x00"

	// launch lets an image be started as a program where Apptainer or
	// SingularityCE is installed.
	launch = "#!/usr/bin/env run-singularity\n"
)

// Header is the header of a SIF file.
type Header struct {
	Launch   string // first line of the file
	Arch     string // Go's name, or "unknown"
	UUID     [16]byte
	Created  int64 // seconds since 1970
	Modified int64 // seconds since 1970
	Free     int64 // unused descriptors
	Total    int64 // descriptors in the table

	TableOffset int64
	TableSize   int64
	DataOffset  int64
	DataSize    int64

	raw [headerSize]byte
}

// headerFields names the bytes of a header for those who look for what is
// wrong with them.
var headerFields = []field{
	{0, 32, "launch line"}, {32, 10, "magic"}, {42, 3, "version"},
	{45, 3, "architecture"}, {48, 16, "UUID"}, {64, 8, "creation time"},
	{72, 8, "modification time"}, {80, 8, "free descriptors"},
	{88, 8, "descriptors"}, {96, 8, "table offset"}, {104, 8, "table size"},
	{112, 8, "data offset"}, {120, 8, "data size"},
}

// field names some bytes of a header or descriptor.
type field struct {
	start, size int
	name        string
}

// int64s lists the numbers of a header in their order, from byte 64.
func (h *Header) int64s() []*int64 {
	return []*int64{
		&h.Created, &h.Modified, &h.Free, &h.Total,
		&h.TableOffset, &h.TableSize, &h.DataOffset, &h.DataSize,
	}
}

// parseHeader reads a header. It checks magic and version only.
func parseHeader(raw [headerSize]byte) (Header, error) {
	h := Header{raw: raw}
	if string(raw[32:42]) != magic {
		return h, malformed("header: not a SIF file")
	}
	if string(raw[42:45]) != version {
		return h, malformed("header: SIF version %q, want %q", cString(raw[42:45]), cString([]byte(version)))
	}
	h.Launch = cString(raw[:launchSize])
	h.Arch = archName([3]byte(raw[45:48]))
	h.UUID = [16]byte(raw[48:64])
	for i, p := range h.int64s() {
		*p = int64(binary.LittleEndian.Uint64(raw[64+8*i:]))
	}
	return h, nil
}

// encode sets h.raw.
func (h *Header) encode() {
	h.raw = [headerSize]byte{}
	copy(h.raw[:launchSize], h.Launch)
	copy(h.raw[32:], magic)
	copy(h.raw[42:], version)
	code := archCode(h.Arch)
	copy(h.raw[45:], code[:])
	copy(h.raw[48:], h.UUID[:])
	for i, p := range h.int64s() {
		binary.LittleEndian.PutUint64(h.raw[64+8*i:], uint64(*p))
	}
}

// SignedBytes returns the part of the header that SIF signatures cover: launch
// line, magic, version, UUID.
func (h Header) SignedBytes() []byte {
	return append(bytes.Clone(h.raw[:45]), h.raw[48:64]...)
}

// cString returns the text before the first NUL.
func cString(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}
