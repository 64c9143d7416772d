package tiff

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"io"
	"repro/internal/badfile"
	"repro/internal/ndarray"
	"slices"
)

// pageImage shows a page as a picture.
type pageImage struct{ p *Page }

func (m *pageImage) ColorModel() color.Model { return color.NRGBA64Model }
func (m *pageImage) Bounds() image.Rectangle { return image.Rect(0, 0, m.p.Width, m.p.Height) }

// sample is one channel of one pixel, as stored and scaled to 16 bits.
func (m *pageImage) sample(i int) (int, uint16) {
	p := m.p
	if p.bits == 16 {
		v := uint16(p.data[2*i]) | uint16(p.data[2*i+1])<<8
		return int(v), v
	}
	v := int(p.data[i])
	return v, uint16(v * (0xffff / (1<<p.bits - 1)))
}

func (m *pageImage) At(x, y int) color.Color {
	c, multiplied := m.colour(x, y)
	if multiplied {
		return color.RGBA64(c)
	}
	return c
}

// RGBA64At is At without an allocation.
func (m *pageImage) RGBA64At(x, y int) color.RGBA64 {
	c, multiplied := m.colour(x, y)
	if multiplied || c.A == 0xffff {
		return color.RGBA64(c)
	}
	r, g, b, a := c.RGBA()
	return color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)}
}

// colour is one pixel, and whether its colours are multiplied by alpha.
func (m *pageImage) colour(x, y int) (c color.NRGBA64, multiplied bool) {
	p := m.p
	i := (y*p.Width + x) * p.Channels
	raw, v := m.sample(i)
	c = color.NRGBA64{R: v, G: v, B: v, A: 0xffff}
	switch p.photometric {
	case 0:
		c.R, c.G, c.B = 0xffff-v, 0xffff-v, 0xffff-v
	case 2:
		_, c.G = m.sample(i + 1)
		_, c.B = m.sample(i + 2)
	case 3:
		n := 1 << p.bits
		return color.NRGBA64{R: uint16(p.colours[raw]), G: uint16(p.colours[n+raw]), B: uint16(p.colours[2*n+raw]), A: 0xffff}, false
	}
	if len(p.extra) == 0 {
		return c, false
	}
	_, c.A = m.sample(i + p.Channels - 1)
	return c, p.extra[0] == 1
}

// chunkForm is the form of a strip or tile.
type chunkForm struct {
	width, rows, channels int
	across, down          int // chunks of one plane
	offsets, sizes        []uint64
	compression           uint64
	predictor             uint64
}

// samples unpacks a page's strips or tiles.
func (t *file) samples(p *Page, entries map[int]entry) error {
	size := p.Width * p.Height * p.Channels * p.size()
	if size > t.left {
		return badfile.TooLarge("it holds more than %d bytes", ndarray.MaxData)
	}
	t.left -= size
	c, planes, err := t.chunks(p, entries)
	if err != nil {
		return err
	}
	p.data = make([]byte, size)
	n := 0
	for plane := range planes {
		for row := range c.down {
			for column := range c.across {
				rows := c.rows
				if c.width == p.Width { // a strip ends with the picture; a tile does not
					rows = min(rows, p.Height-row*c.rows)
				}
				b, err := t.chunk(c, n, rows, p)
				if err != nil {
					return err
				}
				c.place(p, b, plane, column*c.width, row*c.rows, rows)
				n++
			}
		}
	}
	return nil
}

