#!/usr/bin/env python3
"""Writes the layer of a tree: write.py TREE.json... makes TREE.layer

Written from SPEC.md, part SQ, and the kernel's description of squashfs, with
nothing but the standard library: so the clauses suffice. README.md describes
TREE.json. Codecs are zstd-2/repro-4 and none/repro-4.
"""
import base64
import hashlib
import json
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "codec"))
sys.dont_write_bytecode = True
from encode import encode  # noqa: E402

NONE32, NONE64 = (1 << 32) - 1, (1 << 64) - 1
PIECE = 8192
BULK = set("R a c cc cpp css f f90 h hh hpp html hxx jl js json la list md md5sums mo o pl pm po pod py pyc pyi "
           "rst svg symbols tcl tex txt xml".split())
TYPES = {"directory": 1, "file": 2, "symlink": 3, "block": 4, "char": 5, "fifo": 6, "socket": 7}


class Node:
    def __init__(self, entry):
        self.type = entry["type"]
        self.mode, self.uid, self.gid = int(entry["mode"], 8), entry.get("uid", 0), entry.get("gid", 0)
        self.time = entry.get("time", 0)
        self.content = b"".join(base64.b64decode(text) * n for text, n in entry.get("content", []))
        self.target = entry.get("target", "").encode()
        self.device = entry.get("device", 0)
        self.xattrs = {name.encode(): base64.b64decode(v) for name, v in entry.get("xattrs", {}).items()}
        self.children, self.names, self.number, self.name = {}, 0, 0, b""
        self.start, self.sizes, self.sparse = 0, [], 0
        self.fragment, self.offset = NONE32, 0


def read_tree(entries):
    nodes = {}
    for e in entries:
        path = e["path"].encode()
        node = nodes[e["link"].encode()] if "link" in e else Node(e)
        nodes[path] = node
        node.names += 1
        if path:
            above, _, name = path.rpartition(b"/")
            nodes[above].children[name] = node
    return nodes[b""]


def content_digest(root):
    """SQ-22 and SQ-23"""
    out, paths = bytearray(b"repro tree 1\n"), {}

    def add(path, n):
        fields = [path]
        if n in paths:
            fields += [b"hardlink", paths[n]]
        else:
            paths[n] = path
            fields += [n.type.encode(), b"%o" % n.mode] + [b"%d" % x for x in (n.uid, n.gid, n.time)]
            if n.type == "file":
                fields += [b"%d" % len(n.content), hashlib.sha256(n.content).hexdigest().encode()]
            elif n.type == "symlink":
                fields.append(n.target)
            elif n.type in ("block", "char"):
                fields.append(b"%d" % n.device)
            for name, value in sorted(n.xattrs.items()):
                fields += [name, value.hex().encode()]
        out.extend(b"".join(f + b"\0" for f in fields) + b"\n")
        for name, child in sorted(n.children.items()):
            add(path + b"/" + name if path else name, child)

    add(b"", root)
    return "sha256:" + hashlib.sha256(out).hexdigest()


class Pieces:
    """A stream of metadata."""

    def __init__(self, compress):
        self.compress, self.out, self.buffer, self.places = compress, bytearray(), bytearray(), []

    def where(self):
        """Where the next byte will stand: start of its piece, offset within it."""
        return len(self.out), len(self.buffer)

    def add(self, data):
        self.buffer += data
        while len(self.buffer) >= PIECE:
            self.emit(self.buffer[:PIECE])
            del self.buffer[:PIECE]

    def emit(self, piece):
        self.places.append(len(self.out))
        packed, stored = self.compress(bytes(piece))
        self.out += struct.pack("<H", len(packed) | (0x8000 if stored else 0)) + packed

    def end(self):
        if self.buffer:
            self.emit(self.buffer)
            self.buffer = bytearray()
        return bytes(self.out)


