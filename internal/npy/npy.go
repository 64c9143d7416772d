// Package npy reads arrays as numpy.save writes them (NEP 1), versions 1 to 3.
package npy

import (
	"encoding/binary"
	"strconv"
	"strings"

	"repro/internal/badfile"
	"repro/internal/ndarray"
	"repro/internal/pattern"
)

// Magic is how a file begins.
const Magic = "\x93NUMPY"

const maxHeader = 1 << 16

// Read reads a file: its one array, without a name. The array refers to b.
func Read(b []byte) (*ndarray.Array, error) {
	if len(b) < 12 || string(b[:len(Magic)]) != Magic {
		return nil, badfile.Damaged("it does not begin as one")
	}
	size, from := int(binary.LittleEndian.Uint16(b[8:])), 10
	if b[6] > 1 {
		size, from = int(binary.LittleEndian.Uint32(b[8:])), 12
	}
	if b[6] < 1 || b[6] > 3 || size > maxHeader || from+size > len(b) {
		return nil, badfile.Damaged("its header is damaged")
	}
	a, err := header(string(b[from : from+size]))
	if err != nil {
		return nil, err
	}
	a.Data = b[from+size:]
	return a, a.Check()
}

var headerForm = pattern.New(`^\{(?:'descr': '([<>|=])([a-zA-Z])([0-9]{1,4})', )'fortran_order': (True|False), 'shape': \(([0-9, ]*)\),? *\}\s*$`)

// header reads the Python dictionary that numpy writes, as numpy writes it.
func header(text string) (*ndarray.Array, error) {
	m := headerForm.FindStringSubmatch(text)
	if m == nil {
		if strings.HasPrefix(text, "{'descr': ") {
			return nil, badfile.Unread("the array holds objects or records")
		}
		return nil, badfile.Damaged("its header is not as numpy writes it")
	}
	a := &ndarray.Array{Order: binary.LittleEndian, ColumnMajor: m[4] == "True"}
	if m[1] == ">" {
		a.Order = binary.BigEndian
	}
	a.Size, _ = strconv.Atoi(m[3])
	known := false
	switch m[2] {
	case "f":
		a.Class, known = ndarray.Float, a.Size == 2 || a.Size == 4 || a.Size == 8
	case "i":
		a.Class, known = ndarray.Int, a.Size == 1 || a.Size == 2 || a.Size == 4 || a.Size == 8
	case "u":
		a.Class, known = ndarray.Uint, a.Size == 1 || a.Size == 2 || a.Size == 4 || a.Size == 8
	case "c":
		a.Class, known = ndarray.Complex, a.Size == 8 || a.Size == 16
	case "b", "S":
		a.Class, known = ndarray.Bytes, a.Size > 0
	case "U":
		a.Class, known = ndarray.Bytes, a.Size > 0 && m[1] != ">"
		a.Size *= 4
	}
	if !known {
		return nil, badfile.Unread("the array is of type %q", m[1]+m[2]+m[3])
	}
	for dim := range strings.SplitSeq(m[5], ",") {
		if dim = strings.TrimSpace(dim); dim != "" {
			n, err := strconv.Atoi(dim)
			if err != nil {
				return nil, badfile.Damaged("its shape is damaged")
			}
			a.Shape = append(a.Shape, n)
		}
	}
	return a, nil
}
