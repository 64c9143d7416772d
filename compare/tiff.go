package compare

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"math"
	"slices"
)

// Limits on TIFF files.
const (
	maxTIFFPages   = 4096
	maxTIFFEntries = 4096
	maxTIFFChunks  = 1 << 20
)

// Tags of TIFF, Revision 6.0, and of its supplements.
const (
	tiffWidth         = 256
	tiffHeight        = 257
	tiffBits          = 258
	tiffCompression   = 259
	tiffPhotometric   = 262
	tiffFillOrder     = 266
	tiffStripOffsets  = 273
	tiffOrientation   = 274
	tiffSamples       = 277
	tiffRowsPerStrip  = 278
	tiffStripSizes    = 279
	tiffPlanar        = 284
	tiffTransfer      = 301
	tiffPredictor     = 317
	tiffWhitePoint    = 318
	tiffPrimaries     = 319
	tiffColorMap      = 320
	tiffTileWidth     = 322
	tiffTileHeight    = 323
	tiffTileOffsets   = 324
	tiffTileSizes     = 325
	tiffSubIFDs       = 330
	tiffExtraSamples  = 338
	tiffSampleFormat  = 339
	tiffReferenceBW   = 532
	tiffICC           = 34675
	tiffPhotometricCF = 32803 // colour filter array
	tiffPrivate       = 32768 // the first tag of others' own
)

// compareTIFF compares two TIFF files: by their pixels, as other pictures, if
// each holds one picture of whole numbers; else by the samples of each page, as
// arrays (CMP-77).
func compareTIFF(ctx context.Context, j *job) error {
	var pages [2][]tiffPage
	for i, r := range []io.Reader{j.pub, j.new} {
		of := []side{published, produced}[i]
		b, err := all(r, of, maxPicture)
		if err != nil {
			return err
		}
		if pages[i], err = readTIFF(ctx, b, of); err != nil {
			return err
		}
	}
	pub, new := pages[0], pages[1]
	if len(pub) == 1 && len(new) == 1 {
		a, b := pub[0].picture(), new[0].picture()
		if a != nil && b != nil {
			return j.comparePictures(ctx, a, b)
		}
	}
	j.sameContent = "the same samples; only their packing or what is written beside them differs"
	err := j.compareArrays(ctx, tiffArrays(pub), tiffArrays(new))
	if err == nil && j.tally.broken == 0 && !slices.EqualFunc(pub, new, func(a, b tiffPage) bool { return a.meaning() == b.meaning() }) {
		return &undecided{"the same kind of samples, but the files say differently how they are to be shown"}
	}
	if err == nil && j.rule.score != nil {
		return &undecided{"a similarity is known of single pictures of whole numbers only"}
	}
	return err
}

// tiffFile reads the directories of a file.
type tiffFile struct {
	b     []byte
	of    side
	order binary.ByteOrder
	big   bool // BigTIFF: offsets of 8 bytes
	left  int  // bytes that may yet be unpacked
}

// tiffEntry is one field: its values' type, and their bytes.
type tiffEntry struct {
	kind int
	data []byte
}

