package compare

import (
	"encoding/binary"
	"hash/crc32"
)

const pngSignature = 8 // bytes

// colours says how the samples of a PNG are to be shown. The zero value is
// sRGB, which is also how a picture that says nothing is shown (PNG, Third
// Edition, section 12.1 and 4.3).
type colours struct {
	gamma, primaries uint32
	profile          uint32 // sums what else there is
}

// What sRGB's own values are in gAMA and cHRM (PNG section 11.3.2.5).
const srgbGamma = 45455

var srgbPrimaries = []uint32{31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000}

// chunks looks at what the decoder passes over: animations, which can't be
// compared by their first picture, and how colours are to be shown.
func chunks(b []byte, of side) (colours, error) {
	var c colours
	srgb := false
	for at := pngSignature; at+12 <= len(b); {
		size := int64(binary.BigEndian.Uint32(b[at:]))
		if size > int64(len(b)-at-12) {
			break // the decoder has said so, or will
		}
		name, data := string(b[at+4:at+8]), b[at+8:at+8+int(size)]
		switch name {
		case "acTL":
			return c, &undecided{"the " + string(of) + " picture is animated"}
		case "sRGB":
			srgb = true
		case "gAMA":
			if size != 4 || binary.BigEndian.Uint32(data) != srgbGamma {
				c.gamma = crc32.Update(1, crc32.IEEETable, data)
			}
		case "cHRM":
			if !isSRGB(data) {
				c.primaries = crc32.Update(1, crc32.IEEETable, data)
			}
		case "iCCP", "cICP", "mDCV", "cLLI":
			c.profile = crc32.Update(c.profile+1, crc32.IEEETable, b[at+4:at+8+int(size)])
		}
		at += 12 + int(size)
	}
	if srgb { // it overrides both
		c.gamma, c.primaries = 0, 0
	}
	return c, nil
}

func isSRGB(data []byte) bool {
	if len(data) != 4*len(srgbPrimaries) {
		return false
	}
	for i, want := range srgbPrimaries {
		if binary.BigEndian.Uint32(data[4*i:]) != want {
			return false
		}
	}
	return true
}
