package compare

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"repro/internal/pattern"
)

var npyMagic = []byte("\x93NUMPY")

// compareNPY compares two arrays as numpy.save writes them (NEP 1).
func compareNPY(ctx context.Context, j *job) error {
	pub, err := readNPY(j.pub, published)
	if err != nil {
		return err
	}
	new, err := readNPY(j.new, produced)
	if err != nil {
		return err
	}
	j.sameContent = "the same numbers; only their byte order, layout or header differs"
	return j.compareArrays(ctx, []array{*pub}, []array{*new})
}

func readNPY(r io.Reader, of side) (*array, error) {
	b, err := all(r, of, maxArrays)
	if err != nil {
		return nil, err
	}
	if len(b) < 12 || !bytes.HasPrefix(b, npyMagic) {
		return nil, malformed(of, KindNPY, "it does not begin as one")
	}
	size, from := int(binary.LittleEndian.Uint16(b[8:])), 10
	if b[6] > 1 {
		size, from = int(binary.LittleEndian.Uint32(b[8:])), 12
	}
	if b[6] < 1 || b[6] > 3 || size > 1<<16 || from+size > len(b) {
		return nil, malformed(of, KindNPY, "its header is damaged")
	}
	a, err := npyHeader(string(b[from:from+size]), of)
	if err != nil {
		return nil, err
	}
	a.data = b[from+size:]
	return a, a.check(of, KindNPY)
}

var npyForm = pattern.New(`^\{(?:'descr': '([<>|=])([a-zA-Z])([0-9]{1,4})', )'fortran_order': (True|False), 'shape': \(([0-9, ]*)\),? *\}\s*$`)

// npyHeader reads the Python dictionary that numpy writes, as numpy writes it.
func npyHeader(text string, of side) (*array, error) {
	m := npyForm.FindStringSubmatch(text)
	if m == nil {
		if strings.HasPrefix(text, "{'descr': ") {
			return nil, &undecided{"the " + string(of) + " array holds objects or records, which are not compared"}
		}
		return nil, malformed(of, KindNPY, "its header is not as numpy writes it")
	}
	a := &array{order: binary.LittleEndian, columnMajor: m[4] == "True"}
	if m[1] == ">" {
		a.order = binary.BigEndian
	}
	a.size, _ = strconv.Atoi(m[3])
	known := false
	switch m[2] {
	case "f":
		a.sort, known = floats, a.size == 2 || a.size == 4 || a.size == 8
	case "i":
		a.sort, known = signed, a.size == 1 || a.size == 2 || a.size == 4 || a.size == 8
	case "u":
		a.sort, known = unsigned, a.size == 1 || a.size == 2 || a.size == 4 || a.size == 8
	case "c":
		a.sort, known = complexs, a.size == 8 || a.size == 16
	case "b", "S":
		a.sort, known = opaque, a.size > 0
	case "U":
		a.sort, known = opaque, a.size > 0 && m[1] != ">"
		a.size *= 4
	}
	if !known {
		return nil, &undecided{"the " + string(of) + " array is of type " + strconv.Quote(m[1]+m[2]+m[3]) + ", which is not compared"}
	}
	for dim := range strings.SplitSeq(m[5], ",") {
		if dim = strings.TrimSpace(dim); dim != "" {
			n, err := strconv.Atoi(dim)
			if err != nil {
				return nil, malformed(of, KindNPY, "its shape is damaged")
			}
			a.shape = append(a.shape, n)
		}
	}
	return a, nil
}
