package squashfs

// index is a table of records of equal width, stored as metadata in region,
// and the list at of where its metadata blocks stand (SQ-16).
type index struct {
	region
	at    int64
	count uint64
	width int
}

// listSize returns how many bytes the list of metadata blocks takes.
func listSize(count uint64, width int) int64 {
	return int64((count*uint64(width) + metadataSize - 1) / metadataSize * 8)
}

// tableStart checks that the list of a table of count records fits between at
// and end, and returns where its first metadata block stands.
func (r *Reader) tableStart(name string, at, count uint64, width int, end int64) (int64, error) {
	if count > MaxInodes*8 || at < superblockSize || at > uint64(end) || listSize(count, width) > end-int64(at) {
		return 0, malformed("%s of %d at %d: outside of %d bytes", name, count, at, end)
	}
	var b [8]byte
	if count == 0 {
		return int64(at), nil
	}
	if _, err := r.src.ReadAt(b[:], int64(at)); err != nil {
		return 0, err
	}
	start := le.Uint64(b[:])
	if start < superblockSize || start >= at {
		return 0, malformed("%s: first block at %d, its list at %d", name, start, at)
	}
	return int64(start), nil
}

// record returns record number i of a table.
func (r *Reader) record(x index, i uint64) ([]byte, error) {
	if i >= x.count {
		return nil, malformed("number %d in a table of %d", i, x.count)
	}
	at := i * uint64(x.width)
	var b [8]byte
	if _, err := r.src.ReadAt(b[:], x.at+int64(at/metadataSize*8)); err != nil {
		return nil, err
	}
	start := le.Uint64(b[:])
	if start < uint64(x.start) || start >= uint64(x.end) {
		return nil, malformed("metadata block of a table at %d: not between %d and %d", start, x.start, x.end)
	}
	c := cursor{r: r, region: x.region, at: int64(start), offset: int(at % metadataSize)}
	return c.next(x.width)
}
