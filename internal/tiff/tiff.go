// Package tiff reads the samples of TIFF files (TIFF, Revision 6.0, and BigTIFF),
// as scientific cameras, microscopes and geographic programs write them.
package tiff

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"repro/internal/badfile"
	"repro/internal/ndarray"
	"slices"
)

// Limits on TIFF files.
const (
	MaxFile    = 64 << 20 // bytes
	MaxPixels  = 1 << 24
	maxPages   = 4096
	maxEntries = 4096
	maxChunks  = 1 << 20
)

// Tags of TIFF, Revision 6.0, and of its supplements.
const (
	tagWidth          = 256
	tagHeight         = 257
	tagBits           = 258
	tagCompression    = 259
	tagPhotometric    = 262
	tagFillOrder      = 266
	tagStripOffsets   = 273
	tagDescription    = 270
	tagXResolution    = 282
	tagYResolution    = 283
	tagResolutionUnit = 296
	tagOrientation    = 274
	tagSamples        = 277
	tagRowsPerStrip   = 278
	tagStripSizes     = 279
	tagPlanar         = 284
	tagTransfer       = 301
	tagPredictor      = 317
	tagWhitePoint     = 318
	tagPrimaries      = 319
	tagColorMap       = 320
	tagTileWidth      = 322
	tagTileHeight     = 323
	tagTileOffsets    = 324
	tagTileSizes      = 325
	tagSubIFDs        = 330
	tagExtraSamples   = 338
	tagSampleFormat   = 339
	tagReferenceBW    = 532
	tagICC            = 34675
	tagPhotometricCF  = 32803 // colour filter array
	tagPrivate        = 32768 // the first tag of others' own
)

// file reads the directories of a file.
type file struct {
	b     []byte
	order binary.ByteOrder
	big   bool // BigTIFF: offsets of 8 bytes
	left  int  // bytes that may yet be unpacked
}

// entry is one field: its values' type, and their bytes.
type entry struct {
	kind int
	data []byte
}

var typeSizes = map[int]int{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

// Read reads and unpacks all pages of a file.
func Read(ctx context.Context, b []byte) ([]Page, error) {
	t := &file{b: b, left: ndarray.MaxData}
	switch {
	case len(b) >= 16 && string(b[:2]) == "II":
		t.order = binary.LittleEndian
	case len(b) >= 16 && string(b[:2]) == "MM":
		t.order = binary.BigEndian
	default:
		return nil, badfile.Damaged("it does not begin as one")
	}
	next := uint64(t.order.Uint32(b[4:]))
	switch t.order.Uint16(b[2:]) {
	case 42:
	case 43:
		t.big, next = true, t.order.Uint64(b[8:])
	default:
		return nil, badfile.Damaged("it does not begin as one")
	}
	var out []Page
	for next != 0 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if len(out) == maxPages {
			return nil, badfile.TooLarge("more than %d pages", maxPages)
		}
		entries, after, err := t.directory(next)
		if err != nil {
			return nil, err
		}
		p, err := t.page(entries)
		if err != nil {
			return nil, err
		}
		out = append(out, *p)
		next = after
	}
	if len(out) == 0 {
		return nil, badfile.Damaged("it holds no page")
	}
	return out, nil
}

func (t *file) damaged(what string) error { return badfile.Damaged("%s", what) }

// at returns size bytes at an offset, or nil.
func (t *file) at(offset, size uint64) []byte {
	if offset > uint64(len(t.b)) || size > uint64(len(t.b))-offset {
		return nil
	}
	return t.b[offset : offset+size]
}