var tiffTypeSizes = map[int]int{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

func readTIFF(ctx context.Context, b []byte, of side) ([]tiffPage, error) {
	t := &tiffFile{b: b, of: of, left: maxArrays}
	switch {
	case len(b) >= 16 && string(b[:2]) == "II":
		t.order = binary.LittleEndian
	case len(b) >= 16 && string(b[:2]) == "MM":
		t.order = binary.BigEndian
	default:
		return nil, malformed(of, KindTIFF, "it does not begin as one")
	}
	next := uint64(t.order.Uint32(b[4:]))
	switch t.order.Uint16(b[2:]) {
	case 42:
	case 43:
		t.big, next = true, t.order.Uint64(b[8:])
	default:
		return nil, malformed(of, KindTIFF, "it does not begin as one")
	}
	var out []tiffPage
	for next != 0 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if len(out) == maxTIFFPages {
			return nil, tooLarge(of, "more than %d pages", maxTIFFPages)
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
		return nil, malformed(of, KindTIFF, "it holds no page")
	}
	return out, nil
}

func (t *tiffFile) damaged(what string) error { return malformed(t.of, KindTIFF, "%s", what) }

// at returns size bytes at an offset, or nil.
func (t *tiffFile) at(offset, size uint64) []byte {
	if offset > uint64(len(t.b)) || size > uint64(len(t.b))-offset {
		return nil
	}
	return t.b[offset : offset+size]
}

// directory reads one image file directory, and the offset of the next.
func (t *tiffFile) directory(offset uint64) (map[int]tiffEntry, uint64, error) {
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
	if count == 0 || count > maxTIFFEntries {
		return nil, 0, t.damaged(fmt.Sprintf("a directory of %d fields", count))
	}
	body := t.at(offset+countSize, count*entrySize+inline)
	if body == nil {
		return nil, 0, t.damaged("a directory lies beyond the end of the file")
	}
	entries := map[int]tiffEntry{}
	for ; uint64(len(body)) > inline; body = body[entrySize:] {
		tag, e, err := t.entry(body[:entrySize], inline)
		if err != nil {
			return nil, 0, err
		}
		if _, twice := entries[tag]; twice {
			return nil, 0, t.damaged(fmt.Sprintf("the field %d stands twice in one directory", tag))
		}
		entries[tag] = e
	}
	return entries, t.offset(body), nil
}

func (t *tiffFile) offset(b []byte) uint64 {
	if t.big {
		return t.order.Uint64(b)
	}
	return uint64(t.order.Uint32(b))
}

func (t *tiffFile) entry(b []byte, inline uint64) (int, tiffEntry, error) {
	tag, kind := int(t.order.Uint16(b)), int(t.order.Uint16(b[2:]))
	count, value := t.offset(b[4:]), b[len(b)-int(inline):]
	size := uint64(tiffTypeSizes[kind])
	if size == 0 && tag >= tiffPrivate {
		return tag, tiffEntry{kind: kind}, nil // a reader passes over what it does not know
	}
	if size == 0 {
		return 0, tiffEntry{}, t.damaged(fmt.Sprintf("the field %d is of type %d", tag, kind))
	}
	if count > uint64(len(t.b)) {
		return 0, tiffEntry{}, t.damaged(fmt.Sprintf("the field %d is larger than the file", tag))
	}
	data := value
	if count*size > inline {
		data = t.at(t.offset(value), count*size)
	} else {
		data = data[:count*size]
	}
	if data == nil {
		return 0, tiffEntry{}, t.damaged(fmt.Sprintf("the field %d lies beyond the end of the file", tag))
	}
	return tag, tiffEntry{kind, data}, nil
}

// numbers are the values of a field of whole numbers.
func (t *tiffFile) numbers(e tiffEntry) []uint64 {
	var out []uint64
	size := tiffTypeSizes[e.kind]
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
func (t *tiffFile) number(entries map[int]tiffEntry, tag int, absent uint64) uint64 {
	if v := t.numbers(entries[tag]); len(v) > 0 {
		return v[0]
	}
	return absent
}

// uniform is the value that all of a field's values must have.
func (t *tiffFile) uniform(entries map[int]tiffEntry, tag int, absent uint64) (uint64, error) {
	v := t.numbers(entries[tag])
	for _, n := range v {
		if n != v[0] {
			return 0, &undecided{fmt.Sprintf("the channels of the %s picture are of different sorts", t.of)}
		}
	}
	return t.number(entries, tag, absent), nil
}

// tiffPage is one page, unpacked: samples of whole bytes, little-endian,
// row by row, the channels of a pixel together.
type tiffPage struct {
	width, height, channels int
	bits                    int
	format                  uint64 // 1 unsigned, 2 signed, 3 floating point
	photometric             uint64
	extra                   []uint64
	colours                 []uint64 // of a palette
	meant                   string   // what else says how samples are to be shown
	data                    []byte
}

func (p *tiffPage) size() int { return max(1, p.bits/8) }

func (p *tiffPage) meaning() string {
	return fmt.Sprint(p.photometric, p.extra, p.colours, p.meant)
}

func tiffArrays(pages []tiffPage) []array {
	var out []array
	for i, p := range pages {
		a := array{name: fmt.Sprintf("page %d", i+1), size: p.size(), shape: []int{p.height, p.width}, order: binary.LittleEndian, data: p.data}
		if p.channels > 1 {
			a.shape = append(a.shape, p.channels)
		}
		a.sort = map[uint64]sort{1: unsigned, 2: signed, 3: floats}[p.format]
		out = append(out, a)
	}
	return out
}

// page reads and unpacks one page.
func (t *tiffFile) page(entries map[int]tiffEntry) (*tiffPage, error) {
	if _, has := entries[tiffSubIFDs]; has {
		return nil, &undecided{"the " + string(t.of) + " picture holds further ones within itself"}
	}
	p := &tiffPage{photometric: t.number(entries, tiffPhotometric, math.MaxUint64), extra: t.numbers(entries[tiffExtraSamples]), colours: t.numbers(entries[tiffColorMap])}
	width, height := t.number(entries, tiffWidth, 0), t.number(entries, tiffHeight, 0)
	channels := t.number(entries, tiffSamples, 1)
	bits, err := t.uniform(entries, tiffBits, 1)
	if err != nil {
		return nil, err
	}
	if p.format, err = t.uniform(entries, tiffSampleFormat, 1); err != nil {
		return nil, err
	}
	switch {
	case width == 0 || height == 0 || channels == 0:
		return nil, t.damaged("a page has no size")
	case width > maxPixels || height > maxPixels || width*height > maxPixels || channels > 4096:
		return nil, tooLarge(t.of, "%d × %d pixels; at most %d are compared", width, height, maxPixels)
	case p.format == 4:
		p.format = 1 // not said
	}
	whole := bits == 8 || bits == 16 || bits == 32 || bits == 64
	if !(p.format == 1 && (whole || bits == 1 || bits == 2 || bits == 4) || p.format == 2 && whole || p.format == 3 && whole && bits > 8) {
		return nil, &undecided{fmt.Sprintf("the %s picture has samples of %d bits in format %d, which are not read", t.of, bits, p.format)}
	}
	if t.number(entries, tiffFillOrder, 1) != 1 || p.photometric == 6 || p.photometric == tiffPhotometricCF {
		return nil, &undecided{fmt.Sprintf("the %s picture is of a form of TIFF that is not read: photometric %d", t.of, p.photometric)}
	}
	p.width, p.height, p.channels, p.bits = int(width), int(height), int(channels), int(bits)
	for _, tag := range []int{tiffOrientation, tiffTransfer, tiffWhitePoint, tiffPrimaries, tiffReferenceBW, tiffICC} {
		if e, has := entries[tag]; has && (tag != tiffOrientation || t.number(entries, tag, 1) != 1) {
			p.meant += fmt.Sprintf("%d %x ", tag, e.data)
		}
	}
	return p, t.samples(p, entries)
}

// picture is the page as a picture, or nil if it is none whose colours are
// known.
func (p *tiffPage) picture() *picture {
	alpha := p.channels - map[uint64]int{0: 1, 1: 1, 2: 3, 3: 1}[p.photometric]
	known := p.photometric <= 3 && p.format == 1 && p.bits <= 16 && (p.width*p.height <= maxPixels/2 || p.bits <= 8)
	switch {
	case !known || alpha < 0 || alpha > 1 || alpha != len(p.extra):
		return nil
	case alpha == 1 && p.extra[0] != 1 && p.extra[0] != 2:
		return nil
	case p.photometric == 3 && (alpha == 1 || len(p.colours) != 3<<p.bits):
		return nil
	}
	if !slices.ContainsFunc(p.colours, func(c uint64) bool { return c&0xff != 0 }) {
		for i, c := range p.colours { // 8 bits, shifted up: as most programs write them
			p.colours[i] = c | c>>8
		}
	}
	return &picture{&tiffImage{p}, colours{profile: sumOfText(p.meant)}}
}

// DrawTIFF is the picture of a TIFF file that holds just one, for display.
func DrawTIFF(ctx context.Context, b []byte) (image.Image, error) {
	if len(b) > maxPicture {
		return nil, tooLarge(published, "more than %d bytes", maxPicture)
	}
	pages, err := readTIFF(ctx, b, published)
	if err != nil {
		return nil, err
	}
	p := pages[0].picture()
	if p == nil || len(pages) > 1 {
		return nil, &undecided{"the file does not hold one picture of whole numbers"}
	}
	return p, nil
}
