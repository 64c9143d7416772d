package hdf5

import "repro/internal/badfile"

// tree1 calls visit for each child of a leaf of a version 1 B-tree, with the
// key before it.
func (f *File) tree1(address uint64, kind byte, keySize int, depth int, visit func(key []byte, child uint64) error) error {
	if f.visits++; depth > maxDepth || f.visits > maxVisits {
		return badfile.Damaged("an index lies too deep, or refers to itself")
	}
	c, err := f.block(address, "TREE", 8+2*f.offsets)
	if err != nil {
		return err
	}
	found, level, used := c.byte(), c.byte(), int(c.u16())
	if found != kind {
		return badfile.Damaged("an index of type %d where %d should be", found, kind)
	}
	if int(level)+depth > maxDepth {
		return badfile.Damaged("an index lies too deep")
	}
	c, err = f.block(address, "TREE", 8+2*f.offsets+used*(keySize+f.offsets)+keySize)
	if err != nil {
		return err
	}
	c.take(4 + 2*f.offsets)
	for range used {
		key := c.take(keySize)
		child := f.address(c)
		if level == 0 {
			err = visit(key, child)
		} else {
			err = f.childOf1(level, child, kind, keySize, depth, visit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// childOf1 visits an inner node's child, which must lie one level lower: so no
// node is its own ancestor.
func (f *File) childOf1(level byte, child uint64, kind byte, keySize, depth int, visit func([]byte, uint64) error) error {
	c, err := f.block(child, "TREE", 8)
	if err != nil {
		return err
	}
	if c.byte(); c.byte() != level-1 {
		return badfile.Damaged("the levels of an index are damaged")
	}
	return f.tree1(child, kind, keySize, depth+1, visit)
}

// tree2 is a version 2 B-tree.
type tree2 struct {
	f          *File
	kind       byte
	nodeSize   int
	recordSize int
	visit      func(record []byte) error
	seen       uint64
}

// tree2 calls visit for each record of a version 2 B-tree, each of which must
// be of one of the kinds.
func (f *File) tree2(address uint64, visit func(kind byte, record []byte) error) error {
	c, err := f.block(address, "BTHD", 22+f.offsets+f.lengths)
	if err != nil {
		return err
	}
	if version := c.byte(); version != 0 {
		return badfile.Unread("an index of version %d", version)
	}
	t := &tree2{f: f, kind: c.byte(), nodeSize: int(c.u32()), recordSize: int(c.u16())}
	depth := int(c.u16())
	c.take(2)
	root, records, total := f.address(c), int(c.u16()), f.length(c)
	t.visit = func(record []byte) error { return visit(t.kind, record) }
	if c.bad || t.recordSize == 0 || t.nodeSize > maxMessage || depth > maxDepth {
		return badfile.Damaged("the head of an index is damaged")
	}
	if root == undefined {
		return nil
	}
	if err := t.node(root, records, depth); err != nil {
		return err
	}
	if t.seen != total {
		return badfile.Damaged("an index of %d records holds %d", total, t.seen)
	}
	return nil
}

// width is how many bytes hold a number up to n.
func width(n uint64) int {
	size := 1
	for n >>= 8; n > 0; n >>= 8 {
		size++
	}
	return size
}

// mostRecords returns how many records a node at a depth can hold, and the
// bytes that count the records of its children, and of all below them.
func (t *tree2) mostRecords(depth int) (most uint64, count, all int) {
	const overhead = 4 + 1 + 1 + 4
	most = uint64(max(0, t.nodeSize-overhead) / t.recordSize)
	count = width(most)
	total := most
	for d := 1; d <= depth; d++ {
		pointer := t.f.offsets + count
		all = 0
		if d > 1 {
			all = width(total)
			pointer += all
		}
		inner := uint64(max(0, t.nodeSize-overhead-pointer) / (t.recordSize + pointer))
		if most = inner; total > 1<<40 {
			total = 1 << 40
		}
		total = (inner+1)*total + inner
	}
	return most, count, all
}

func (t *tree2) node(address uint64, records, depth int) error {
	mark := "BTLF"
	if depth > 0 {
		mark = "BTIN"
	}
	c, err := t.f.block(address, mark, t.nodeSize)
	if err != nil {
		return err
	}
	c.take(1)
	if kind := c.byte(); kind != t.kind {
		return badfile.Damaged("a node of an index is of type %d", kind)
	}
	if t.seen += uint64(records); t.seen > 1<<24 {
		return badfile.TooLarge("an index of more than %d records", 1<<24)
	}
	for range records {
		record := c.take(t.recordSize)
		if c.bad {
			return badfile.Damaged("a node of an index ends too early")
		}
		if err := t.visit(record); err != nil {
			return err
		}
	}
	if depth == 0 {
		return nil
	}
	_, count, all := t.mostRecords(depth)
	for range records + 1 {
		child, n := t.f.address(c), c.sized(count)
		c.take(all)
		if c.bad {
			return badfile.Damaged("a node of an index ends too early")
		}
		if err := t.node(child, int(n), depth-1); err != nil {
			return err
		}
	}
	return nil
}