// directory reads one image file directory, and the offset of the next.
func (t *file) directory(offset uint64) (map[int]entry, uint64, error) {
	countSize, entrySize, inline := uint64(2), uint64(12), uint64(4)
	if t.big {
		countSize, entrySize, inline = 8, 20, 8
	}
	head := t.at(offset, countSize)
	if head == nil {
		return nil, 0, t.damaged("a directory lies beyond the end of the file")
	}
	count := uint64(0)
	if t.big {
		count = t.order.Uint64(head)
	} else {
		count = uint64(t.order.Uint16(head))
	}
	if count == 0 || count > maxEntries {
		return nil, 0, t.damaged(fmt.Sprintf("a directory of %d fields", count))
	}
	body := t.at(offset+countSize, count*entrySize+inline)
	if body == nil {
		return nil, 0, t.damaged("a directory lies beyond the end of the file")
	}
	entries := map[int]entry{}
	for ; uint64(len(body)) > inline; body = body[entrySize:] {
		tag, e, err := t.entry(body[:entrySize], inline)
		if err != nil {
			return nil, 0, err
		}
		if _, twice := entries[tag]; twice && tag == tagDescription {
			continue // tifffile writes two: that of its caller, and its own
		} else if twice {
			return nil, 0, t.damaged(fmt.Sprintf("the field %d stands twice in one directory", tag))
		}
		entries[tag] = e
	}
	return entries, t.offset(body), nil
}

func (t *file) offset(b []byte) uint64 {
	if t.big {
		return t.order.Uint64(b)
	}
	return uint64(t.order.Uint32(b))
}

func (t *file) entry(b []byte, inline uint64) (int, entry, error) {
	tag, kind := int(t.order.Uint16(b)), int(t.order.Uint16(b[2:]))
	count, value := t.offset(b[4:]), b[len(b)-int(inline):]
	size := uint64(typeSizes[kind])
	if size == 0 && tag >= tagPrivate {
		return tag, entry{kind: kind}, nil // a reader passes over what it does not know
	}
	if size == 0 {
		return 0, entry{}, t.damaged(fmt.Sprintf("the field %d is of type %d", tag, kind))
	}
	if count > uint64(len(t.b)) {
		return 0, entry{}, t.damaged(fmt.Sprintf("the field %d is larger than the file", tag))
	}
	data := value
	if count*size > inline {
		data = t.at(t.offset(value), count*size)
	} else {
		data = data[:count*size]
	}
	if data == nil {
		return 0, entry{}, t.damaged(fmt.Sprintf("the field %d lies beyond the end of the file", tag))
	}
	return tag, entry{kind, data}, nil
}

// numbers are the values of a field of whole numbers.
func (t *file) numbers(e entry) []uint64 {
	var out []uint64
	size := typeSizes[e.kind]
	switch e.kind {
	case 1, 3, 4, 13, 16, 18:
	default:
		return nil
	}
	for b := e.data; len(b) >= size; b = b[size:] {
		switch size {
		case 1:
			out = append(out, uint64(b[0]))
		case 2:
			out = append(out, uint64(t.order.Uint16(b)))
		case 4:
			out = append(out, uint64(t.order.Uint32(b)))
		default:
			out = append(out, t.order.Uint64(b))
		}
	}
	return out
}

// number is the first value of a field, or what it stands for where it is
// absent.
func (t *file) number(entries map[int]entry, tag int, absent uint64) uint64 {
	if v := t.numbers(entries[tag]); len(v) > 0 {
		return v[0]
	}
	return absent
}

// uniform is the value that all of a field's values must have.
func (t *file) uniform(entries map[int]entry, tag int, absent uint64) (uint64, error) {
	v := t.numbers(entries[tag])
	for _, n := range v {
		if n != v[0] {
			return 0, badfile.Unread("the channels of a page are of different sorts")
		}
	}
	return t.number(entries, tag, absent), nil
}

// Page is one page, unpacked: samples of whole bytes, little-endian,
// row by row, the channels of a pixel together.
type Page struct {
	Width, Height, Channels int
	bits                    int
	format                  uint64 // 1 ndarray.Uint, 2 ndarray.Int, 3 floating point
	photometric             uint64
	extra                   []uint64
	colours                 []uint64 // of a palette
	meant                   string   // what else says how samples are to be shown
	georeference, notes     []Note
	data                    []byte
}

func (p *Page) size() int { return max(1, p.bits/8) }

// Meaning is what else says how samples are to be shown.
func (p *Page) Meaning() string {
	return fmt.Sprint(p.photometric, p.extra, p.colours, p.meant)
}

