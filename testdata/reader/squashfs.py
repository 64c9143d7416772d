"""Layers: squashfs 4.0, part SQ. Whatever a field says is checked before it is used (SQ-19)."""

import struct
import sys
import zlib
from array import array

import zstandard

from metadata import PIECE, Stream, refuse

NONE32, NONE64 = 2**32 - 1, 2**64 - 1
STORED_BLOCK = 1 << 24
MAX_INODES, MAX_BLOCKS, MAX_FRAGMENTS = 4_194_304, 16_777_216, 16_777_216
MAX_DEPTH, MAX_LISTING = 2048, 256 << 20
MAX_FILE_ATTRIBUTES = 1 << 20
MAX_ATTRIBUTES = 64 << 20
GZIP, ZSTD = 1, 6
KINDS = ["directory", "file", "symlink", "block", "char", "fifo", "socket"]
PREFIXES = [b"user.", b"trusted.", b"security."]

_SUPERBLOCK = struct.Struct("<IIIIIHHHHHHQQQQQQQQ")


class Node:
    """What an inode says. data is (start, block size words, fragment, offset) of a file."""

    __slots__ = ("kind", "mode", "uid", "gid", "time", "number", "size", "target", "device",
                 "data", "attributes", "listing", "links", "extended", "holes", "length", "set", "index", "parent", "layer", "children")  # fmt: skip


