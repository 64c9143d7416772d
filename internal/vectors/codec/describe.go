package main

import (
	"encoding/binary"
	"fmt"
)

// describe says of each block of a frame what it consists of. Frames are those
// of this program: with a single segment and without checksum.
func describe(frame []byte) (blocks []string) {
	sizes := [4]int{1, 2, 4, 8}
	b := frame[5+sizes[frame[4]>>6]:]
	for len(b) > 0 {
		head := number(b[:3])
		size := head >> 3
		if head>>1&3 == 0 {
			blocks = append(blocks, fmt.Sprintf("raw, %d bytes", size))
		} else {
			literals, rest := describeLiterals(b[3:])
			blocks = append(blocks, literals+"; "+describeSequences(b[3+rest:]))
		}
		b = b[3+size:]
	}
	return blocks
}

// describeLiterals also returns how many bytes the section has.
func describeLiterals(b []byte) (string, int) {
	kind, format := b[0]&3, b[0]>>2&3
	if kind < 2 {
		width := map[byte]int{0: 1, 2: 1, 1: 2, 3: 3}[format]
		n := number(b[:width]) >> 4
		if width == 1 {
			n = int(b[0] >> 3)
		}
		if kind == 1 {
			return fmt.Sprintf("%d literals, RLE", n), width + 1
		}
		return fmt.Sprintf("%d literals, raw", n), width + n
	}
	width, digits := [4]int{3, 3, 4, 5}[format], [4]int{10, 10, 14, 18}[format]
	h := number(b[:width])
	streams := 4
	if format == 0 {
		streams = 1
	}
	weights := "compressed weights"
	if first := b[width]; first > 127 {
		weights = fmt.Sprintf("%d direct weights", first-127)
	}
	return fmt.Sprintf("%d literals, %d streams, %s", h>>4&(1<<digits-1), streams, weights), width + h>>(4+digits)
}

func describeSequences(b []byte) string {
	n, at := int(b[0]), 1
	switch {
	case n == 255:
		n, at = number(b[1:3])+0x7f00, 3
	case n > 127:
		n, at = (n-128)<<8+int(b[1]), 2
	}
	if n == 0 {
		return "no sequences"
	}
	modes := []string{"predefined", "RLE", "compressed"}
	return fmt.Sprintf("%d sequences, %s, %s, %s", n, modes[b[at]>>6], modes[b[at]>>4&3], modes[b[at]>>2&3])
}

// number reads up to eight bytes.
func number(b []byte) int {
	var all [8]byte
	copy(all[:], b)
	return int(binary.LittleEndian.Uint64(all[:]))
}
