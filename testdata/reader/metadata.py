"""Metadata of squashfs: streams of pieces, and how fields are taken from them (SQ-35)."""

import struct

from refused import malformed

PIECE = 8192
STORED_PIECE = 1 << 15


def refuse(text):
    raise malformed("SQ-19", f"squashfs: {text}")


class Stream:
    """Metadata: pieces that lie in [start, end) of the layer, addressed by (piece, offset)."""

    def __init__(self, layer, start, end):
        self.layer, self.start, self.end = layer, start, end
        self._cache = {}

    def piece(self, at):
        """Returns the bytes of the piece at a place of the stream, and where the next begins."""
        if at in self._cache:
            return self._cache[at]
        place = self.start + at
        if not 0 <= at or place + 2 > self.end:
            refuse("a reference out of its table")
        word = int.from_bytes(self.layer.read(place, 2), "little")
        length = word & (STORED_PIECE - 1)
        if not 1 <= length <= PIECE or place + 2 + length > self.end:
            refuse("a piece of metadata of a wrong length, or that reaches beyond its table")
        data = self.layer.read(place + 2, length)
        if not word & STORED_PIECE:
            data = self.layer.unpack(data, PIECE)
        if not data:
            refuse("a piece of metadata that holds nothing")
        if len(self._cache) > 64:
            self._cache.clear()
        self._cache[at] = (data, at + 2 + length)
        return self._cache[at]

    def cursor(self, at, offset):
        return Cursor(self, at, offset)


class Cursor:
    """A place in a stream, from which fields are taken."""

    def __init__(self, stream, at, offset):
        self.stream, self.at, self.offset = stream, at, offset
        if offset >= len(stream.piece(at)[0]):
            refuse("a reference beyond the end of its piece")

    def take(self, size):
        """Returns the next size bytes, which may span pieces."""
        parts = []
        while size:
            data, following = self.stream.piece(self.at)
            if self.offset == len(data):
                self.at, self.offset = following, 0
                continue
            part = data[self.offset : self.offset + size]
            self.offset += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def place(self):
        """Returns where the next byte stands: its piece and the offset in it."""
        data, following = self.stream.piece(self.at)
        return (following, 0) if self.offset == len(data) else (self.at, self.offset)

    def fields(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
