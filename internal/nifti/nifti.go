// Package nifti reads images of NIfTI-1 and NIfTI-2 (Neuroimaging Informatics
// Technology Initiative), as programs that analyse images of brains write them.
package nifti

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

const (
	size1 = 348 // bytes of the headers, which also tell their order of bytes
	size2 = 540
	axes  = 7
)

// Extensions of a header that say who made the file and how: DICOM's fields,
// AFNI's history, comments, a workflow.
var silentExtensions = []uint32{2, 4, 6, 18}

// image is what a header says.
type image struct {
	order     binary.ByteOrder
	dims      [axes + 1]int64
	datatype  uint16
	pixels    [axes + 1]float64
	from      int64
	slope     float64
	intercept float64
	units     byte
	intent    int32
	intentP   [3]float64
	qform     int32
	sform     int32
	rotation  [6]float64  // the quaternion's b, c and d, and the offset
	affine    [12]float64 // three rows
	label     string      // of the intent
}

// Read reads a file: "image", the values that its numbers stand for, and what
// says where in the world they lie and what they mean, as text, to which no
// tolerance applies. The arrays may refer to b.
func Read(b []byte) ([]ndarray.Array, error) {
	h, err := readHeader(b)
	if err != nil {
		return nil, err
	}
	a, ok := types[h.datatype]
	if !ok {
		return nil, badfile.Unread("numbers of the type %d", h.datatype)
	}
	a.Name, a.Order, a.ColumnMajor = "image", h.order, true
	if h.dims[0] < 1 || h.dims[0] > axes {
		return nil, badfile.Damaged("an image of %d axes", h.dims[0])
	}
	for _, d := range h.dims[1 : h.dims[0]+1] {
		if d < 0 || d > ndarray.MaxData {
			return nil, badfile.Damaged("an image of the shape %v", h.dims[1:h.dims[0]+1])
		}
		a.Shape = append(a.Shape, int(d))
	}
	if h.from < 0 || h.from > int64(len(b)) {
		return nil, badfile.Damaged("the image lies beyond the end of the file")
	}
	a.Data = b[h.from:]
	if err := a.Check(); err != nil {
		return nil, err
	}
	if h.slope != 0 && (h.slope != 1 || h.intercept != 0) {
		if a, err = h.scale(a); err != nil {
			return nil, err
		}
	}
	return append([]ndarray.Array{a}, h.meaning()...), nil
}

var types = map[uint16]ndarray.Array{
	2: {Class: ndarray.Uint, Size: 1}, 4: {Class: ndarray.Int, Size: 2}, 8: {Class: ndarray.Int, Size: 4}, 16: {Class: ndarray.Float, Size: 4},
	32: {Class: ndarray.Complex, Size: 8}, 64: {Class: ndarray.Float, Size: 8}, 128: {Class: ndarray.Bytes, Size: 3, Type: "RGB"},
	256: {Class: ndarray.Int, Size: 1}, 512: {Class: ndarray.Uint, Size: 2}, 768: {Class: ndarray.Uint, Size: 4},
	1024: {Class: ndarray.Int, Size: 8}, 1280: {Class: ndarray.Uint, Size: 8}, 1792: {Class: ndarray.Complex, Size: 16}, 2304: {Class: ndarray.Bytes, Size: 4, Type: "RGBA"},
}

// scale gives the values that stored numbers stand for.
func (h *image) scale(a ndarray.Array) (ndarray.Array, error) {
	if a.Class == ndarray.Complex || a.Class == ndarray.Bytes {
		return a, badfile.Unread("scaled numbers that are no plain ones")
	}
	n := a.Count()
	if 8*n > ndarray.MaxData {
		return a, badfile.TooLarge("scaled numbers of more than %d bytes", ndarray.MaxData)
	}
	out := a
	out.Class, out.Size, out.Order, out.Data, out.ColumnMajor = ndarray.Float, 8, binary.LittleEndian, make([]byte, 0, 8*n), false
	for i := range n {
		v := 0.0
		if b := a.At(i); a.Class == ndarray.Float {
			v = a.Floats(b, nil)[0]
		} else {
			var err error
			if v, err = strconv.ParseFloat(a.Integer(b), 64); err != nil {
				return a, badfile.Damaged("%v", err)
			}
		}
		out.Data = binary.LittleEndian.AppendUint64(out.Data, math.Float64bits(h.intercept+h.slope*v))
	}
	return out, nil
}

