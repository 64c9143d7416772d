package squashfs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What Linux holds in extended attributes.
const (
	MaxXattrName  = 255     // bytes, prefix included
	MaxXattrValue = 1 << 16 // bytes
)

// xattrPrefixes are the name spaces that squashfs has numbers for.
var xattrPrefixes = [...]string{"user.", "trusted.", "security."}

const xattrOutOfLine = 0x100 // in a type: the value stands elsewhere

// xattrPlan collects the different sets of extended attributes (SQ-17).
type xattrPlan struct {
	place map[string]uint32
	sets  []xattrSet
}

type xattrSet struct {
	encoded string
	count   uint32
	size    uint32 // of names and values, as mksquashfs counts
}

// add returns the place of the set x, or none32 for an empty one.
func (p *xattrPlan) add(x map[string][]byte) (uint32, error) {
	if len(x) == 0 {
		return none32, nil
	}
	set := xattrSet{count: uint32(len(x))}
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(x)) {
		kind := slices.IndexFunc(xattrPrefixes[:], func(p string) bool { return strings.HasPrefix(name, p) })
		if kind < 0 || len(name) == len(xattrPrefixes[kind]) || len(name) > MaxXattrName || strings.IndexByte(name, 0) >= 0 {
			return 0, fmt.Errorf("extended attribute %q: not a name that squashfs holds", name)
		}
		if len(x[name]) > MaxXattrValue {
			return 0, fmt.Errorf("extended attribute %q: %d bytes, squashfs holds %d", name, len(x[name]), MaxXattrValue)
		}
		short := name[len(xattrPrefixes[kind]):]
		b = le.AppendUint16(b, uint16(kind))
		b = le.AppendUint16(b, uint16(len(short)))
		b = append(b, short...)
		b = le.AppendUint32(b, uint32(len(x[name])))
		b = append(b, x[name]...)
		set.size += uint32(len(name) + 1 + len(x[name]))
	}
	set.encoded = string(b)
	place, ok := p.place[set.encoded]
	if !ok {
		if p.place == nil {
			p.place = map[string]uint32{}
		}
		place = uint32(len(p.sets))
		p.place[set.encoded] = place
		p.sets = append(p.sets, set)
	}
	return place, nil
}

// xattrs writes the extended attributes: the sets, a table that says where
// each set stands, and a header in front of that table's list.
func (w *writer) xattrs() (uint64, error) {
	sets := w.plan.xattrs.sets
	if len(sets) == 0 {
		return none64, nil
	}
	start := uint64(w.at)
	m := metadata{encoder: w.encoder}
	var places []byte
	for _, s := range sets {
		places = le.AppendUint64(places, uint64(m.start())<<16|uint64(m.offset()))
		places = le.AppendUint32(places, s.count)
		places = le.AppendUint32(places, s.size)
		if err := m.write([]byte(s.encoded)); err != nil {
			return 0, err
		}
	}
	if err := m.flush(); err != nil {
		return 0, err
	}
	if err := w.write(m.out); err != nil {
		return 0, err
	}
	head := le.AppendUint64(nil, start)
	head = le.AppendUint32(head, uint32(len(sets)))
	head = le.AppendUint32(head, 0)
	return w.tableBehind(head, places)
}
