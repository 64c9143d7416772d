package squashfs

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"repro/format/tree"
)

// readerOf returns a Reader of the bytes b: nothing but blocks of so many bytes
// before the inode table, which begins at its end.
func readerOf(b []byte, blockSize uint32) *Reader {
	c := NewCaches()
	r := &Reader{src: bytes.NewReader(b), size: int64(len(b)), metadata: c.metadata, listings: c.listings}
	r.super.BlockSize = blockSize
	r.data = c.blocks(int(blockSize))
	r.inodes = region{int64(len(b)), int64(len(b)) + 1}
	return r
}

// TestCheckBlock: a block lies between the superblock and the inode table, and
// is not larger than blocks are.
func TestCheckBlock(t *testing.T) {
	const end = 10_000
	r := readerOf(make([]byte, end), 4096)
	for _, c := range []struct {
		name string
		at   int64
		word uint32
		good bool
	}{
		{"a hole stands nowhere", -1, 0, true},
		{"a hole beyond the end", end + 1, 0, true},
		{"after the superblock", superblockSize, 100, true},
		{"one byte before that", superblockSize - 1, 100, false},
		{"negative", -1, 100, false},
		{"up to the tables", end - 100, 100, true},
		{"one byte into the tables", end - 99, 100, false},
		{"the last byte", end - 1, 1, true},
		{"at the tables", end, 1, false},
		{"as large as blocks are", superblockSize, 4096, true},
		{"a byte larger", superblockSize, 4097, false},
		{"not compressed", end - 4096, 4096 | blockRaw, true},
		{"not compressed, a byte too far", end - 4095, 4096 | blockRaw, false},
		{"no bytes, not compressed", superblockSize, blockRaw, false},
		{"far beyond all", 1 << 62, 100, false},
	} {
		err := r.checkBlock(c.at, c.word)
		if (err == nil) != c.good || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// table returns metadata that holds b as it is, with a reader of it.
func table(b []byte) (*Reader, region) {
	var out []byte
	for at := 0; at < len(b); at += metadataSize {
		part := b[at:min(len(b), at+metadataSize)]
		out = le.AppendUint16(out, uint16(len(part))|metadataRaw)
		out = append(out, part...)
	}
	r := readerOf(out, 4096)
	return r, region{0, int64(len(out))}
}

// listed encodes one run of a listing.
func listed(first uint32, entries ...entry) []byte {
	b := le.AppendUint32(nil, uint32(len(entries)-1))
	b = le.AppendUint32(b, 7) // where the inodes stand
	b = le.AppendUint32(b, first)
	for _, e := range entries {
		b = le.AppendUint16(b, e.offset)
		b = le.AppendUint16(b, uint16(e.delta))
		b = le.AppendUint16(b, e.kind)
		b = le.AppendUint16(b, uint16(len(e.name)-1))
		b = append(b, e.name...)
	}
	return b
}

type entry struct {
	name   string
	kind   uint16
	offset uint16
	delta  int16
}

func named(names ...string) (all []entry) {
	for i, n := range names {
		all = append(all, entry{n, typeFile, uint16(i), int16(i)})
	}
	return all
}

// TestListing: names are in order, none is there twice, and a listing has the
// length that its directory says.
func TestListing(t *testing.T) {
	many := make([]entry, listRun)
	for i := range many {
		many[i] = entry{string(rune('a'+i/26)) + string(rune('a'+i%26)), typeFile, 0, 0}
	}
	ab := listed(10, named("a", "b")...)
	dirs := listed(10, entry{"a", typeDir, 0, 0}, entry{"b", typeDir, 9, 1})
	for _, c := range []struct {
		name  string
		bytes []byte
		more  int64 // of the length, beyond the bytes
		names string
		wrong string // "" if it is good
	}{
		{"in order", ab, 0, "a b", ""},
		{"of two runs", append(bytes.Clone(ab), listed(10, named("c")...)...), 0, "a b c", ""},
		{"as many as a run has", listed(10, many...), 0, "", ""},
		{"a name twice", listed(10, named("a", "a")...), 0, "", `"a" stands behind "a"`},
		{"a name twice in two runs", append(bytes.Clone(ab), listed(10, named("b")...)...), 0, "", `"b" stands behind "b"`},
		{"out of order", listed(10, named("b", "a")...), 0, "", `"a" stands behind "b"`},
		{"a prefix first", listed(10, named("a", "a-", "ab")...), 0, "a a- ab", ""},
		{"one run too many entries", listed(10, append(many, entry{"zz", typeFile, 0, 0})...), 0, "", "257 entries below one header"},
		{"a byte too short", ab, -1, "", `entry "b" reaches beyond the listing`},
		{"eleven bytes left", append(bytes.Clone(ab), make([]byte, 11)...), 0, "", "11 bytes left for a header"},
		{"longer than the table", ab, 12, "", ""},
		{"two directories", dirs, 0, "a b", ""},
		{"one directory of two names", listed(10, entry{"a", typeDir, 0, 0}, entry{"b", typeDir, 0, 0}), 0, "", `"b": inode 10 stands in two places`},
		{"one file of two names", listed(10, entry{"a", typeFile, 0, 0}, entry{"b", typeFile, 0, 0}), 0, "a b", ""},
		{"type 0", listed(10, entry{"a", 0, 0, 0}), 0, "", `entry "a": type 0`},
		{"type 7", listed(10, entry{"a", typeSocket, 0, 0}), 0, "a", ""},
		{"type 8", listed(10, entry{"a", typeSocket + 1, 0, 0}), 0, "", `entry "a": type 8`},
		{"dot", listed(10, named(".")...), 0, "", `entry ".": `},
		{"slash", listed(10, named("a/b")...), 0, "", `entry "a/b": `},
		{"the longest name", listed(10, named(strings.Repeat("x", MaxName))...), 0, strings.Repeat("x", MaxName), ""},
		{"a longer one", listed(10, named(strings.Repeat("x", MaxName+1))...), 0, "", "name of 257 bytes"},
		{"nothing", nil, 0, "", ""},
	} {
		r, in := table(append(bytes.Clone(c.bytes), 0)) // something follows
		r.dirs = in
		list, err := r.list(&record{number: 1, ref: 99, length: int64(len(c.bytes)) + c.more})
		if c.name == "longer than the table" {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if c.wrong != "" {
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: %v, want %s", c.name, err, c.wrong)
			}
			continue
		}
		var names []string
		for _, e := range list {
			names = append(names, e.Name)
		}
		if err != nil || c.names != "" && strings.Join(names, " ") != c.names {
			t.Errorf("%s: %v, %q", c.name, err, names)
		}
	}
}

// TestEntry holds what an entry says of its inode: the number counts from that
// of the header in either direction.
func TestEntry(t *testing.T) {
	r, in := table(listed(1000, entry{"a", typeDir, 5, -3}, entry{"b", typeSymlink, 6, 32767}))
	r.dirs = in
	list, err := r.list(&record{number: 1, length: in.end - 2})
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", err, list)
	}
	want := []tree.Name{
		{Name: "a", Type: modeOf[typeDir], Number: 997, Ref: 7<<16 | 5},
		{Name: "b", Type: modeOf[typeSymlink], Number: 33767, Ref: 7<<16 | 6},
	}
	for i := range want {
		if list[i] != want[i] {
			t.Errorf("%+v, want %+v", list[i], want[i])
		}
	}
}

// TestLoadBlock: a block that is not compressed is no larger than what it is
// loaded for.
func TestLoadBlock(t *testing.T) {
	b := append(make([]byte, superblockSize), "0123456789"...)
	r := readerOf(b, 4096)
	buf := make([]byte, 10)
	if n, err := r.loadBlock(superblockSize, 10|blockRaw, buf); n != 10 || err != nil || string(buf) != "0123456789" {
		t.Errorf("%d, %v, %q", n, err, buf)
	}
	if n, err := r.loadBlock(superblockSize, 10|blockRaw, buf[:9]); !errors.Is(err, ErrMalformed) {
		t.Errorf("ten bytes for nine: %d, %v", n, err)
	}
}

// TestBlockList: a file has as many blocks as its size takes, the last of which
// may be in a fragment.
func TestBlockList(t *testing.T) {
	const size = 4096
	for _, c := range []struct {
		name     string
		bytes    int64
		fragment uint32
		blocks   int
		tail     int
		good     bool
	}{
		{"empty", 0, none32, 0, 0, true},
		{"empty with a fragment", 0, 3, 0, 0, false},
		{"one block", size, none32, 1, 0, true},
		{"one block and a fragment for nothing", size, 3, 1, 0, false},
		{"less than a block", 100, none32, 1, 0, true},
		{"in a fragment", 100, 3, 0, 100, true},
		{"a block and a fragment", size + 1, 3, 1, 1, true},
		{"a block and a byte", size + 1, none32, 2, 0, true},
	} {
		words := make([]byte, 4*c.blocks+8)
		for i := range c.blocks {
			le.PutUint32(words[4*i:], 10)
		}
		r, in := table(words)
		r.inodes = region{superblockSize + 10*int64(c.blocks), 1 << 20}
		at, err := r.cursorAt(in, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.fileBlocks(&record{node: tree.Node{Size: c.bytes}, fragment: c.fragment, start: superblockSize, list: at})
		if (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err == nil && (len(b.blocks) != c.blocks || b.tail != c.tail) {
			t.Errorf("%s: %d blocks and %d bytes, want %d and %d", c.name, len(b.blocks), b.tail, c.blocks, c.tail)
		}
		r.inodes.start-- // the last block now reaches into the tables
		if _, err := r.fileBlocks(&record{node: tree.Node{Size: c.bytes}, fragment: c.fragment, start: superblockSize, list: at}); c.good && c.blocks > 0 && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s, a byte too far: %v", c.name, err)
		}
	}
}