func (t *file) chunks(p *Page, entries map[int]entry) (*chunkForm, int, error) {
	c := &chunkForm{width: p.Width, channels: p.Channels, compression: t.number(entries, tagCompression, 1), predictor: t.number(entries, tagPredictor, 1)}
	planes := 1
	if t.number(entries, tagPlanar, 1) == 2 && p.Channels > 1 {
		planes, c.channels = p.Channels, 1
	}
	rows := t.number(entries, tagRowsPerStrip, uint64(p.Height))
	c.offsets, c.sizes = t.numbers(entries[tagStripOffsets]), t.numbers(entries[tagStripSizes])
	if _, tiled := entries[tagTileWidth]; tiled {
		width := t.number(entries, tagTileWidth, 0)
		rows = t.number(entries, tagTileHeight, 0)
		if width == 0 || width > 1<<16 || rows > 1<<16 || width%16 != 0 {
			return nil, 0, t.damaged(fmt.Sprintf("tiles of %d × %d pixels", width, rows))
		}
		c.width = int(width)
		c.offsets, c.sizes = t.numbers(entries[tagTileOffsets]), t.numbers(entries[tagTileSizes])
	}
	if rows == 0 {
		return nil, 0, t.damaged("strips without rows")
	}
	if _, tiled := entries[tagTileWidth]; !tiled {
		rows = min(rows, uint64(p.Height))
	}
	c.rows = int(rows)
	c.across, c.down = (p.Width+c.width-1)/c.width, (p.Height+c.rows-1)/c.rows
	if want := c.across * c.down * planes; want > maxChunks || len(c.offsets) != want || len(c.sizes) != want {
		return nil, 0, t.damaged(fmt.Sprintf("%d strips or tiles where %d should be", len(c.offsets), want))
	}
	return c, planes, nil
}

// chunk unpacks one strip or tile to samples of whole bytes, little-endian.
func (t *file) chunk(c *chunkForm, n, rows int, p *Page) ([]byte, error) {
	stored := t.at(c.offsets[n], c.sizes[n])
	if stored == nil {
		return nil, t.damaged("a strip lies beyond the end of the file")
	}
	rowBytes := (c.width*c.channels*p.bits + 7) / 8
	if rowBytes*rows > ndarray.MaxData {
		return nil, badfile.TooLarge("a tile of more than %d bytes", ndarray.MaxData)
	}
	b, err := t.unpack(c.compression, stored, rowBytes*rows)
	if err != nil {
		return nil, err
	}
	switch {
	case c.predictor == 1:
	case c.predictor == 2 && p.bits >= 8 && p.format != 3:
		t.undoDifferences(b, rowBytes, c.channels, p.size())
	case c.predictor == 3 && p.format == 3:
		undoFloatDifferences(b, rowBytes, c.channels, p.size())
		return b, nil
	default:
		return nil, badfile.Unread("it uses the predictor %d", c.predictor)
	}
	if p.bits < 8 {
		return widen(b, rowBytes, c.width*c.channels, p.bits), nil
	}
	if size := p.size(); size > 1 && t.order.Uint16([]byte{0, 1}) == 1 { // big-endian
		for at := 0; at+size <= len(b); at += size {
			slices.Reverse(b[at : at+size])
		}
	}
	return b, nil
}

// unpack returns exactly size bytes, in memory of its own.
func (t *file) unpack(compression uint64, stored []byte, size int) ([]byte, error) {
	var b []byte
	switch compression {
	case 1:
		b = bytes.Clone(stored[:min(size, len(stored))])
	case 5:
		if len(stored) > 1 && stored[0] == 0 && stored[1]&1 == 1 {
			return nil, badfile.Unread("it is packed by LZW in the order of bits of before 1988")
		}
		b = unpackLZW(stored, size)
	case 8, 32946:
		r, err := zlib.NewReader(bytes.NewReader(stored))
		if err != nil {
			return nil, t.damaged(badfile.Cause(err))
		}
		if b, err = io.ReadAll(io.LimitReader(r, int64(size))); err != nil {
			return nil, t.damaged(badfile.Cause(err))
		}
	case 32773:
		b = unpackBits(stored, size)
	default:
		return nil, badfile.Unread("it is packed by method %d", compression)
	}
	if len(b) != size {
		return nil, t.damaged("a strip ends too early")
	}
	return b, nil
}

// unpackBits undoes PackBits (TIFF 6.0, section 9).
func unpackBits(b []byte, size int) []byte {
	out := make([]byte, 0, size)
	for len(b) > 1 && len(out) < size {
		n := int(int8(b[0]))
		switch {
		case n >= 0:
			n = min(n+1, len(b)-1)
			out = append(out, b[1:1+n]...)
			b = b[1+n:]
		case n == -128:
			b = b[1:]
		default:
			out = append(out, bytes.Repeat(b[1:2], 1-n)...)
			b = b[2:]
		}
	}
	return out[:min(size, len(out))]
}

