"""The form of signatures: part SIG. Nothing here says whether a signature is true."""

import base64
import binascii
import hashlib
import json
import re
import struct

from refused import malformed

MAX_BLOCK = 4_194_304
PAYLOAD_TYPE = "application/vnd.sylabs.sif-metadata+json"
HASHES = {8: "SHA256", 9: "SHA384", 10: "SHA512"}
WEAK_HASHES = {1: "MD5", 2: "SHA-1", 3: "RIPEMD-160", 11: "SHA-224"}
WEAK_ALGORITHMS = {16: "ElGamal", 17: "DSA"}
ALGORITHMS = {1: 1, 3: 1, 19: 2, 22: 2, 27: 0}  # numbers that a signature consists of
RSA = (1, 3)
RSA_LEAST = 1984  # bits of a signature by a key of 2048: less in one of 2^64 cases (VER-9)
ED25519 = 27
KNOWN_SUBPACKETS = {*range(2, 7), 9, 11, 16, *range(20, 31), 32, 33}  # may be critical (SIG-13)

_HEAD = b"-----BEGIN PGP SIGNED MESSAGE-----\n"
_ARMOUR = b"\n-----BEGIN PGP SIGNATURE-----\n"
_TAIL = b"\n-----END PGP SIGNATURE-----"
_HASH_LINE = re.compile(rb"Hash: ([A-Z0-9]+)\n\n")


def begins(data):
    """Says whether bytes begin as one of the two forms of a block does."""
    return data.startswith((_HEAD, b'{"payloadType":"' + PAYLOAD_TYPE.encode() + b'"'))


class Weak(Exception):
    """What made the signature is broken (VER-9), whatever its form."""