class Layer:
    """A squashfs file system (SQ-34). source has size and read(offset, size)."""

    def __init__(self, source):
        self.source = source
        if source.size < _SUPERBLOCK.size:
            refuse("shorter than a superblock")
        (magic, self.inode_count, self.time, self.block_size, fragments, self.compression,
         log, self.flags, ids, major, minor, self.root_reference, self.used, id_table,
         xattr_table, inode_table, directory_table, fragment_table,
         export_table) = _SUPERBLOCK.unpack(source.read(0, _SUPERBLOCK.size))  # fmt: skip
        if magic != 0x73717368 or (major, minor) != (4, 0):
            refuse("not squashfs 4.0")
        if not 12 <= log <= 20 or self.block_size != 1 << log:
            refuse(f"block size {self.block_size}, logarithm {log}")
        if self.compression not in (GZIP, ZSTD):
            refuse(f"compression {self.compression}")
        if not 1 <= self.inode_count <= MAX_INODES or fragments > MAX_FRAGMENTS or ids == 0:
            refuse("counts of inodes, fragments or ids")
        if not _SUPERBLOCK.size <= self.used <= source.size:
            refuse("size beyond the end")
        if not _SUPERBLOCK.size <= inode_table < directory_table < self.used:
            refuse("inode table and directory table are out of order")
        self.data_start, self.data_end = _SUPERBLOCK.size, inode_table
        self.ids, self.fragments = ids, fragments
        self.tables = {"id": id_table, "attributes": xattr_table, "fragment": fragment_table, "export": export_table}
        # From the end: each table with a list begins where its first piece stands.
        end = self._open_attributes(xattr_table)
        end, self._ids = self._table(id_table, ids, 4, end, "id")
        if export_table != NONE64:  # its pieces say nothing that is not elsewhere
            end = self._list(export_table, self.inode_count, 8, end, "export")[0]
        if NONE32 in struct.unpack(f"<{ids}I", self._ids):
            refuse("the id that stands for none")
        self._fragments = b""
        if (fragment_table == NONE64) != (fragments == 0):
            refuse("fragments without a table, or a table without fragments")
        if fragments:
            end, self._fragments = self._table(fragment_table, fragments, 16, end, "fragment")
        if directory_table >= end:
            refuse("the directory table stands behind others")
        self.inodes = Stream(self, inode_table, directory_table)
        self.directories = Stream(self, directory_table, end)
        self._attribute_sets = {}
        self._attribute_bytes = 0
        self._fragment = (None, b"")

    def read(self, offset, size):
        """Returns bytes of what the superblock counts as used."""
        if not 0 <= offset <= self.used - size:
            refuse("a place beyond the end")
        return self.source.read(offset, size)

    def unpack(self, data, limit):
        """Returns what compressed bytes hold (SQ-6): at most limit bytes, and nothing behind them."""
        try:
            if self.compression == GZIP:
                z = zlib.decompressobj()
                plain = z.decompress(data, limit + 1)
                if not z.eof or z.unused_data or len(plain) > limit:
                    refuse("a block of another length, or with bytes behind it")
                return plain
            # The frame may state any size: look at it before memory is taken.
            stated = zstandard.get_frame_parameters(data)
            if stated.window_size > max(self.block_size, PIECE) or stated.content_size > limit and stated.content_size != NONE64:
                refuse("a frame of more bytes than its place has")
            z = zstandard.ZstdDecompressor().decompressobj()
            plain = z.decompress(data)
            if not z.eof or z.unused_data or len(plain) > limit:
                refuse("a frame of another length, or with bytes behind it")
            return plain
        except (zlib.error, zstandard.ZstdError) as err:
            refuse(f"a block that does not unpack: {err}")

    def _list(self, place, count, width, end, name):
        """Returns where the pieces of a table stand (SQ-38), by their list at place, which ends before end."""
        pieces = -(-count * width // PIECE)
        if place == NONE64 or not self.data_end < place or place + 8 * pieces > end:
            refuse(f"the {name} table is missing, or stands behind others")
        starts = struct.unpack(f"<{pieces}Q", self.read(place, 8 * pieces))
        if list(starts) != sorted(starts) or starts[0] <= self.data_end or starts[-1] >= place:
            refuse(f"a piece of the {name} table lies outside of it")
        return starts

    def _table(self, place, count, width, end, name):
        """Returns where a table's first piece stands, and the table's bytes."""
        starts = self._list(place, count, width, end, name)
        stream = Stream(self, 0, place)
        table = b""
        for i, start in enumerate(starts):
            data = stream.piece(start)[0]
            if len(data) != min(PIECE, count * width - i * PIECE):
                refuse(f"a piece of the {name} table has another length")
            table += data
        return starts[0], table

    def _open_attributes(self, place):
        """Reads the head of extended attributes and their sets (SQ-40); returns where they begin."""
        self._sets, self._attributes = b"", None
        if place == NONE64:
            return self.used
        if place > self.used - 16:
            refuse("the extended attributes begin behind the end")
        start, count, _ = struct.unpack("<QII", self.read(place, 16))
        if count == 0 or count > MAX_INODES:
            refuse("a count of extended attributes")
        first, self._sets = self._table_at(place + 16, count)
        if not self.data_end < start < first:
            refuse("extended attributes begin behind their table")
        self._attributes = Stream(self, start, first)
        return start

    def _table_at(self, place, count):
        # The list of pieces stands behind the table's own head, at place.
        pieces = -(-count * 16 // PIECE)
        if place + 8 * pieces > self.used:
            refuse("more extended attributes than the table holds")
        first = struct.unpack("<Q", self.read(place, 8))[0]
        if first >= place - 16:
            refuse("a piece of the table of extended attributes lies outside of it")
        return self._table(place, count, 16, self.used, "attribute")

    def tree(self):
        """Returns the root node, with all that is below it in children, by name."""
        root = self._inode(self.root_reference)
        if root.kind != "directory":
            refuse("the root is not a directory")
        self._nodes = {root.number: (self.root_reference, root)}
        names, waiting = 0, [(root, 0)]
        while waiting:
            directory, depth = waiting.pop()
            if depth > MAX_DEPTH:
                refuse("directories nested too deep")
            for name, reference, number, kind in self._entries(directory):
                names += 1
                if names > MAX_INODES:
                    refuse("more names than any reader holds")
                node = self._node(reference, number, kind, directory)
                directory.children[name] = node
                if node.kind == "directory":
                    waiting.append((node, depth + 1))
        return root

    def _node(self, reference, number, kind, directory):
        known = self._nodes.get(number)
        if known:
            if known[0] != reference or known[1].kind == "directory":
                refuse(f"inode number {number} stands for two inodes, or a directory in two places")
            node = known[1]
        else:
            node = self._inode(reference)
            self._nodes[number] = (reference, node)
        if node.number != number or node.kind != kind:
            refuse("an entry whose number or type is not its inode's")
        if node.kind == "directory" and node.parent != directory.number:
            refuse("a directory that names another parent")
        return node

    def _inode(self, reference):
        """Returns what an inode says (SQ-36)."""
        c = self.inodes.cursor(reference >> 16, reference & 0xFFFF)
        n = Node()
        kind, n.mode, uid, gid, n.time, n.number = c.fields("HHHHII")
        if not 1 <= kind <= 14 or n.mode & ~0o7777:
            refuse(f"an inode of type {kind}, mode {n.mode:o}")
        if not 1 <= n.number <= self.inode_count:
            refuse(f"inode number {n.number}")
        n.uid, n.gid = self._id(uid), self._id(gid)
        extended = kind > 7
        n.kind = KINDS[(kind - 1) % 7]
        n.extended, n.links, n.holes, n.length, n.set = extended, 1, 0, 0, NONE32
        n.size, n.target, n.device, n.data, n.attributes = 0, b"", 0, None, []
        n.parent, n.listing, n.index, n.children, n.layer = 0, None, [], {}, self
        attributes = NONE32
        if n.kind == "directory":
            attributes = self._directory_fields(c, n, extended)
        elif n.kind == "file":
            attributes = self._file_fields(c, n, extended)
        else:
            (n.links,) = c.fields("I")
            if n.kind == "symlink":
                (length,) = c.fields("I")
                if not 1 <= length <= 4095:
                    refuse("the length of a symbolic link's target")
                n.target = c.take(length)
                if b"\0" in n.target:
                    refuse("a symbolic link with NUL in its target")
            elif n.kind in ("block", "char"):
                (n.device,) = c.fields("I")
            n.length = 20 + len(n.target) + 4 * (n.kind in ("symlink", "block", "char")) + 4 * extended
            if extended:
                (attributes,) = c.fields("I")
        n.set = attributes
        if attributes != NONE32:
            n.attributes = self._attribute_set(attributes)
        return n

    def _id(self, index):
        if index * 4 >= len(self._ids):
            refuse("an owner outside the id table")
        return int.from_bytes(self._ids[index * 4 : index * 4 + 4], "little")

    def _directory_fields(self, c, n, extended):
        attributes = NONE32
        if extended:
            n.links, size, start, n.parent, indexed, offset, attributes = c.fields("IIIIHHI")
            n.index = [_index_entry(c) for _ in range(indexed)]
        else:
            start, n.links, size, offset, n.parent = c.fields("IIHHI")
        if not 3 <= size <= MAX_LISTING:
            refuse(f"a listing of {size} bytes")
        n.length = (40 if extended else 32) + sum(12 + len(entry[2]) for entry in n.index)
        n.listing = (start, offset, size - 3)
        return attributes

    def _file_fields(self, c, n, extended):
        attributes = NONE32
        if extended:
            start, n.size, n.holes, n.links, fragment, offset, attributes = c.fields("QQQIIII")
        else:
            start, fragment, offset, n.size = c.fields("IIII")
        whole, end = divmod(n.size, self.block_size)
        if fragment != NONE32:
            if end == 0:
                refuse("a file of whole blocks with a fragment")
            self._fragment_place(fragment)
        elif end:
            whole += 1
        if whole > MAX_BLOCKS:
            refuse("a file of more blocks than any reader holds")
        words = array("I")
        words.frombytes(c.take(whole * 4))
        if sys.byteorder == "big":
            words.byteswap()
        total = 0
        for word in words:
            length = word & (STORED_BLOCK - 1)
            if word >> 25 or length > self.block_size or (length == 0 and word):
                refuse("a block of a wrong length")
            total += length
        if total and not (self.data_start <= start and start + total <= self.data_end):
            refuse("a block outside of the data")
        n.length = (56 if extended else 32) + 4 * whole
        n.data = (start, words, fragment, offset)
        return attributes

    def _fragment_place(self, index):
        """Returns place and length of a fragment, and whether it is stored as it is (SQ-39)."""
        if index * 16 >= len(self._fragments):
            refuse("a fragment that there is not")
        start, word, unused = struct.unpack_from("<QII", self._fragments, index * 16)
        if unused:
            refuse("unused bytes of a fragment that are not zero")
        length = word & (STORED_BLOCK - 1)
        if word >> 25 or not 1 <= length <= self.block_size:
            refuse("a fragment of a wrong length")
        if not (self.data_start <= start and start + length <= self.data_end):
            refuse("a fragment outside of the data")
        return start, length, bool(word & STORED_BLOCK)

    def _entries(self, directory):
        """Yields (name, reference, number, kind) of what a directory lists (SQ-37)."""
        start, offset, left = directory.listing
        begins, index = left, list(directory.index)
        if left:
            c, last = self.directories.cursor(start, offset), b""
        while left:
            if left < 12:
                refuse("a listing that ends within a header")
            run = (begins - left, *c.place())
            count, piece, first = c.fields("III")
            left -= 12
            if count > 255:
                refuse("a header for more than 256 entries")
            for i in range(count + 1):
                if left < 8:
                    refuse("a listing that ends within an entry")
                at, delta, kind, length = c.fields("HhHH")
                length += 1
                left -= 8 + length
                if length > 256 or left < 0 or not 1 <= kind <= 7:
                    refuse("an entry with a wrong length or type")
                name = c.take(length)
                if b"/" in name or b"\0" in name or name in (b".", b"..") or name <= last:
                    refuse("a name that may not be, or is out of order")
                last = name
                if i == 0 and index and index[0][0] == run[0]:
                    self._check_index(index.pop(0), run, offset, name)
                yield name, piece << 16 | at, first + delta, KINDS[kind - 1]
        if index:
            refuse("an entry of an index that leads to no run")

    @staticmethod
    def _check_index(entry, run, offset, name):
        """An index leads to the beginnings of runs, not to the first: Linux looks names up by it (SQ-19)."""
        at, piece, first = entry
        if at == 0 or (piece, (offset + at) % PIECE, first) != (run[1], run[2], name):
            refuse("an entry of an index that is not where a run begins")

    def _attribute_set(self, index):
        """Returns the extended attributes of a set: pairs of full name and value, in order."""
        if index in self._attribute_sets:
            return self._attribute_sets[index]
        if self._attributes is None or index * 16 >= len(self._sets):
            refuse("extended attributes that there are not")
        reference, count, _ = struct.unpack_from("<QII", self._sets, index * 16)
        c = self._attributes.cursor(reference >> 16, reference & 0xFFFF)
        found, size = {}, 0
        for _ in range(count):
            kind, length = c.fields("HH")
            if kind & 0xFF >= len(PREFIXES) or kind >> 9:
                refuse("an extended attribute with a prefix that there is not")
            name = PREFIXES[kind & 0xFF] + c.take(length)
            (size_of_value,) = c.fields("I")
            value = self._attribute_value(c, kind, size_of_value)
            size += len(name) + len(value)
            if name in found or size > MAX_FILE_ATTRIBUTES:
                refuse("extended attributes that are doubled, or too long")
            found[name] = value
        self._attribute_bytes += size
        if self._attribute_bytes > MAX_ATTRIBUTES:
            refuse("more extended attributes than any reader holds")
        self._attribute_sets[index] = sorted(found.items())
        return self._attribute_sets[index]

    def _attribute_value(self, c, kind, size):
        if kind & 0x100:  # the value stands elsewhere in the stream
            if size != 8:
                refuse("a reference to a value that is no reference")
            (reference,) = c.fields("Q")
            c = self._attributes.cursor(reference >> 16, reference & 0xFFFF)
            (size,) = c.fields("I")
        if size > MAX_FILE_ATTRIBUTES:
            refuse("a value of an extended attribute that is too long")
        return c.take(size)

    def content(self, node):
        """Yields the bytes of a regular file, block by block."""
        place, words, fragment, offset = node.data
        left = node.size
        for word in words:
            expected = min(left, self.block_size)
            length = word & (STORED_BLOCK - 1)
            if word == 0:
                data = bytes(expected)
            else:
                data = self.read(place, length)
                if not word & STORED_BLOCK:
                    data = self.unpack(data, self.block_size)
                if len(data) != expected:
                    refuse("a block that holds another number of bytes")
            place += length
            left -= expected
            yield data
        if fragment != NONE32:
            data = self._fragment_data(fragment)
            if offset + left > len(data):
                refuse("an end that reaches beyond its fragment")
            yield data[offset : offset + left]

    def _fragment_data(self, index):
        if self._fragment[0] != index:
            start, length, stored = self._fragment_place(index)
            data = self.read(start, length)
            self._fragment = (index, data if stored else self.unpack(data, self.block_size))
        return self._fragment[1]


def _index_entry(c):
    """Returns an entry of a directory's index (SQ-36): offset in the listing, block, name."""
    at, piece, length = c.fields("III")
    if length > 255:
        refuse("a name in an index of more than 256 bytes")
    return at, piece, c.take(length + 1)
