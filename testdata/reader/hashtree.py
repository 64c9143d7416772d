"""Hash trees of layers: part HT."""

import hashlib
import struct

from refused import altered

BLOCK = 65_536
HASH = 32


def levels(layer_size):
    """Returns the sizes of the levels of a layer's tree, level 0 first (HT-1)."""
    sizes, blocks = [], -(-layer_size // BLOCK)
    while blocks > 1:
        size = -(-blocks * HASH // BLOCK) * BLOCK
        sizes.append(size)
        blocks = size // BLOCK
    return sizes


def size(layer_size):
    """Returns the size of the tree object of a layer (HT-2)."""
    return sum(levels(layer_size))


def block_hash(block):
    return hashlib.sha256(block.ljust(BLOCK, b"\0")).digest()


def verity_digest(layer_size, root):
    """Returns the fs-verity digest as it stands in a manifest (HT-3)."""
    described = bytes([1, 1, 16, 0, 0, 0, 0, 0]) + struct.pack("<Q", layer_size) + root
    return "sha256:" + hashlib.sha256(described.ljust(256, b"\0")).hexdigest()


class Layer:
    """The bytes of a layer, each block checked before any of it is given out (HT-5).

    read(offset, size) reads from the file; offset is where the layer begins,
    tree the bytes of its tree object, root what the manifest states.
    """

    def __init__(self, read, offset, layer_size, tree, root, name):
        self._read, self._offset, self.size, self._name = read, offset, layer_size, name
        self._cached = (None, b"")
        sizes = levels(layer_size)
        if len(tree) != sum(sizes):
            raise altered("HT-5", f"{name}: its tree has another size")
        if not sizes:
            self._leaves = None
            self._only = root
            self.block(0)
            return
        upper, at = None, 0
        for level_size in reversed(sizes):  # the highest level stands first
            level = tree[at : at + level_size]
            at += level_size
            hashes = b"".join(block_hash(level[i : i + BLOCK]) for i in range(0, level_size, BLOCK))
            if upper is None:
                sound = verity_digest(layer_size, hashes) == root
            else:
                sound = hashes.ljust(len(upper), b"\0") == upper
            if not sound:
                raise altered("HT-5", f"{name}: its tree does not lead to its root")
            upper = level
        used = -(-layer_size // BLOCK) * HASH
        if upper[used:].strip(b"\0"):
            raise altered("HT-5", f"{name}: its tree is not filled up with zeros")
        self._leaves = upper

    def block(self, number):
        """Returns one block of the layer, the last as short as it is."""
        if self._cached[0] == number:
            return self._cached[1]
        at = number * BLOCK
        data = self._read(self._offset + at, min(BLOCK, self.size - at))
        found = block_hash(data)
        if self._leaves is None:
            sound = verity_digest(self.size, found) == self._only
        else:
            sound = found == self._leaves[number * HASH : (number + 1) * HASH]
        if not sound:
            raise altered("HT-5", f"{self._name}: the block at byte {self._offset + at} of the file")
        self._cached = (number, data)
        return data

    def check(self):
        """Checks every block."""
        for number in range(-(-self.size // BLOCK)):
            self.block(number)

    def read(self, offset, size):
        """Returns checked bytes; the caller has checked that they are there."""
        parts = []
        while size:
            number, skip = divmod(offset, BLOCK)
            part = self.block(number)[skip : skip + size]
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return b"".join(parts)
