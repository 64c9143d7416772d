"""The canonical layout of an image: part IMG."""

import hashlib

import hashtree
import manifest
import meaning
import sif
import squashfs
from refused import Refused, altered, malformed

SLOTS = 112
TABLE = 4096
DATA = 69_632
PAGE = 4096
MAX_SIGNATURE = 4_194_304
GROUP_1 = sif.GROUP | 1
LAUNCH = b"#!/usr/bin/env run-singularity\n"


class Image:
    """A SIF file with the canonical layout. What its objects hold is not checked yet."""

    def __init__(self, container):
        self.container = c = container
        if not any(d.name == b"manifest.json" for d in c.descriptors):
            raise Refused("foreign", "IMG-8", "there is no manifest")
        check_header_constants(c)
        first = sif.Descriptor(1, c.slot(1))
        if not first.used or first.type != sif.JSON or first.name != b"manifest.json" or first.offset != DATA:
            raise malformed("IMG-8", "the manifest is not the object of the first slot")
        if first.size % PAGE or not 0 < first.size <= manifest.MAX_MANIFEST:
            raise malformed("IMG-6", f"a manifest object of {first.size} bytes")
        self.raw_manifest = c.read(first.offset, first.size)
        self.manifest = manifest.parse(self.raw_manifest)
        self.date = manifest.date(self.manifest)
        self.arch = sif.ARCHITECTURES[self.manifest["arch"]]
        self._check_header()
        self.objects, self.signatures = [], []
        end = self._check_objects()
        end = self._check_signatures(end)
        if c.header.free != SLOTS - len(c.descriptors):
            raise malformed("IMG-3", f"{c.header.free} unused descriptors are stated")
        if end != c.size:
            raise malformed("IMG-1", "bytes behind the last object")
        if c.header.data_size != c.size - DATA:
            raise malformed("IMG-3", "size of the data area")
        if not zeros(c, 128, TABLE) or not zeros(c, TABLE + SLOTS * sif.DESCRIPTOR_SIZE, DATA):
            raise malformed("IMG-1", "bytes around the table that are not zero")

    def _check_header(self):
        h = self.container.header
        if h.arch != self.arch + b"\0":
            raise malformed("IMG-3", "the architecture is not the manifest's")
        if h.created != self.date or h.modified != self.date:
            raise malformed("IMG-3", "times are not the manifest's date")
        if h.uuid != uuid(self.raw_manifest):
            raise malformed("IMG-5", "the UUID is not that of the manifest")

    def _check_objects(self):
        """Compares the descriptors of the manifest's objects; returns where the last ends."""
        own = {"name": "manifest.json", "role": "manifest", "size": len(self.raw_manifest),
               "digest": "sha256:" + hashlib.sha256(self.raw_manifest).hexdigest()}  # fmt: skip
        end = DATA
        for slot, o in enumerate([own] + self.manifest["objects"], 1):
            d = sif.Descriptor(slot, self.container.slot(slot)) if slot <= SLOTS else None
            kind, name, extra = self._expected(o)
            if d is None or d.used != 1 or d.type != kind or d.name != name:
                raise malformed("IMG-4", f"slot {slot} is not {o['name']}")
            if d.group != GROUP_1 or d.link != 0 or d.extra != extra.ljust(384, b"\0"):
                raise malformed("IMG-4", f"{o['name']}: group, link or extra")
            end = self._check_common(d, o["size"], end, "IMG-4")
            self.objects.append((d, o))
        return end

    def _expected(self, o):
        """Returns data type, name and extra of an object (table of IMG-4)."""
        role, name = o["role"], o["name"].encode()
        if role in ("layer", "hidden"):
            kind = 3 if role == "hidden" else 2 if name == b"environment" else 4
            return sif.PARTITION, name, bytes([1, 0, 0, 0, kind, 0, 0, 0]) + self.arch
        if role == "sbom":
            return sif.SBOM, name, bytes([4])
        return (sif.JSON if role in ("manifest", "inspect") else sif.GENERIC), name, b""

    def _check_signatures(self, end):
        """Checks the slots behind the manifest's objects; returns where the last object ends."""
        gap = False
        for slot in range(len(self.objects) + 1, SLOTS + 1):
            raw = self.container.slot(slot)
            if raw[4] == 0:
                gap = True
                if raw.strip(b"\0"):
                    raise malformed("IMG-2", f"slot {slot} is not used, and not zero")
                continue
            d = sif.Descriptor(slot, raw)
            if gap:
                raise malformed("IMG-2", f"slot {slot} is used, one before it is not")
            if d.type != sif.SIGNATURE and d.group == GROUP_1:
                raise malformed("MAN-5", f"slot {slot}: an object that the manifest does not list")
            if d.type != sif.SIGNATURE or d.used != 1 or d.name or d.group != sif.GROUP:
                raise malformed("IMG-7", f"slot {slot} is not a signature's")
            if d.link not in (0, GROUP_1) or not 1 <= d.size <= MAX_SIGNATURE:
                raise malformed("IMG-7", f"slot {slot}: link or size of a signature")
            if d.extra[0:4] not in (b"\1\0\0\0", b"\2\0\0\0", b"\3\0\0\0") or d.extra[24:].strip(b"\0"):
                raise malformed("IMG-7", f"slot {slot}: extra of a signature")
            end = self._check_common(d, d.size, end, "IMG-7")
            self.signatures.append(d)
        return end

    def _check_common(self, d, size, end, clause):
        """Checks what IMG-4 says of every descriptor, and the gap before its object (IMG-1)."""
        offset = -(-end // PAGE) * PAGE
        if d.id != d.slot:
            raise malformed("IMG-4", f"slot {d.slot}: its ID is {d.id}")
        if d.uid or d.gid or (d.created, d.modified) != (self.date, self.date):
            raise malformed(clause, f"slot {d.slot}: times or owner")
        if (d.offset, d.size, d.padded) != (offset, size, size + offset - end):
            raise malformed(clause, f"slot {d.slot}: place or size of the object")
        if not zeros(self.container, end, offset):
            raise malformed("IMG-1", f"bytes before object {d.slot} that are not zero")
        return offset + size

    def layers(self):
        """Returns (object of the manifest, its checked bytes) for every layer, in order.

        Each is made when it is asked for, so only one tree is in memory.
        """
        for (d, o), (t, tree) in zip(self.objects, self.objects[1:]):
            if "layer" in o:
                yield o, self._layer(d, o, t, tree)

    def _layer(self, d, o, t, tree):
        raw = self.container.read(t.offset, t.size)
        if "sha256:" + hashlib.sha256(raw).hexdigest() != tree["digest"]:
            raise altered("MAN-5", f"{tree['name']}: not what the manifest binds")
        return hashtree.Layer(self.container.read, d.offset, d.size, raw, o["layer"]["root"], o["name"])

    def check_content(self):
        """Checks what every object holds (VER-3)."""
        for d, o in self.objects:
            if o["role"] not in ("layer", "hidden", "manifest"):
                if "sha256:" + self.container.sha256(d) != o["digest"]:
                    raise altered("MAN-5", f"{o['name']}: not what the manifest binds")
        for o, layer in self.layers():
            layer.check()
        for o, layer in self.layers():
            self._check_meaning(o, layer)

    def _check_meaning(self, o, data):
        """Checks that a layer has one meaning, and is what the manifest says (IMG-11, IMG-12)."""
        layer = squashfs.Layer(data)
        meaning.check(layer)
        if data.size - layer.used >= PAGE or data.read(layer.used, data.size - layer.used).strip(b"\0"):
            raise malformed("IMG-11", f"{o['name']}: bytes behind the file system")
        told = (o["layer"]["blockSize"], o["layer"]["files"], self.date)
        if (layer.block_size, layer.inode_count, layer.time) != told:
            raise malformed("IMG-12", f"{o['name']}: block size, files or time")
        if o["role"] != "hidden":
            return
        root = layer.tree()
        for r in self.manifest["results"]:
            for name in [r["published"], *r.get("sets", []), r.get("quick"), r["compare"].get("spread")]:
                node = root
                for part in (name or "").encode().split(b"/") if name else ():
                    node = node.children.get(part) if node else None
                if name and (node is None or node.kind != "file"):
                    raise malformed("IMG-12", f"published file {name}: there is none")

    def payload(self):
        """Returns the text whose SHA-256 is the content id (IMG-9, SIF-9)."""
        return sif.payload(
            self.container.header,
            [(d, o["digest"].removeprefix("sha256:"), d.id - 1) for d, o in self.objects],
        )

    def content_id(self):
        return "sha256:" + hashlib.sha256(self.payload()).hexdigest()


def check_header_constants(c):
    h = c.header
    if h.total != SLOTS:
        raise malformed("IMG-2", f"the table has {h.total} slots")
    if h.launch != LAUNCH.ljust(32, b"\0"):
        raise malformed("IMG-3", "launch line")
    if h.table_offset != TABLE or h.data_offset != DATA:
        raise malformed("IMG-3", "place of the table or of the data")


def uuid(raw_manifest):
    """Returns the UUID of an image with this manifest object (IMG-5)."""
    u = bytearray(hashlib.sha256(b"repro image 1\0" + raw_manifest).digest()[:16])
    u[6] = u[6] & 0x0F | 0x80
    u[8] = u[8] & 0x3F | 0x80
    return bytes(u)


def zeros(container, start, end):
    return not container.read(start, end - start).strip(b"\0")