class Layer:
    def __init__(self, tree):
        self.root = read_tree(tree["tree"])
        self.codec, self.size, self.date = tree["codec"], tree["blockSize"], tree["date"]
        self.out = bytearray(96)
        self.order = []  # inodes by number
        self.fragments = []
        self.ids = []

    def compress(self, data):
        """SQ-7: the shorter form, and whether it is data itself."""
        if self.codec.startswith("zstd-2/"):
            packed = encode(data)
            if len(packed) < len(data):
                return packed, False
        return data, True

    # The order of things.

    def number(self, node):
        """SQ-8 and SQ-13"""
        for i in (node.uid, node.gid):
            if i not in self.ids:
                self.ids.append(i)
        entries = sorted(node.children.items())
        for directories in (True, False):
            for name, child in entries:
                if (child.type == "directory") != directories or child.number:
                    continue
                child.name = name
                if directories:
                    self.number(child)
                    continue
                for i in (child.uid, child.gid):
                    if i not in self.ids:
                        self.ids.append(i)
                self.order.append(child)
                child.number = len(self.order)
        self.order.append(node)
        node.number = len(self.order)
        for _, child in entries:
            if child.type == "directory":
                child.parent = node.number

    def data(self):
        """SQ-9 to SQ-11"""
        files = [n for n in self.order if n.type == "file"]
        often = {}
        for n in files:
            often[n.name] = often.get(n.name, 0) + 1
        files.sort(key=lambda n: (1, n.name) if often[n.name] >= 8 else (0, b""))
        seen, ends = {}, {"starting": [], "bulk": []}
        for n in files:
            key = len(n.content), hashlib.sha256(n.content).digest()
            if key in seen:
                first = seen[key]
                n.start, n.sizes, n.sparse = first.start, first.sizes, first.sparse
                n.same = first
                continue
            seen[key] = n
            self.blocks(n, ends)
        for kind in ("starting", "bulk"):
            self.emit(ends[kind])
        for n in files:
            if hasattr(n, "same"):
                n.fragment, n.offset = n.same.fragment, n.same.offset

    def blocks(self, n, ends):
        whole = len(n.content) // self.size * self.size
        blocks = [n.content[at:at + self.size] for at in range(0, whole, self.size)]
        end = n.content[whole:]
        _, dot, extension = n.name.rpartition(b".")
        kind = "bulk" if dot and n.name.rfind(b".") > 0 and extension.decode("latin1") in BULK else "starting"
        small = min(131072, self.size)
        if end and len(end) >= (small if kind == "starting" else max(131072, self.size // 2)):
            blocks.append(end)
            end = b""
        started = False
        for b in blocks:
            if len(b) == self.size and not any(b):
                n.sizes.append(0)
                n.sparse += len(b)
                continue
            if not started:
                n.start, started = len(self.out), True
            n.sizes.append(self.store(b))
        if end:
            current = ends[kind]
            room = small if kind == "starting" else self.size
            if sum(len(e) for _, e in current) + len(end) > room:
                self.emit(current)
            n.offset = sum(len(e) for _, e in current)
            current.append((n, end))

    def store(self, block):
        packed, stored = self.compress(block)
        self.out += packed
        return len(packed) | (1 << 24 if stored else 0)

    def emit(self, current):
        if not current:
            return
        start = len(self.out)
        size = self.store(b"".join(e for _, e in current))
        for n, _ in current:
            n.fragment = len(self.fragments)
        self.fragments.append((start, size))
        current.clear()

    # Tables.

    def xattrs(self):
        """SQ-17: the table of sets, and of each node its set."""
        self.sets, self.values, self.set_table = {}, Pieces(self.compress), Pieces(self.compress)
        for n in self.order:
            n.set = NONE32
            if not n.xattrs:
                continue
            key = tuple(sorted(n.xattrs.items()))
            if key not in self.sets:
                self.sets[key] = len(self.sets)
                piece, offset = self.values.where()
                size = 0
                for name, value in key:
                    prefix = [b"user.", b"trusted.", b"security."].index(name[:name.index(b".") + 1])
                    short = name[name.index(b".") + 1:]
                    self.values.add(struct.pack("<HH", prefix, len(short)) + short)
                    self.values.add(struct.pack("<I", len(value)) + value)
                    size += len(name) + len(value) + 1
                self.set_table.add(struct.pack("<QII", piece << 16 | offset, len(key), size))
            n.set = self.sets[key]

    def inodes(self):
        table, listings = Pieces(self.compress), Pieces(self.compress)
        for n in self.order:
            if n.type == "directory":
                self.listing(n, listings)
            n.place = table.where()
            table.add(self.inode(n))
        return table, listings

    def listing(self, n, out):
        """SQ-14 and SQ-15"""
        n.listing = out.where()
        n.index, n.length, n.links = [], 3, 2
        entries = sorted(n.children.items())
        n.links += sum(child.type == "directory" for _, child in entries)
        piece = out.where()[0]
        at = 0
        while at < len(entries):
            first = entries[at][1]
            run, end = b"", at
            room = PIECE - out.where()[1]
            while end < len(entries) and end - at < 256:
                name, child = entries[end]
                if child.place[0] != first.place[0] or not -32768 <= child.number - first.number <= 32767:
                    break
                if end > at and 12 + len(run) >= room:
                    break
                run += struct.pack("<HhHH", child.place[1], child.number - first.number, TYPES[child.type], len(name) - 1) + name
                end += 1
            if out.where()[0] != piece:
                piece = out.where()[0]
                n.index.append((n.length - 3, piece, entries[at][0]))
            run = struct.pack("<III", end - at - 1, first.place[0], first.number) + run
            n.length += len(run)
            out.add(run)
            at = end

    def inode(self, n):
        """SQ-12"""
        kind, extended = TYPES[n.type], n.set != NONE32
        if n.type == "file":
            extended = extended or n.names > 1 or n.sparse > 0 or n.start >= 1 << 32 or len(n.content) >= 1 << 32
        if n.type == "directory":
            extended = extended or bool(n.index) or n.length >= 65536
        out = struct.pack("<HHHHII", kind + 7 * extended, n.mode, self.ids.index(n.uid), self.ids.index(n.gid), n.time, n.number)
        if n.type == "directory":
            piece, offset = n.listing
            if not extended:
                return out + struct.pack("<IIHHI", piece, n.links, n.length, offset, n.parent)
            out += struct.pack("<IIIIHHI", n.links, n.length, piece, n.parent, len(n.index), offset, n.set)
            return out + b"".join(struct.pack("<III", *i[:2], len(i[2]) - 1) + i[2] for i in n.index)
        if n.type == "file":
            if extended:
                out += struct.pack("<QQQIIII", n.start, len(n.content), n.sparse, n.names, n.fragment, n.offset, n.set)
            else:
                out += struct.pack("<IIII", n.start, n.fragment, n.offset, len(n.content))
            return out + b"".join(struct.pack("<I", s) for s in n.sizes)
        out += struct.pack("<I", n.names)
        if n.type == "symlink":
            out += struct.pack("<I", len(n.target)) + n.target
        elif n.type in ("block", "char"):
            out += struct.pack("<I", n.device)
        return out + (struct.pack("<I", n.set) if extended else b"")

    def table(self, stream):
        """SQ-16: a stream, then where its pieces stand. Returns where that is."""
        start = len(self.out)
        self.out += stream.end()
        where = len(self.out)
        self.out += b"".join(struct.pack("<Q", start + p) for p in stream.places)
        return where

    def stream(self, records):
        out = Pieces(self.compress)
        for r in records:
            out.add(r)
        return out

    def write(self):
        """SQ-1 and SQ-2"""
        zstd = self.codec.startswith("zstd-2/")
        self.out += struct.pack("<HI", 4 | 0x8000, 2 if zstd else 1)
        self.number(self.root)
        self.root.parent = self.root.number + 1
        self.data()
        self.xattrs()
        inodes, listings = self.inodes()
        inode_table = len(self.out)
        self.out += inodes.end()
        directory_table = len(self.out)
        self.out += listings.end()
        fragments, xattrs, flags = NONE64, NONE64, 0x4e0
        if self.fragments:
            fragments = self.table(self.stream(struct.pack("<QII", start, size, 0) for start, size in self.fragments))
        else:
            flags |= 0x10
        exports = self.table(self.stream(struct.pack("<Q", n.place[0] << 16 | n.place[1]) for n in self.order))
        ids = self.table(self.stream(struct.pack("<I", i) for i in self.ids))
        if self.sets:
            values = len(self.out)
            self.out += self.values.end()
            start = len(self.out)
            self.out += self.set_table.end()
            xattrs = len(self.out)
            self.out += struct.pack("<QII", values, len(self.sets), 0)
            self.out += b"".join(struct.pack("<Q", start + p) for p in self.set_table.places)
        else:
            flags |= 0x200
        used = len(self.out)
        self.out[:96] = struct.pack(
            "<IIIIIHHHHHHQQQQQQQQ", 0x73717368, len(self.order), self.date, self.size, len(self.fragments), 6,
            self.size.bit_length() - 1, flags, len(self.ids), 4, 0, self.root.place[0] << 16 | self.root.place[1], used,
            ids, xattrs, inode_table, directory_table, fragments, exports)
        return bytes(self.out) + bytes(-used % 4096)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with open(name) as f:
            tree = json.load(f)
        if content_digest(read_tree(tree["tree"])) != tree["content"]:
            sys.exit(name + ": the content digest is another")
        layer = Layer(tree).write()
        with open(name.removesuffix(".json") + ".layer", "wb") as out:
            out.write(layer)
