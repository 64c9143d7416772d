package compare

import (
	"context"
	"encoding/binary"
	"slices"
)

// netcdfNotes are attributes that say when and how a file was written.
var netcdfNotes = []string{"history", "date_created", "date_modified", "creation_date", "NCO", "CDO", "uuid", "tracking_id"}

// compareNetCDF compares the variables and attributes of two files in a
// classic format of NetCDF: CDF-1, CDF-2 or CDF-5 (CMP-116).
func compareNetCDF(ctx context.Context, j *job) error {
	pub, err := all(j.pub, published, maxArrays)
	if err != nil {
		return err
	}
	old, err := readNetCDF(pub, published)
	if err != nil {
		return err
	}
	new, err := all(j.new, produced, maxArrays)
	if err != nil {
		return err
	}
	fresh, err := readNetCDF(new, produced)
	if err != nil {
		return err
	}
	j.sameContent = "the same variables; only their order or what the file says of its making differs"
	return j.compareArrays(ctx, old, fresh)
}

// netcdf reads a header: big-endian numbers, names and values padded to four
// bytes.
type netcdf struct {
	b       []byte
	at      int
	of      side
	version byte
	broken  bool
	records int
	dims    []int // 0: the one that grows
	out     []array
}

// variable is one variable of the header.
type variable struct {
	array
	begin  int
	record bool
	each   int // bytes of one record, or of all
}

func readNetCDF(b []byte, of side) ([]array, error) {
	n := &netcdf{b: b, of: of}
	if len(b) < 8 || string(b[:3]) != "CDF" || b[3] != 1 && b[3] != 2 && b[3] != 5 {
		return nil, malformed(of, KindNetCDF, "it does not begin as one")
	}
	n.version, n.at = b[3], 4
	if n.version != 5 && binary.BigEndian.Uint32(b[4:]) == 0xffffffff {
		return nil, &undecided{"the " + string(of) + " file does not say how many records it holds"}
	}
	n.records = n.count()
	for range n.list(0x0a) {
		n.name()
		n.dims = append(n.dims, n.count())
	}
	n.attributes("")
	variables := n.variables()
	if n.broken {
		return nil, malformed(of, KindNetCDF, "its header is damaged")
	}
	for i := range variables {
		if err := n.gather(&variables[i], variables); err != nil {
			return nil, err
		}
	}
	return n.out, nil
}

// take returns the next bytes, none where there are not so many.
func (n *netcdf) take(size int) []byte {
	if n.broken || size < 0 || size > len(n.b)-n.at {
		n.broken = true
		return make([]byte, 8)
	}
	b := n.b[n.at : n.at+size]
	n.at += size
	return b
}

func (n *netcdf) word() int { return int(binary.BigEndian.Uint32(n.take(4))) }

// count reads a number that is not negative: 32 bits, or 64 in CDF-5.
func (n *netcdf) count() int {
	v := uint64(0)
	if n.version == 5 {
		v = binary.BigEndian.Uint64(n.take(8))
	} else {
		v = uint64(n.word())
	}
	if v > maxArrays {
		n.broken = true
		return 0
	}
	return int(v)
}

func (n *netcdf) name() string {
	size := n.count()
	b := n.take(size)
	n.take(-size & 3)
	return string(b[:min(size, len(b))])
}

// list reads the head of a list of dimensions, attributes or variables.
func (n *netcdf) list(tag int) int {
	got, count := n.word(), n.count()
	if got != tag && got != 0 || got == 0 && count != 0 || count > maxArrayCount {
		n.broken = true
		return 0
	}
	return count
}

var netcdfTypes = []struct {
	sort sort
	size int
}{{}, {signed, 1}, {opaque, 1}, {signed, 2}, {signed, 4}, {floats, 4}, {floats, 8}, {unsigned, 1}, {unsigned, 2}, {unsigned, 4}, {signed, 8}, {unsigned, 8}}

// typed reads a type, for an array of a name.
func (n *netcdf) typed(name string) array {
	t := n.word()
	if t < 1 || t >= len(netcdfTypes) {
		n.broken, t = true, 1
	}
	return array{name: name, sort: netcdfTypes[t].sort, size: netcdfTypes[t].size, order: binary.BigEndian}
}

func (n *netcdf) attributes(of string) {
	for range n.list(0x0c) {
		name := n.name()
		a := n.typed(of + "@" + name)
		count := n.count()
		a.shape, a.data = []int{count}, n.take(count*a.size)
		n.take(-(count * a.size) & 3)
		if n.broken {
			return
		}
		if !slices.Contains(netcdfNotes, name) {
			n.out = append(n.out, a)
		}
	}
}

func (n *netcdf) variables() []variable {
	var out []variable
	for range n.list(0x0b) {
		v := variable{}
		name := n.name()
		for i := range n.list1() {
			id := n.count()
			if id >= len(n.dims) || i > 0 && n.dims[id] == 0 {
				n.broken = true
				return nil
			}
			v.record = v.record || n.dims[id] == 0
			v.shape = append(v.shape, n.dims[id])
		}
		shape, record := v.shape, v.record
		n.attributes(name)
		v.array = n.typed(name)
		v.shape, v.record = shape, record
		n.count() // vsize: follows from the shape
		v.begin = n.offset()
		if n.broken {
			return nil
		}
		one := v.array
		if v.record {
			one.shape = v.shape[1:]
			v.shape = append([]int{n.records}, one.shape...)
		}
		count := one.count()
		if v.each = count * v.size; count < 0 || v.each > maxArrays {
			n.broken = true
		}
		out = append(out, v)
	}
	return out
}

// list1 is how many dimensions a variable has.
func (n *netcdf) list1() int {
	if count := n.count(); count <= maxAxes {
		return count
	}
	n.broken = true
	return 0
}

func (n *netcdf) offset() int {
	if n.version == 1 {
		return n.word()
	}
	v := binary.BigEndian.Uint64(n.take(8))
	if v > uint64(len(n.b)) {
		n.broken = true
		return 0
	}
	return int(v)
}

// gather takes a variable's values out of the file. Those of variables that
// grow lie interleaved, record by record.
func (n *netcdf) gather(v *variable, all []variable) error {
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
			return malformed(n.of, KindNetCDF, "%q lies beyond the end of the file", clip(v.name))
		}
		if parts == 1 {
			v.data = n.b[from : from+size]
			break
		}
		if len(v.data)+size > maxArrays {
			return tooLarge(n.of, "%q has more than %d bytes", clip(v.name), maxArrays)
		}
		v.data = append(v.data, n.b[from:from+size]...)
	}
	if err := v.check(n.of, KindNetCDF); err != nil {
		return err
	}
	n.out = append(n.out, v.array)
	return nil
}
