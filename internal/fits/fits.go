// Package fits reads the images, tables and keywords of FITS files (FITS
// Standard 4.0, IAU FITS Working Group), as telescopes and astropy write them.
package fits

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// Limits on files.
const (
	block    = 2880 // bytes that headers and data are multiples of
	cardSize = 80
	maxUnits = 4096
	maxCards = 1 << 16 // of one header
)

// Read reads a file: for each header and data unit, the arrays "HDU" (an
// image), "HDU.COLUMN" (of a table), and its keywords "HDU@KEYWORD", where HDU
// is the unit's number, or its name. The arrays may refer to b.
func Read(b []byte) ([]ndarray.Array, error) {
	if !strings.HasPrefix(string(b[:min(len(b), 30)]), "SIMPLE  =") {
		return nil, badfile.Damaged("it does not begin as one")
	}
	r := &reader{names: map[string]int{}}
	for n := 0; len(b) > 0; n++ {
		if n == maxUnits {
			return nil, badfile.TooLarge("more than %d units", maxUnits)
		}
		if n > 0 && !strings.HasPrefix(string(b[:min(len(b), 9)]), "XTENSION=") {
			if strings.Trim(string(b), "\x00 ") == "" {
				break // what fills the last block of a tape
			}
			return nil, badfile.Unread("what stands after the units")
		}
		h, rest, err := readHeader(b)
		if err != nil {
			return nil, err
		}
		size, err := h.dataSize()
		if err != nil {
			return nil, err
		}
		padded := (size + block - 1) / block * block
		if padded > len(rest) {
			return nil, badfile.Damaged("it ends too early")
		}
		if err := r.unit(n, h, rest[:size]); err != nil {
			return nil, err
		}
		b = rest[padded:]
	}
	return r.out, nil
}

type reader struct {
	names map[string]int
	out   []ndarray.Array
	bytes int // made of what is not stored so
}

func (r *reader) add(a ndarray.Array) error {
	if len(r.out) == ndarray.MaxList {
		return badfile.TooLarge("more than %d arrays", ndarray.MaxList)
	}
	r.out = append(r.out, a)
	return nil
}

// unit adds what one unit holds.
func (r *reader) unit(n int, h *header, data []byte) error {
	name := fmt.Sprintf("HDU %d", n)
	if own := h.text("EXTNAME"); own != "" {
		name = own
		if r.names[own]++; r.names[own] > 1 {
			name = fmt.Sprintf("%s, %d", own, r.names[own])
		}
	}
	for _, c := range h.cards {
		if carriesNothing(c.key) {
			continue
		}
		if err := r.add(c.array(name + "@" + c.key)); err != nil {
			return err
		}
	}
	switch kind := h.text("XTENSION"); kind {
	case "", "IMAGE":
		if h.text("GROUPS") == "T" {
			return badfile.Unread("random groups")
		}
		return r.image(name, h, data)
	case "BINTABLE", "A3DTABLE":
		return r.binaryTable(name, h, data)
	case "TABLE":
		return r.textTable(name, h, data)
	default:
		return badfile.Unread("an extension of type %q", badfile.Shorten(kind))
	}
}

// image adds an image, as the values that its numbers stand for.
func (r *reader) image(name string, h *header, data []byte) error {
	shape := h.shape()
	if len(shape) == 0 {
		return nil
	}
	slices.Reverse(shape) // the first axis runs fastest
	a := ndarray.Array{Name: name, Shape: shape, Order: binary.BigEndian, Data: data}
	switch bits := h.number("BITPIX"); bits {
	case 8:
		a.Class, a.Size = ndarray.Uint, 1
	case 16, 32, 64:
		a.Class, a.Size = ndarray.Int, int(bits)/8
	case -32, -64:
		a.Class, a.Size = ndarray.Float, int(-bits)/8
	default:
		return badfile.Damaged("%s has numbers of %v bits", badfile.Shorten(name), bits)
	}
	if err := a.Check(); err != nil {
		return err
	}
	scaled, err := r.scale(a, h.real("BSCALE", 1), h.real("BZERO", 0), h.cards.find("BLANK"))
	if err != nil {
		return err
	}
	return r.addAll(scaled)
}

func (r *reader) addAll(list []ndarray.Array) error {
	for _, a := range list {
		if err := r.add(a); err != nil {
			return err
		}
	}
	return nil
}

// scale gives the values that stored numbers stand for: zero + scale × stored.
// Unsigned numbers are stored as signed ones with a zero of half their range.
func (r *reader) scale(a ndarray.Array, scale, zero float64, blank *card) ([]ndarray.Array, error) {
	whole := a.Class == ndarray.Int || a.Class == ndarray.Uint
	if scale == 1 && zero == 0 && (blank == nil || !whole) {
		return []ndarray.Array{a}, nil
	}
	if r.bytes += 9 * a.Count(); r.bytes > ndarray.MaxData {
		return nil, badfile.TooLarge("scaled numbers of more than %d bytes", ndarray.MaxData)
	}
	if half := math.Ldexp(1, 8*a.Size-1); scale == 1 && blank == nil && (a.Class == ndarray.Int && a.Size > 1 && zero == half || a.Class == ndarray.Uint && zero == -half) {
		out := a
		out.Data = slices.Clone(a.Data)
		for at := 0; at < len(out.Data); at += a.Size {
			out.Data[at] ^= 0x80
		}
		out.Class = map[ndarray.Class]ndarray.Class{ndarray.Int: ndarray.Uint, ndarray.Uint: ndarray.Int}[a.Class]
		return []ndarray.Array{out}, nil
	}
	c := ndarray.NewColumn(a.Name, ndarray.Float, 8, "")
	for i := range a.Count() {
		b := a.At(i)
		if !whole {
			c.Float(zero + scale*a.Floats(b, nil)[0])
			continue
		}
		text := a.Integer(b)
		if blank != nil && text == blank.value {
			c.Missing('N')
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, badfile.Damaged("%q is no number", text)
		}
		c.Float(zero + scale*v)
	}
	list := c.Arrays()
	for i := range list {
		list[i].Shape = a.Shape
	}
	return list, nil
}