// unpackLZW undoes TIFF's LZW (TIFF 6.0, section 13), whose codes grow one
// early. It returns what it could unpack.
func unpackLZW(b []byte, size int) []byte {
	const clear, end = 256, 257
	var prefix [4096]uint16
	var suffix, first [4096]byte
	var length [4096]int
	for i := range 256 {
		suffix[i], first[i], length[i] = byte(i), byte(i), 1
	}
	out := make([]byte, 0, size)
	next, width, previous := 258, 9, -1
	var bits, have uint32
	for len(out) < size {
		for have < uint32(width) {
			if len(b) == 0 {
				return out
			}
			bits, have, b = bits<<8|uint32(b[0]), have+8, b[1:]
		}
		have -= uint32(width)
		code := int(bits >> have & (1<<width - 1))
		if code == end {
			return out
		}
		if code == clear {
			next, width, previous = 258, 9, -1
			continue
		}
		if code > next || code == next && previous < 0 || code >= 4096 || previous < 0 && code > 255 {
			return out
		}
		if previous >= 0 && next < 4096 {
			prefix[next], first[next], length[next] = uint16(previous), first[previous], length[previous]+1
			suffix[next] = first[code]
			if code == next {
				suffix[next] = first[previous]
			}
			next++
		} else if code == next {
			return out
		}
		at := len(out)
		out = append(out, make([]byte, length[code])...)
		for c, i := code, at+length[code]-1; i >= at; i-- {
			out[i] = suffix[c]
			c = int(prefix[c])
		}
		previous = code
		if next >= 1<<width-1 && width < 12 {
			width++
		}
	}
	return out[:size]
}

// undoDifferences turns differences along a row back into samples (TIFF 6.0,
// section 14).
func (t *file) undoDifferences(b []byte, rowBytes, channels, size int) {
	step := channels * size
	for ; len(b) >= rowBytes; b = b[rowBytes:] {
		row := b[:rowBytes]
		for at := step; at+size <= len(row); at += size {
			switch size {
			case 1:
				row[at] += row[at-step]
			case 2:
				t.order.PutUint16(row[at:], t.order.Uint16(row[at:])+t.order.Uint16(row[at-step:]))
			case 4:
				t.order.PutUint32(row[at:], t.order.Uint32(row[at:])+t.order.Uint32(row[at-step:]))
			default:
				t.order.PutUint64(row[at:], t.order.Uint64(row[at:])+t.order.Uint64(row[at-step:]))
			}
		}
	}
}

// undoFloatDifferences is the same for floating point, whose bytes are stored
// in planes, the highest first (Adobe Photoshop TIFF Technical Note 3).
func undoFloatDifferences(b []byte, rowBytes, channels, size int) {
	row := make([]byte, rowBytes)
	for ; len(b) >= rowBytes; b = b[rowBytes:] {
		for at := channels; at < rowBytes; at++ {
			b[at] += b[at-channels]
		}
		copy(row, b[:rowBytes])
		count := rowBytes / size
		for i := range count {
			for k := range size {
				b[i*size+size-1-k] = row[k*count+i]
			}
		}
	}
}

// widen gives each sample a byte of its own; rows begin at whole bytes.
func widen(b []byte, rowBytes, perRow, bits int) []byte {
	out := make([]byte, 0, len(b)/max(1, rowBytes)*perRow)
	for ; len(b) >= rowBytes; b = b[rowBytes:] {
		for i := range perRow {
			at := i * bits
			out = append(out, b[at/8]>>(8-bits-at%8)&(1<<bits-1))
		}
	}
	return out
}

// place puts a chunk's samples where they stand in the page.
func (c *chunkForm) place(p *Page, b []byte, plane, left, top, rows int) {
	size := p.size()
	for y := range min(rows, p.Height-top) {
		from := b[y*c.width*c.channels*size:]
		count := min(c.width, p.Width-left)
		to := ((top+y)*p.Width + left) * p.Channels * size
		if c.channels == p.Channels {
			copy(p.data[to:to+count*p.Channels*size], from)
			continue
		}
		for x := range count {
			copy(p.data[to+(x*p.Channels+plane)*size:][:size], from[x*size:])
		}
	}
}