class OpenPGP:
    """An OpenPGP block: payload, packet, and what the packet says.

    issuers are what its subpackets 16 and 33 name, in their order.
    """

    envelope = False

    def __init__(self, data):
        if not data.startswith(_HEAD + b"Hash: "):
            raise malformed("SIG-7", "the second line is not the hash")
        line = _HASH_LINE.match(data, len(_HEAD))
        if not line:
            raise malformed("SIG-8", "headers other than one Hash")
        self.header_hash = line[1].decode()
        self.payload, found, rest = data[line.end() :].partition(_ARMOUR)
        if not found:
            raise malformed("SIG-7", "no signature follows the text")
        if self.payload.startswith(b"SIFHASH:"):
            raise Weak("a legacy signature")
        if _HEAD in self.payload + rest:
            raise malformed("SIG-4", "more than one block")
        if not rest.startswith(b"\n"):
            raise malformed("SIG-8", "headers in the armour")
        rest = rest[1:]
        if b"\n" in self.payload or b"\r" in self.payload:
            raise malformed("SIG-1", "the payload is not one line")
        if self.payload[:1] in (b"-", b"") or self.payload[-1:] in (b" ", b"\t"):
            raise malformed("SIG-9", "the payload begins with a hyphen, or ends in white space")
        self.packet = _dearmour(rest)
        self._read_packet()

    def _read_packet(self):
        body = _packet_body(self.packet)
        if len(body) < 6 or body[0:2] != b"\4\1":
            raise malformed("SIG-12", "not a version 4 signature of type 1")
        self.algorithm, self.hash, size = struct.unpack(">BBH", body[2:6])
        if self.hash in WEAK_HASHES:
            raise Weak(f"made with {WEAK_HASHES[self.hash]}")
        if self.hash not in HASHES:
            raise malformed("SIG-12", "the hash of the signature")
        if self.algorithm in WEAK_ALGORITHMS:
            raise Weak(f"made with {WEAK_ALGORITHMS[self.algorithm]}")
        if self.algorithm not in ALGORITHMS:
            raise malformed("SIG-12", "the algorithm of the signature")
        if self.header_hash not in HASHES.values():
            raise malformed("SIG-8", f"Hash: {self.header_hash}")
        if HASHES[self.hash] != self.header_hash:
            raise malformed("SIG-12", "the hash is not the one that the header names")
        rest = body[6:]
        hashed, rest = _cut(rest, size)
        self.hashed_part = body[: 6 + size]
        size, rest = _cut(rest, 2)
        unhashed, rest = _cut(rest, int.from_bytes(size, "big"))
        self.tag, values = _cut(rest, 2)
        self._read_subpackets(subpackets(hashed), subpackets(unhashed), len(unhashed))
        self._read_values(values)
        if self.created is None:
            raise malformed("SIG-13", "no time of creation")

    def _read_subpackets(self, hashed, unhashed, size_of_unhashed):
        kinds = [kind for kind, _, _ in unhashed]
        if sum(len(value) + 2 for _, value, _ in unhashed) != size_of_unhashed:
            raise malformed("SIG-13", "a length of a subpacket that could be shorter")
        if not set(kinds) <= {16, 33} or len(set(kinds)) != len(kinds) or any(c for _, _, c in unhashed):
            raise malformed("SIG-13", "unhashed subpackets other than the issuer's")
        self.created, self.lifetime, self.issuers = None, 0, []
        for kind, value, critical in hashed + unhashed:
            if critical and kind not in KNOWN_SUBPACKETS:
                raise malformed("SIG-13", f"an unknown critical subpacket {kind}")
            if kind in (2, 3) and len(value) != 4 or kind == 16 and len(value) != 8:
                raise malformed("SIG-13", f"the length of subpacket {kind}")
            if kind == 2:
                self.created = int.from_bytes(value, "big")
            elif kind == 3:
                self.lifetime = int.from_bytes(value, "big")
            elif kind == 16:
                self.issuers.append(value)
            elif kind == 33:
                if (kind, value, critical) in unhashed and (len(value) != 21 or value[0] != 4):
                    raise malformed("SIG-13", "an issuer that is not of version 4")
                self.issuers.append(value[1:])

    def _read_values(self, rest):
        if self.algorithm == ED25519:
            if len(rest) != 64:
                raise malformed("SIG-13", "not 64 bytes of an Ed25519 signature")
            return
        for _ in range(ALGORITHMS[self.algorithm]):
            bits, rest = _cut(rest, 2)
            bits = int.from_bytes(bits, "big")
            number, rest = _cut(rest, (bits + 7) // 8)
            if int.from_bytes(number, "big").bit_length() != bits or bits == 0:
                raise malformed("SIG-13", "a number that is not written with its exact length")
            if self.algorithm in RSA and bits < RSA_LEAST:
                raise Weak("made with RSA of fewer than 2048 bits")
        if rest:
            raise malformed("SIG-13", "bytes behind the values of the signature")

    def tag_is_right(self):
        """Reports whether the two bytes after the unhashed part are the first of the hash (SIG-13)."""
        trailer = b"\x04\xff" + struct.pack(">I", len(self.hashed_part))
        signed = self.payload + self.hashed_part + trailer
        return hashlib.new(HASHES[self.hash], signed).digest()[:2] == self.tag




class Envelope:
    """A DSSE envelope: payload and signatures, pairs of key id and value."""

    envelope = True

    def __init__(self, data):
        try:
            value = json.loads(data.decode("utf-8"), object_pairs_hook=list)
            (type_key, kind), (payload_key, payload), (list_key, signatures) = value
            found = []
            for (id_key, key_id), (value_key, text) in signatures:
                if (id_key, value_key) != ("keyid", "sig") or not isinstance(key_id, str) or not text:
                    raise ValueError("other keys, or a signature of no bytes")
                found.append((key_id, text, _base64(text)))
            if (type_key, payload_key, list_key) != ("payloadType", "payload", "signatures"):
                raise ValueError("other keys")
            self.payload = _base64(payload)
        except (ValueError, TypeError, RecursionError) as err:
            raise malformed("SIG-15", f"not a DSSE envelope: {err}") from err
        if kind != PAYLOAD_TYPE:
            raise malformed("SIG-15", "another type of payload")
        rows = ",".join('{"keyid":%s,"sig":"%s"}' % (_json(i), text) for i, text, _ in found)
        written = '{"payloadType":"%s","payload":"%s","signatures":[%s]}' % (kind, payload, rows)
        if written.encode("utf-8", "surrogatepass") != data:
            raise malformed("SIG-15", "an envelope in another spelling")
        self.signatures = [(key_id, signature) for key_id, _, signature in found]
        if not 1 <= len(found) <= 64 or len({key_id for key_id, _ in self.signatures}) != len(found):
            raise malformed("SIG-16", "no signatures, more than 64, or two of one key")

    def signed(self):
        """Returns the pre-authentication encoding (SIG-16)."""
        return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(self.payload), self.payload)