// Rendering is what fields beside the photometric interpretation and the colour
// map say of how samples are to be shown; empty if nothing does.
func (p *Page) Rendering() string { return p.meant }

// Array is the page's samples, by rows, columns and, where there are several,
// channels.
func (p *Page) Array(name string) ndarray.Array {
	a := ndarray.Array{Name: name, Size: p.size(), Shape: []int{p.Height, p.Width}, Order: binary.LittleEndian, Data: p.data}
	if p.Channels > 1 {
		a.Shape = append(a.Shape, p.Channels)
	}
	a.Class = map[uint64]ndarray.Class{1: ndarray.Uint, 2: ndarray.Int, 3: ndarray.Float}[p.format]
	return a
}

// page reads and unpacks one page.
func (t *file) page(entries map[int]entry) (*Page, error) {
	if _, has := entries[tagSubIFDs]; has {
		return nil, badfile.Unread("a page holds further ones within itself")
	}
	p := &Page{photometric: t.number(entries, tagPhotometric, math.MaxUint64), extra: t.numbers(entries[tagExtraSamples]), colours: t.numbers(entries[tagColorMap])}
	width, height := t.number(entries, tagWidth, 0), t.number(entries, tagHeight, 0)
	channels := t.number(entries, tagSamples, 1)
	bits, err := t.uniform(entries, tagBits, 1)
	if err != nil {
		return nil, err
	}
	if p.format, err = t.uniform(entries, tagSampleFormat, 1); err != nil {
		return nil, err
	}
	switch {
	case width == 0 || height == 0 || channels == 0:
		return nil, t.damaged("a page has no size")
	case width > MaxPixels || height > MaxPixels || width*height > MaxPixels || channels > 4096:
		return nil, badfile.TooLarge("%d × %d pixels; at most %d are compared", width, height, MaxPixels)
	case p.format == 4:
		p.format = 1 // not said
	}
	whole := bits == 8 || bits == 16 || bits == 32 || bits == 64
	if !(p.format == 1 && (whole || bits == 1 || bits == 2 || bits == 4) || p.format == 2 && whole || p.format == 3 && whole && bits > 8) {
		return nil, badfile.Unread("it has samples of %d bits in format %d", bits, p.format)
	}
	if t.number(entries, tagFillOrder, 1) != 1 || p.photometric == 6 || p.photometric == tagPhotometricCF {
		return nil, badfile.Unread("it is of a form of TIFF with the photometric interpretation %d", p.photometric)
	}
	if !slices.ContainsFunc(p.colours, func(c uint64) bool { return c&0xff != 0 }) {
		for i, c := range p.colours { // 8 bits, shifted up: as most programs write them
			p.colours[i] = c | c>>8
		}
	}
	p.Width, p.Height, p.Channels, p.bits = int(width), int(height), int(channels), int(bits)
	for _, tag := range []int{tagOrientation, tagTransfer, tagWhitePoint, tagPrimaries, tagReferenceBW, tagICC} {
		if e, has := entries[tag]; has && (tag != tagOrientation || t.number(entries, tag, 1) != 1) {
			p.meant += fmt.Sprintf("%d %x ", tag, e.data)
		}
	}
	t.note(p, entries)
	return p, t.samples(p, entries)
}

// Image is the page as a picture, or nil if it is none whose colours are known.
func (p *Page) Image() image.Image {
	alpha := p.Channels - map[uint64]int{0: 1, 1: 1, 2: 3, 3: 1}[p.photometric]
	known := p.photometric <= 3 && p.format == 1 && p.bits <= 16 && (p.Width*p.Height <= MaxPixels/2 || p.bits <= 8)
	switch {
	case !known || alpha < 0 || alpha > 1 || alpha != len(p.extra):
		return nil
	case alpha == 1 && p.extra[0] != 1 && p.extra[0] != 2:
		return nil
	case p.photometric == 3 && (alpha == 1 || len(p.colours) != 3<<p.bits):
		return nil
	}
	return &pageImage{p}
}
