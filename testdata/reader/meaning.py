"""What verification asks of a layer beside what a reader does: SQ-41 to SQ-46. It has one meaning then."""

import struct

import zstandard

from metadata import PIECE, STORED_PIECE
from refused import malformed
from squashfs import GZIP, NONE32, NONE64, STORED_BLOCK, ZSTD

OPTIONS = {GZIP: 8, ZSTD: 4}
ALWAYS_FRAGMENTS = 0x04E0


def check(layer):
    """Refuses a layer with several meanings, or with bytes that nothing leads to."""
    Meaning(layer).check()


def _require(true, clause, text):
    if not true:
        raise malformed(clause, f"squashfs: {text}")


class Meaning:
    def __init__(self, layer):
        self.layer = layer
        self.root = layer.tree()

    def check(self):
        begin = self._superblock()
        self._inodes()
        self._tables()
        self._data(begin)

    def _superblock(self):
        s = self.layer
        flags = ALWAYS_FRAGMENTS | 0x10 * (s.fragments == 0) | 0x200 * (s.tables["attributes"] == NONE64)
        _require(s.flags == flags, "SQ-41", f"flags {s.flags:#06x}")
        _require(s.tables["export"] != NONE64, "SQ-41", "no export table")
        size = OPTIONS[s.compression]
        options = s.read(96, 2 + size)
        _require(options[:2] == struct.pack("<H", STORED_PIECE | size), "SQ-41", "options of another form")
        _require(size == 4 or options[6:] == bytes([15, 0, 0, 0]), "SQ-41", "options of zlib")
        return 98 + size

    def _stream(self, start, end):
        """Returns where each piece in [start, end) begins and what comes before it in the stream, and its length."""
        at, size, starts = start, 0, {}
        while at < end:
            _require(size % PIECE == 0, "SQ-42", "a short piece that is not the last")
            _require(at + 2 <= end, "SQ-42", "a piece beyond its table")
            word = int.from_bytes(self.layer.read(at, 2), "little")
            length = word & (STORED_PIECE - 1)
            _require(1 <= length <= PIECE and at + 2 + length <= end, "SQ-42", "a piece beyond its table")
            data = self.layer.read(at + 2, length)
            if not word & STORED_PIECE:
                data = self.layer.unpack(data, PIECE)
                _require(length < len(data), "SQ-45", "a piece that is compressed to more than it holds")
            starts[at - start] = size
            size += len(data)
            at += 2 + length
        if size % PIECE == 0:
            starts[end - start] = size
        return starts, size

    def _inodes(self):
        nodes, links = self.layer._nodes, {self.root.number: 2}
        waiting = [self.root]
        while waiting:
            for n in waiting.pop().children.values():
                links[n.number] = links.get(n.number, 0) + 1
                if n.kind == "directory":
                    waiting.append(n)
        for _, n in nodes.values():
            if n.kind == "directory":
                links[n.number] = 2 + sum(c.kind == "directory" for c in n.children.values())
        inodes, listings = self.layer.inodes, self.layer.directories
        (at_inode, inode_bytes), (at_list, list_bytes) = (self._stream(s.start, s.end) for s in (inodes, listings))
        inode, listing = 0, 0
        for number in range(1, self.layer.inode_count + 1):
            _require(number in nodes, "SQ-43", f"inode {number} has no name")
            reference, n = nodes[number]
            place = at_inode.get(reference >> 16, -PIECE) + (reference & 0xFFFF)
            _require(place == inode, "SQ-43", f"inode {number} does not follow the one before")
            _require(n.links == links[number], "SQ-43", f"inode {number}: {n.links} links")
            if n.kind == "directory":
                start, offset, length = n.listing
                _require(at_list.get(start, -PIECE) + offset == listing, "SQ-43", f"listing of inode {number}")
                listing += length
            elif n.kind != "file":
                _require(n.extended == (n.set != NONE32), "SQ-43", f"inode {number}: extended without need")
            inode += n.length
        _require(inode == inode_bytes and listing == list_bytes, "SQ-43", "bytes behind inodes or listings")
        _require(self.root.parent == self.root.number + 1, "SQ-43", "the parent of the root")

    def _table(self, place, count, width, at):
        """Checks a table with a list at place, which must begin at a place; returns where the list ends."""
        pieces = -(-count * width // PIECE)
        starts = struct.unpack(f"<{pieces}Q", self.layer.read(place, 8 * pieces))
        _require(starts[0] == at, "SQ-42", "bytes between two tables")
        return starts, place + 8 * pieces

    def _records(self, place, end, count, width, at):
        starts, after = self._table(place, count, width, at)
        found, size = self._stream(at, end)
        _require(size == count * width, "SQ-42", "a table of another length")
        _require([found.get(s - at) for s in starts] == [i * PIECE for i in range(len(starts))], "SQ-42", "a list")
        stream = type(self.layer.inodes)(self.layer, at, end)
        table = b"".join(stream.piece(s - at)[0] for s in starts)
        return after, table

    def _tables(self):
        s, at = self.layer, self.layer.directories.end
        if s.fragments:
            at, _ = self._records(s.tables["fragment"], s.tables["fragment"], s.fragments, 16, at)
        at, table = self._records(s.tables["export"], s.tables["export"], s.inode_count, 8, at)
        for number, (reference,) in enumerate(struct.iter_unpack("<Q", table), 1):
            _require(reference == s._nodes[number][0], "SQ-43", f"export table: inode {number}")
        at, table = self._records(s.tables["id"], s.tables["id"], s.ids, 4, at)
        ids = [i for (i,) in struct.iter_unpack("<I", table)]
        used = {owner for _, n in s._nodes.values() for owner in (n.uid, n.gid)}
        _require(len(set(ids)) == len(ids) and set(ids) == used, "SQ-46", "ids that nobody has, or twice")
        if s.tables["attributes"] != NONE64:
            at = self._attributes(at)
        _require(at == s.used, "SQ-42", "bytes behind the last table")

    def _attributes(self, at):
        s, head = self.layer, self.layer.tables["attributes"]
        start, count, unused = struct.unpack("<QII", s.read(head, 16))
        _require(start == at and unused == 0, "SQ-42" if start != at else "SQ-46", "head of the attributes")
        first = struct.unpack("<Q", s.read(head + 16, 8))[0]
        starts, size = self._stream(start, first)
        after, sets = self._records(head + 16, head, count, 16, first)
        used, filled = {n.set for _, n in s._nodes.values()}, 0
        for i, (reference, names, told) in enumerate(struct.iter_unpack("<QII", sets)):
            place = starts.get(reference >> 16, -PIECE) + (reference & 0xFFFF)
            _require(i in used and names and place == filled, "SQ-46", f"attributes {i}")
            c = s._attributes.cursor(reference >> 16, reference & 0xFFFF)
            total, last = 0, b""
            for name, value in s._attribute_set(i):
                kind, length = c.fields("HH")
                c.take(length)
                c.take(*c.fields("I"))
                _require(kind < 0x100 and name > last, "SQ-46", f"attributes {i}: order, or a value elsewhere")
                last = name
                total += len(name) + len(value) + 1
                filled += 8 + length + len(value)
            _require(told == total, "SQ-46", f"attributes {i}: size {told}")
        _require(filled == size, "SQ-46", "bytes behind the last attributes")
        return after

    def _data(self, begin):
        blocks, ends = set(), {}
        for _, n in self.layer._nodes.values():
            if n.kind == "file":
                self._file(n, blocks, ends)
        for i in range(self.layer.fragments):
            start, length, stored = self.layer._fragment_place(i)
            filled = 0
            for offset, size in sorted(ends.get(i, ())):
                _require(offset == filled, "SQ-44", f"ends in fragment {i}")
                filled += size
            self._size(start, length, stored, filled)
            blocks.add((start, length))
        for start, length in sorted(blocks):
            _require(start == begin, "SQ-44", "blocks that overlap, or bytes between them")
            begin += length
        _require(begin == self.layer.data_end, "SQ-44", "bytes before the inode table")

    def _file(self, n, blocks, ends):
        start, words, fragment, offset = n.data
        at, left, holes = start, n.size, 0
        for word in words:
            expected, length = min(left, self.layer.block_size), word & (STORED_BLOCK - 1)
            if word:
                self._size(at, length, word & STORED_BLOCK, expected)
            else:
                holes += expected
            at += length
            left -= expected
        if at > start:
            blocks.add((start, at - start))
        _require(at > start or start == 0, "SQ-43", "a start without blocks")
        _require(fragment != NONE32 or offset == 0, "SQ-43", "an offset without a fragment")
        need = n.links > 1 or n.set != NONE32 or holes or start > NONE32 or n.size > NONE32
        _require(n.extended == bool(need) and n.holes == holes, "SQ-43", "another form than is needed, or holes")
        if fragment != NONE32:
            ends.setdefault(fragment, set()).add((offset, left))

    def _size(self, at, length, stored, expected):
        held = length
        if not stored:
            data = self.layer.read(at, length)
            held = NONE64
            if self.layer.compression == ZSTD:
                held = zstandard.get_frame_parameters(data).content_size
            if held == NONE64:
                held = len(self.layer.unpack(data, self.layer.block_size))
            _require(length < held, "SQ-45", "a block that is compressed to more than it holds")
        _require(held == expected, "SQ-45", f"a block of {held} bytes where {expected} are due")