def parse(data):
    """Returns the OpenPGP or Envelope that a block is; raises Refused or Weak."""
    if not 1 <= len(data) <= MAX_BLOCK:
        raise malformed("SIG-4", "not a block: its length")
    if data.startswith(_HEAD.rstrip(b"\n")):
        return OpenPGP(data)
    if data.startswith(b"{"):
        return Envelope(data)
    raise malformed("SIG-7" if _HEAD in data else "SIG-4", "neither kind of block")


def subpackets(area):
    """Returns (type, value, critical) of the subpackets of a signature (RFC 4880, 5.2.3.1)."""
    found = []
    while area:
        size = area[0]
        if size < 192:
            area = area[1:]
        elif size < 255 and len(area) >= 2:
            size, area = ((size - 192) << 8) + area[1] + 192, area[2:]
        else:
            size, area = int.from_bytes(area[1:5], "big"), area[5:]
        part, area = _cut(area, size)
        if not part:
            raise malformed("SIG-12", "a subpacket without type")
        found.append((part[0] & 0x7F, part[1:], part[0] >= 0x80))
    return found


def _dearmour(rest):
    """Returns the packet of an armour whose headers are over (SIG-10, SIG-11)."""
    body, found, after = rest.partition(_TAIL)
    if not found or after not in (b"", b"\n"):
        raise malformed("SIG-11", "something follows the last hyphen, or there is none")
    lines = body.split(b"\n")
    checksum = lines.pop() if lines[-1][:1] == b"=" else None
    if not lines or any(len(line) != 64 for line in lines[:-1]) or not 1 <= len(lines[-1]) <= 64:
        raise malformed("SIG-10", "lines of another length than 64 characters")
    packet = _canonical_base64(b"".join(lines), "SIG-10")
    if checksum is not None and checksum != b"=" + base64.b64encode(crc24(packet).to_bytes(3, "big")):
        raise malformed("SIG-11", "a wrong checksum")
    return packet


def crc24(data):
    """Returns the checksum of RFC 4880, 6.1."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc & 0xFFFFFF


def _packet_body(packet):
    """Returns the body of the one signature packet (SIG-12)."""
    if len(packet) < 2 or not packet[0] & 0x80:
        raise malformed("SIG-12", "not a packet")
    if packet[0] & 0x40:
        tag, first, head = packet[0] & 0x3F, packet[1], 2
        if first < 192:
            size = first
        elif first < 224:
            size, head = ((first - 192) << 8) + int.from_bytes(packet[2:3], "big") + 192, 3
        elif first == 255:
            size, head = int.from_bytes(packet[2:6], "big"), 6
        else:
            raise malformed("SIG-12", "a partial length")
        shortest = 2 if size < 192 else 3 if size < 8384 else 6
    else:
        tag, kind = packet[0] >> 2 & 0x0F, packet[0] & 3
        if kind == 3:
            raise malformed("SIG-12", "no length")
        head = (2, 3, 5)[kind]
        size = int.from_bytes(packet[1:head], "big")
        shortest = 2 if size < 256 else 3 if size < 65_536 else 5
    if tag != 2 or head != shortest:
        raise malformed("SIG-12", "another packet, or a length that could be shorter")
    if len(packet) < head + size:
        raise malformed("SIG-13", "the packet is cut off")
    if len(packet) > head + size:
        raise malformed("SIG-12", "bytes behind the packet")
    return packet[head:]


def _cut(data, size):
    if len(data) < size:
        raise malformed("SIG-13", "the packet is cut off")
    return data[:size], data[size:]


def _canonical_base64(text, clause):
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as err:
        raise malformed(clause, f"base64: {err}") from err
    if base64.b64encode(data) != text:
        raise malformed(clause, "base64 with unused bits that are not zero")
    return data


def _base64(text):
    if not isinstance(text, str):
        raise ValueError("not base64 in text")
    return _canonical_base64(text.encode("ascii"), "SIG-15")


def _json(text):
    """Returns a text as SIG-15 has it written."""
    written = json.dumps(text, ensure_ascii=False)
    for c in "<>&\u2028\u2029":
        written = written.replace(c, f"\\u{ord(c):04x}")
    return written
