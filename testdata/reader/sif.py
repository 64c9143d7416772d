"""The SIF container: part SIF. It holds for images and for foreign files."""

import hashlib
import os
import struct

from refused import malformed

HEADER_SIZE = 128
DESCRIPTOR_SIZE = 585
MAX_DESCRIPTORS = 65_536
GROUP = 0xF0000000

PARTITION, SIGNATURE, JSON, GENERIC, SBOM = 0x4004, 0x4005, 0x4006, 0x4007, 0x4009

ARCHITECTURES = {
    "386": b"01", "amd64": b"02", "arm": b"03", "arm64": b"04", "ppc64": b"05",
    "ppc64le": b"06", "mips": b"07", "mipsle": b"08", "mips64": b"09",
    "mips64le": b"10", "s390x": b"11", "riscv64": b"12", "loong64": b"13",
}  # fmt: skip

_HEADER = struct.Struct("<32s10s3s3s16sqqqqqqqq")
_DESCRIPTOR = struct.Struct("<iBIIIqqqqqqq128s384s")


class Header:
    """The 128 bytes of SIF-1."""

    def __init__(self, raw):
        self.raw = raw
        (self.launch, self.magic, self.version, self.arch, self.uuid, self.created,
         self.modified, self.free, self.total, self.table_offset, self.table_size,
         self.data_offset, self.data_size) = _HEADER.unpack(raw)  # fmt: skip


class Descriptor:
    """The 585 bytes of SIF-4, in the slot numbered from 1."""

    def __init__(self, slot, raw):
        self.slot, self.raw = slot, raw
        (self.type, self.used, self.id, self.group, self.link, self.offset, self.size,
         self.padded, self.created, self.modified, self.uid, self.gid, name,
         self.extra) = _DESCRIPTOR.unpack(raw)  # fmt: skip
        self.name = name.rstrip(b"\0")


class Container:
    """An open SIF file whose header and table are sound."""

    def __init__(self, file):
        self.file = file
        self.size = os.fstat(file.fileno()).st_size
        raw = self.read(0, min(HEADER_SIZE, self.size))
        if len(raw) < HEADER_SIZE:
            raise malformed("SIF-1", "shorter than a header")
        self.header = h = Header(raw)
        if h.magic != b"SIF_MAGIC\0" or h.version != b"01\0":
            raise malformed("SIF-2", "not a SIF file of version 01")
        if not 0 <= h.total <= MAX_DESCRIPTORS:
            raise malformed("SIF-3", f"{h.total} descriptors")
        if h.table_size != h.total * DESCRIPTOR_SIZE:
            raise malformed("SIF-3", "size of the table is not that of its descriptors")
        if not HEADER_SIZE <= h.table_offset <= self.size - h.table_size:
            raise malformed("SIF-3", "the table does not lie within the file")
        self.table = self.read(h.table_offset, h.table_size)
        self.descriptors = []  # those that are used
        ids = set()
        for slot in range(1, h.total + 1):
            raw = self.slot(slot)
            if raw[4] == 0:
                continue
            d = Descriptor(slot, raw)
            if d.id == 0 or d.id in ids:
                raise malformed("SIF-5", f"slot {slot}: ID {d.id} is 0 or not unique")
            ids.add(d.id)
            if d.offset < HEADER_SIZE or d.size < 0 or d.offset > self.size - d.size:
                raise malformed("SIF-6", f"slot {slot}: the object does not lie in the file")
            self.descriptors.append(d)

    def slot(self, number):
        """Returns the bytes of a slot of the table, used or not."""
        at = (number - 1) * DESCRIPTOR_SIZE
        return self.table[at : at + DESCRIPTOR_SIZE]

    def read(self, offset, size):
        """Returns size bytes at offset; the caller has checked that they are there."""
        self.file.seek(offset)
        return self.file.read(size)

    def sha256(self, descriptor):
        """Returns the SHA-256 of an object, in hexadecimal digits."""
        digest, offset, left = hashlib.sha256(), descriptor.offset, descriptor.size
        while left:
            part = self.read(offset, min(left, 1 << 20))
            if not part:
                raise malformed("SIF-6", "the file became shorter while it was read")
            digest.update(part)
            offset, left = offset + len(part), left - len(part)
        return digest.hexdigest()


def payload(header, objects):
    """Returns the text that a signature signs (SIF-9).

    objects are triples of a descriptor, the object's SHA-256 and its relative
    ID, in ascending order of IDs.
    """
    h = header.raw[0:45] + header.raw[48:64]
    rows = [
        '{"relativeId":%d,"descriptorDigest":"sha256:%s","objectDigest":"sha256:%s"}'
        % (relative, descriptor_digest(d, relative), digest)
        for d, digest, relative in objects
    ]
    text = '{"version":1,"header":{"digest":"sha256:%s"},"objects":[%s]}'
    return (text % (hashlib.sha256(h).hexdigest(), ",".join(rows))).encode()


def descriptor_digest(d, relative):
    """Returns the digest of the bytes of a descriptor that are signed (SIF-9)."""
    raw = d.raw
    signed = raw[0:4] + b"\x01" + struct.pack("<I", relative) + raw[13:17]
    signed += raw[25:33] + raw[41:49] + raw[57:585]
    return hashlib.sha256(signed).hexdigest()
