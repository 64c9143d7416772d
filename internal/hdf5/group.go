package hdf5

import (
	"context"
	"repro/internal/badfile"
	"slices"
	"strings"
)

// The sorts of nodes.
const (
	Group     = "group"
	Dataset   = "data set"
	Attribute = "attribute"
	Link      = "link"
	NamedType = "type"
)

// Node is one thing that a file holds.
type Node struct {
	Name string // "/group/data", of an attribute "/group/data@units"
	Sort string
	Text string // of a link, where it leads; of a named type, what it is

	file *File
	data *dataset
}

// Nodes lists what the file holds, in byte order of names.
func (f *File) Nodes(ctx context.Context) ([]Node, error) {
	f.nodes, f.names = nil, map[uint64]string{}
	if err := f.object(ctx, "/", f.root, 0); err != nil {
		return nil, err
	}
	slices.SortFunc(f.nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(f.nodes); i++ {
		if f.nodes[i].Name == f.nodes[i-1].Name {
			return nil, badfile.Damaged("%q stands twice in one group", f.nodes[i].Name)
		}
	}
	return f.nodes, nil
}

func (f *File) add(n Node) error {
	if len(f.nodes) == MaxNodes {
		return badfile.TooLarge("more than %d groups, data sets, attributes and links", MaxNodes)
	}
	n.file = f
	f.nodes = append(f.nodes, n)
	return nil
}

// object adds what stands at an address under a name.
func (f *File) object(ctx context.Context, name string, address uint64, depth int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if first, again := f.names[address]; again {
		return f.add(Node{Name: name, Sort: Link, Text: "the same as " + first})
	}
	if depth > maxDepth {
		return badfile.TooLarge("groups lie more than %d deep", maxDepth)
	}
	f.names[address] = name
	messages, err := f.header(address)
	if err != nil {
		return err
	}
	o := &objectReader{File: f, name: name, depth: depth}
	for _, m := range messages {
		if err := o.message(ctx, m); err != nil {
			return err
		}
	}
	if err := o.finish(); err != nil {
		return err
	}
	return o.follow(ctx)
}

// objectReader gathers what one header says.
type objectReader struct {
	*File
	name  string
	depth int
	group bool
	typed *datatype
	data  dataset
	links []linkTo
}

type linkTo struct {
	name    string
	address uint64
}

func (o *objectReader) message(ctx context.Context, m message) (err error) {
	c := &cursor{b: m.data}
	switch m.kind {
	case msgNil, msgGroupInfo, msgComment, msgOldTime, msgTime, msgRefCount:
		return nil
	case msgDataspace:
		o.data.space, err = o.dataspace(m)
	case msgDatatype:
		o.typed, err = o.datatypeOf(m)
	case msgOldFill, msgFill:
		err = o.data.fillValue(m)
	case msgLayout:
		o.data.layout, err = o.layout(c)
	case msgFilters:
		o.data.filters, err = pipeline(c)
	case msgLink:
		o.group = true
		err = o.link(c)
	case msgLinkInfo:
		o.group = true
		err = o.denseLinks(c)
	case msgSymbolTable:
		o.group = true
		err = o.oldGroup(ctx, c)
	case msgAttribute:
		err = o.attribute(m)
	case msgAttrInfo:
		err = o.denseAttributes(c)
	case msgExternal:
		return badfile.Unread("%q lies in other files", o.name)
	default:
		return badfile.Unread("%q has a message of type %#x", o.name, m.kind)
	}
	return err
}

// finish adds the object itself.
func (o *objectReader) finish() error {
	switch {
	case o.group && o.data.layout == nil:
		return o.add(Node{Name: o.name, Sort: Group})
	case o.data.layout != nil && o.typed != nil && o.data.space != nil && !o.group:
		o.data.typed = o.typed
		return o.add(Node{Name: o.name, Sort: Dataset, data: &o.data})
	case o.typed != nil && o.data.layout == nil && o.data.space == nil:
		return o.add(Node{Name: o.name, Sort: NamedType, Text: o.typed.String()})
	case o.name == "/":
		return o.add(Node{Name: o.name, Sort: Group}) // an empty one may say nothing
	}
	return badfile.Damaged("%q is neither a group nor a data set", o.name)
}

// follow adds what the group's links lead to, in order of names.
func (o *objectReader) follow(ctx context.Context) error {
	slices.SortFunc(o.links, func(a, b linkTo) int { return strings.Compare(a.name, b.name) })
	for _, l := range o.links {
		if err := o.object(ctx, l.name, l.address, o.depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (o *objectReader) child(name string) string { return strings.TrimSuffix(o.name, "/") + "/" + name }

// hard notes a link to an object of this file.
func (o *objectReader) hard(name string, address uint64) error {
	if len(o.links) == MaxNodes {
		return badfile.TooLarge("more than %d links in one group", MaxNodes)
	}
	o.links = append(o.links, linkTo{o.child(name), address})
	return nil
}

// link reads a link message.
func (o *objectReader) link(c *cursor) error {
	if version := c.byte(); version != 1 {
		return badfile.Unread("a link of version %d", version)
	}
	flags := c.byte()
	kind := byte(0)
	if flags&8 != 0 {
		kind = c.byte()
	}
	if flags&4 != 0 {
		c.take(8)
	}
	if flags&16 != 0 {
		c.take(1)
	}
	size := c.sized(1 << (flags & 3))
	name := string(c.take(int(min(size, 1<<24))))
	switch kind {
	case 0:
		address := o.address(c)
		if c.bad {
			return badfile.Damaged("a link ends too early")
		}
		return o.hard(name, address)
	case 1, 64:
		to := c.take(int(c.u16()))
		if c.bad {
			return badfile.Damaged("a link ends too early")
		}
		where := "to "
		if kind == 64 {
			where = "to another file: "
		}
		return o.add(Node{Name: o.child(name), Sort: Link, Text: where + string(to)})
	}
	return badfile.Unread("a link of type %d", kind)
}

// dense calls visit for each record of the index of links or attributes that an
// object with many of them has. The cursor stands before flags, an order of
// creation of so many bytes if they ask for it, and two addresses.
func (o *objectReader) dense(c *cursor, order int, visit func(h *fractalHeap, kind byte, record []byte) error) error {
	c.take(1)
	if c.byte()&1 != 0 {
		c.take(order)
	}
	heap, index := o.address(c), o.address(c)
	if c.bad {
		return badfile.Damaged("%q ends too early", o.name)
	}
	if heap == undefined || index == undefined {
		return nil
	}
	h, err := o.fractalHeap(heap)
	if err != nil {
		return err
	}
	return o.tree2(index, func(kind byte, record []byte) error { return visit(h, kind, record) })
}

func (o *objectReader) denseLinks(c *cursor) error {
	return o.dense(c, 8, func(h *fractalHeap, kind byte, record []byte) error {
		if kind != 5 || len(record) < 4+h.idSize {
			return badfile.Damaged("an index of links is of type %d", kind)
		}
		b, err := h.object(record[4 : 4+h.idSize])
		if err != nil {
			return err
		}
		return o.link(&cursor{b: b})
	})
}

func (o *objectReader) denseAttributes(c *cursor) error {
	return o.dense(c, 2, func(h *fractalHeap, kind byte, record []byte) error {
		if kind != 8 || len(record) < h.idSize+1 {
			return badfile.Damaged("an index of attributes is of type %d", kind)
		}
		if record[h.idSize]&flagShared != 0 {
			return badfile.Unread("a shared attribute")
		}
		b, err := h.object(record[:h.idSize])
		if err != nil {
			return err
		}
		return o.attribute(message{kind: msgAttribute, data: b})
	})
}

// oldGroup reads a group of version 0: a B-tree of names.
func (o *objectReader) oldGroup(ctx context.Context, c *cursor) error {
	index, heapAt := o.address(c), o.address(c)
	if c.bad {
		return badfile.Damaged("a group ends too early")
	}
	heap, err := o.localHeap(heapAt)
	if err != nil {
		return err
	}
	return o.tree1(index, 0, o.lengths, 0, func(_ []byte, child uint64) error {
		c, err := o.block(child, "SNOD", 8)
		if err != nil {
			return err
		}
		c.take(2)
		count := int(c.u16())
		if c, err = o.block(child, "SNOD", 8+count*(2*o.offsets+24)); err != nil {
			return err
		}
		c.take(4)
		for range count {
			if err := o.symbol(c, heap); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

func (o *objectReader) symbol(c *cursor, heap []byte) error {
	offset, address := o.address(c), o.address(c)
	cache := c.u32()
	c.take(4)
	scratch := &cursor{b: c.take(16)}
	if c.bad {
		return badfile.Damaged("a symbol table ends too early")
	}
	name, err := textAt(heap, offset)
	if err != nil {
		return err
	}
	if cache != 2 {
		return o.hard(name, address)
	}
	to, err := textAt(heap, uint64(scratch.u32()))
	if err != nil {
		return err
	}
	return o.add(Node{Name: o.child(name), Sort: Link, Text: "to " + to})
}

// attribute adds an attribute of the object.
func (o *objectReader) attribute(m message) error {
	if m.flags&flagShared != 0 {
		return badfile.Unread("a shared attribute")
	}
	c := &cursor{b: m.data}
	version := c.byte()
	flags := c.byte()
	if version == 1 {
		flags = 0
	}
	nameSize, typeSize, spaceSize := int(c.u16()), int(c.u16()), int(c.u16())
	pad := func(n int) int { return n }
	switch version {
	case 1:
		pad = func(n int) int { return (n + 7) &^ 7 }
	case 2:
	case 3:
		c.take(1)
	default:
		return badfile.Unread("an attribute of version %d", version)
	}
	name := strings.TrimRight(string(c.take(pad(nameSize))), "\x00")
	typeData, spaceData := c.take(pad(typeSize)), c.take(pad(spaceSize))
	if c.bad || nameSize == 0 {
		return badfile.Damaged("an attribute of %q ends too early", o.name)
	}
	a := &dataset{layout: &layout{inline: c.b}}
	var err error
	if a.typed, err = o.datatypeOf(message{msgDatatype, flags & 1 << 1, typeData}); err != nil {
		return err
	}
	if a.space, err = o.dataspace(message{msgDataspace, flags & 2, spaceData}); err != nil {
		return err
	}
	return o.add(Node{Name: o.name + "@" + name, Sort: Attribute, data: a})
}