// meaning is what the header says of the image.
func (h *image) meaning() []ndarray.Array {
	var out []ndarray.Array
	add := func(name string, v ...any) {
		out = append(out, ndarray.Array{Name: name, Class: ndarray.Text, Shape: []int{}, Texts: []string{strings.TrimSuffix(fmt.Sprintln(v...), "\n")}})
	}
	add("size of pixels", h.pixels[1:h.dims[0]+1])
	add("units", h.units)
	if h.qform > 0 {
		add("qform", h.qform, h.pixels[0] < 0, h.rotation)
	}
	if h.sform > 0 {
		add("sform", h.sform, h.affine)
	}
	if h.intent != 0 {
		add("intent", h.intent, h.intentP, h.label)
	}
	return out
}

// readHeader reads either version, in either order of bytes.
func readHeader(b []byte) (*image, error) {
	if len(b) < size1 {
		return nil, badfile.Damaged("it ends too early")
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		h := &image{order: order}
		switch size := order.Uint32(b); {
		case size == size1 && string(b[344:348]) == "n+1\x00":
			h.version1(b)
			return h, h.extensions(b[size1:min(len(b), max(size1, int(min(h.from, int64(len(b))))))])
		case size == size1 && string(b[344:348]) == "ni1\x00":
			return nil, badfile.Unread("an image whose numbers lie in another file")
		case size == size2 && len(b) >= size2 && string(b[4:12]) == "n+2\x00\r\n\x1a\n":
			h.version2(b)
			return h, h.extensions(b[size2:min(len(b), max(size2, int(min(h.from, int64(len(b))))))])
		}
	}
	return nil, badfile.Damaged("it does not begin as one")
}

func (h *image) float(b []byte) float64 { return float64(math.Float32frombits(h.order.Uint32(b))) }

func (h *image) double(b []byte) float64 { return math.Float64frombits(h.order.Uint64(b)) }

func (h *image) version1(b []byte) {
	for i := range h.dims {
		h.dims[i] = int64(int16(h.order.Uint16(b[40+2*i:])))
		h.pixels[i] = h.float(b[76+4*i:])
	}
	for i := range h.intentP {
		h.intentP[i] = h.float(b[56+4*i:])
	}
	h.intent, h.datatype = int32(h.order.Uint16(b[68:])), h.order.Uint16(b[70:])
	h.from = int64(h.float(b[108:]))
	h.slope, h.intercept, h.units = h.float(b[112:]), h.float(b[116:]), b[123]
	h.qform, h.sform = int32(h.order.Uint16(b[252:])), int32(h.order.Uint16(b[254:]))
	for i := range h.rotation {
		h.rotation[i] = h.float(b[256+4*i:])
	}
	for i := range h.affine {
		h.affine[i] = h.float(b[280+4*i:])
	}
	h.label = textOf(b[328:344])
}

func (h *image) version2(b []byte) {
	h.datatype = h.order.Uint16(b[12:])
	for i := range h.dims {
		h.dims[i] = int64(h.order.Uint64(b[16+8*i:]))
		h.pixels[i] = h.double(b[104+8*i:])
	}
	for i := range h.intentP {
		h.intentP[i] = h.double(b[80+8*i:])
	}
	h.from = int64(h.order.Uint64(b[168:]))
	h.slope, h.intercept = h.double(b[176:]), h.double(b[184:])
	h.qform, h.sform = int32(h.order.Uint32(b[344:])), int32(h.order.Uint32(b[348:]))
	for i := range h.rotation {
		h.rotation[i] = h.double(b[352+8*i:])
	}
	for i := range h.affine {
		h.affine[i] = h.double(b[400+8*i:])
	}
	h.units, h.intent = byte(h.order.Uint32(b[500:])), int32(h.order.Uint32(b[504:]))
	h.label = textOf(b[508:524])
}

func textOf(b []byte) string {
	text, _, _ := bytes.Cut(b, []byte{0})
	return strings.TrimRight(string(text), " ")
}

// extensions refuses what stands between the header and the image and says
// something of it.
func (h *image) extensions(b []byte) error {
	if len(b) < 4 || b[0] == 0 {
		return nil
	}
	for b = b[4:]; len(b) >= 8; {
		size, kind := h.order.Uint32(b), h.order.Uint32(b[4:])
		if size < 8 || uint64(size) > uint64(len(b)) {
			return badfile.Damaged("an extension of the header is damaged")
		}
		silent := false
		for _, k := range silentExtensions {
			silent = silent || k == kind
		}
		if !silent {
			return badfile.Unread("an extension of the header of type %d", kind)
		}
		b = b[size:]
	}
	return nil
}
