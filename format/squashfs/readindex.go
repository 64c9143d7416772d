package squashfs

// indexEntry is an entry of a directory's index: where in the listing a run
// stands, in which metadata block, and the name that the run begins with.
type indexEntry struct {
	at    uint32 // bytes of the listing before it
	start uint32 // of the metadata block, in the directory table
	name  string
}

// runStart is where a run of a listing really begins.
type runStart struct {
	at     int64
	start  int64
	offset int // in the metadata block
	name   string
}

// readIndex reads the index of an extended directory.
func (in *record) readIndex() ([]indexEntry, error) {
	if in.indexed == 0 {
		return nil, nil
	}
	c := in.index
	entries := make([]indexEntry, 0, in.indexed)
	for range in.indexed {
		b, err := c.next(12)
		if err != nil {
			return nil, err
		}
		e := indexEntry{at: le.Uint32(b), start: le.Uint32(b[4:])}
		size := int64(le.Uint32(b[8:])) + 1
		if size > MaxName {
			return nil, malformed("index: name of %d bytes", size)
		}
		name, err := c.next(int(size))
		if err != nil {
			return nil, err
		}
		e.name = string(name)
		entries = append(entries, e)
	}
	return entries, nil
}

// checkIndex holds the index of a directory against its listing. Linux and
// squashfuse look a name up by the index and jump into the listing; this
// package, and whoever lists the folder, reads all of it. An index that does
// not follow from the listing would give one name two files, so each entry
// must lead to the beginning of a run (SQ-19).
func (in *record) checkIndex(runs []runStart) error {
	entries, err := in.readIndex()
	if err != nil {
		return err
	}
	next := 0
	for i, e := range entries {
		for next < len(runs) && runs[next].at < int64(e.at) {
			next++
		}
		if next == len(runs) || next == 0 {
			return malformed("index: entry %d (%q) leads to no run of the listing but the first", i, e.name)
		}
		run := runs[next]
		// The offset in the block is not stored: readers reckon it from the
		// directory's own, as all blocks but the last hold 8192 bytes.
		reckoned := (int64(in.within) + int64(e.at)) % metadataSize
		if run.at != int64(e.at) || run.start != int64(e.start) || int64(run.offset) != reckoned || run.name != e.name {
			return malformed("index: entry %d (%q at %d) is not where a run begins", i, e.name, e.at)
		}
		next++
	}
	return nil
}
