// Package netcdf reads the classic formats of NetCDF: CDF-1, CDF-2 and CDF-5.
// NetCDF 4 is HDF5.
package netcdf

import (
	"encoding/binary"
	"math"

	"repro/internal/badfile"
	"repro/internal/ndarray"
)

// reader reads a header: big-endian numbers, names and values padded to four
// bytes.
type reader struct {
	b       []byte
	at      int
	version byte
	broken  bool
	records int
	dims    []int // 0: the one that grows
	named   []string
	axes    []Dimensions
	attrs   []ndarray.Array
	vars    []ndarray.Array
}

// variable is one variable of the header.
type variable struct {
	ndarray.Array
	begin  int
	record bool
	each   int // bytes of one record, or of all
}

// File is what a file holds.
type File struct {
	Attributes []ndarray.Array // named VARIABLE@ATTRIBUTE, or @ATTRIBUTE
	Variables  []ndarray.Array
	Dimensions []Dimensions // of the variables that have some
}

// Dimensions are the names of a variable's dimensions, in their order.
type Dimensions struct {
	Variable string
	Names    []string
}

// Read reads a file. The arrays may refer to b.
func Read(b []byte) (*File, error) {
	n := &reader{b: b}
	if len(b) < 8 || string(b[:3]) != "CDF" || b[3] != 1 && b[3] != 2 && b[3] != 5 {
		return nil, badfile.Damaged("it does not begin as one")
	}
	n.version, n.at = b[3], 4
	if n.version != 5 && binary.BigEndian.Uint32(b[4:]) == 0xffffffff {
		return nil, badfile.Unread("it does not say how many records it holds")
	}
	n.records = n.count()
	for range n.list(0x0a) {
		n.named = append(n.named, n.name())
		n.dims = append(n.dims, n.count())
	}
	n.attributes("")
	variables := n.variables()
	if n.broken {
		return nil, badfile.Damaged("its header is damaged")
	}
	for i := range variables {
		if err := n.gather(&variables[i], variables); err != nil {
			return nil, err
		}
	}
	return &File{n.attrs, n.vars, n.axes}, nil
}

// take returns the next bytes, none where there are not so many.
func (n *reader) take(size int) []byte {
	if n.broken || size < 0 || size > len(n.b)-n.at {
		n.broken = true
		return make([]byte, 8)
	}
	b := n.b[n.at : n.at+size]
	n.at += size
	return b
}

func (n *reader) word() int { return int(binary.BigEndian.Uint32(n.take(4))) }

// count reads a number that is not negative: 32 bits, or 64 in CDF-5.
func (n *reader) count() int {
	v := uint64(0)
	if n.version == 5 {
		v = binary.BigEndian.Uint64(n.take(8))
	} else {
		v = uint64(n.word())
	}
	if v > ndarray.MaxData {
		n.broken = true
		return 0
	}
	return int(v)
}

func (n *reader) name() string {
	size := n.count()
	b := n.take(size)
	n.take(-size & 3)
	return string(b[:min(size, len(b))])
}

// list reads the head of a list of dimensions, attributes or variables.
func (n *reader) list(tag int) int {
	got, count := n.word(), n.count()
	if got != tag && got != 0 || got == 0 && count != 0 || count > ndarray.MaxList {
		n.broken = true
		return 0
	}
	return count
}

var types = []struct {
	class ndarray.Class
	size  int
}{{}, {ndarray.Int, 1}, {ndarray.Bytes, 1}, {ndarray.Int, 2}, {ndarray.Int, 4}, {ndarray.Float, 4}, {ndarray.Float, 8}, {ndarray.Uint, 1}, {ndarray.Uint, 2}, {ndarray.Uint, 4}, {ndarray.Int, 8}, {ndarray.Uint, 8}}

// typed reads a type, for an array of a name.
func (n *reader) typed(name string) ndarray.Array {
	t := n.word()
	if t < 1 || t >= len(types) {
		n.broken, t = true, 1
	}
	return ndarray.Array{Name: name, Class: types[t].class, Size: types[t].size, Order: binary.BigEndian}
}

func (n *reader) attributes(of string) {
	for range n.list(0x0c) {
		name := n.name()
		a := n.typed(of + "@" + name)
		count := n.count()
		a.Shape, a.Data = []int{count}, n.take(count*a.Size)
		n.take(-(count * a.Size) & 3)
		if n.broken {
			return
		}
		n.attrs = append(n.attrs, a)
	}
}

func (n *reader) variables() []variable {
	var out []variable
	for range n.list(0x0b) {
		v := variable{}
		name, names := n.name(), []string(nil)
		for i := range n.list1() {
			id := n.count()
			if id >= len(n.dims) || i > 0 && n.dims[id] == 0 {
				n.broken = true
				return nil
			}
			v.record = v.record || n.dims[id] == 0
			v.Shape = append(v.Shape, n.dims[id])
			names = append(names, n.named[id])
		}
		if len(names) > 0 {
			n.axes = append(n.axes, Dimensions{name, names})
		}
		shape, record := v.Shape, v.record
		n.attributes(name)
		v.Array = n.typed(name)
		v.Shape, v.record = shape, record
		n.count() // vsize: follows from the shape
		v.begin = n.offset()
		if n.broken {
			return nil
		}
		one := v.Array
		if v.record {
			one.Shape = v.Shape[1:]
			v.Shape = append([]int{n.records}, one.Shape...)
		}
		count := one.Count()
		if v.each = count * v.Size; count < 0 || v.each > ndarray.MaxData {
			n.broken = true
		}
		out = append(out, v)
	}
	return out
}

// list1 is how many dimensions a variable has.
func (n *reader) list1() int {
	if count := n.count(); count <= ndarray.MaxAxes {
		return count
	}
	n.broken = true
	return 0
}

func (n *reader) offset() int {
	if n.version == 1 {
		return n.word()
	}
	v := binary.BigEndian.Uint64(n.take(8))
	if v > math.MaxInt64/2 { // where nothing was written, it may lie beyond the end
		n.broken = true
		return 0
	}
	return int(v)
}

// gather takes a variable's values out of the file. Those of variables that
// grow lie interleaved, record by record.
func (n *reader) gather(v *variable, all []variable) error {
	stride, growing := 0, 0
	for _, o := range all {
		if o.record {
			stride += (o.each + 3) &^ 3
			growing++
		}
	}
	if growing == 1 {
		stride = v.each
	}
	parts, size := 1, v.each
	if v.record {
		parts = n.records
	}
	for i := range parts {
		from := v.begin + i*stride
		if from < 0 || size > len(n.b) || from > len(n.b)-size {
			return badfile.Damaged("%q lies beyond the end of the file", badfile.Shorten(v.Name))
		}
		if parts == 1 {
			v.Data = n.b[from : from+size]
			break
		}
		if len(v.Data)+size > ndarray.MaxData {
			return badfile.TooLarge("%q has more than %d bytes", badfile.Shorten(v.Name), ndarray.MaxData)
		}
		v.Data = append(v.Data, n.b[from:from+size]...)
	}
	if err := v.Check(); err != nil {
		return err
	}
	n.vars = append(n.vars, v.Array)
	return nil
}
