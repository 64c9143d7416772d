"""Public keys: SIG-19 to SIG-21. gpg checks OpenPGP signatures, openssl all others."""

import base64
import hashlib
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time

import block
from refused import Refused

_PEM = re.compile(  # with headers, which RFC 1421 had
    rb"-----BEGIN (RSA )?PUBLIC KEY-----\s*\n(?:[^\n]*:[^\n]*\n)*([A-Za-z0-9+/=\s]+)-----END (?:RSA )?PUBLIC KEY-----"
)
_OIDS = {
    bytes.fromhex("2b6570"): "ed25519",
    bytes.fromhex("2a864886f70d010101"): "rsa",
    bytes.fromhex("2a8648ce3d0201"): "ecdsa",
}
_CURVES = {
    bytes.fromhex("2a8648ce3d030107"): b"nistp256",
    bytes.fromhex("2b81040022"): b"nistp384",
    bytes.fromhex("2b81040023"): b"nistp521",
}
_BRAINPOOL = {bytes.fromhex("2b24030302080101" + n) for n in ("07", "0b", "0d")}  # 256, 384, 512 bits
_OPENPGP_CURVES = {19: {*_CURVES, *_BRAINPOOL}, 22: {bytes.fromhex("2b06010401da470f01")}}
_CERTIFICATIONS = (0x10, 0x11, 0x12, 0x13)
_WEAK_SELF_HASHES = (1, 2, 3)


class KeyRefused(Exception):
    """A key that must not be accepted (SIG-19, SIG-21), or that cannot be read."""


def load(path):
    """Returns the key in a file (SIG-23)."""
    with open(path, "rb") as f:
        data = f.read()
    pem = _PEM.search(data)
    if not pem:
        return OpenPGPKey(data)
    if data.count(b"-----BEGIN ") != 1:
        raise KeyRefused("more than one key in one file")
    der = base64.b64decode(pem[2])
    return PEMKey(_subject_public_key_info(der) if pem[1] else der)


def _subject_public_key_info(rsa):
    """Returns the SubjectPublicKeyInfo of an RSAPublicKey (RFC 8017, A.1.1)."""
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    bits = b"\x03\x82" + struct.pack(">H", len(rsa) + 1) + b"\0" + rsa
    return b"\x30\x82" + struct.pack(">H", len(algorithm + bits)) + algorithm + bits


class PEMKey:
    """A public key as SubjectPublicKeyInfo (RFC 5280) in PEM (RFC 7468)."""

    openpgp = False

    def __init__(self, der):
        self.der = der
        try:
            self._read()
        except (IndexError, ValueError, KeyError) as err:
            raise KeyRefused(f"not a public key: {err}") from err

    def _read(self):
        ((_, info),) = _der(self.der)
        (_, algorithm), (_, bits) = _der(info)
        parts = _der(algorithm)
        self.kind, key = _OIDS[parts[0][1]], bits[1:]
        if self.kind == "ed25519":
            fields = [b"ssh-ed25519", key]
        elif self.kind == "ecdsa":
            curve = _CURVES[parts[1][1]]
            if key[0] != 4:
                raise KeyRefused("a point that is not written in full")
            fields = [b"ecdsa-sha2-" + curve, curve, key]
        else:
            ((_, numbers),) = _der(key)
            (_, n), (_, e) = _der(numbers)
            bits = int.from_bytes(n, "big").bit_length()
            if not 2048 <= bits <= 8192:
                raise KeyRefused(f"an RSA key of {bits} bits")
            fields = [b"ssh-rsa", e, n]
        wire = b"".join(struct.pack(">I", len(f)) + f for f in fields)
        self.fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(wire).digest()).decode().rstrip("=")

    def close(self):
        """Has nothing to remove."""

    def made(self, message, signature):
        """Reports whether the key made a signature of a message (SIG-17), by openssl."""
        with tempfile.TemporaryDirectory() as folder:
            names = [os.path.join(folder, n) for n in ("key", "message", "signature")]
            for name, data in zip(names, (self.der, message, signature)):
                with open(name, "wb") as f:
                    f.write(data)
            key, text, value = names
            if self.kind == "ed25519":
                command = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-rawin",
                           "-in", text, "-sigfile", value]  # fmt: skip
            else:
                command = ["dgst", "-sha256", "-keyform", "DER", "-verify", key, "-signature", value, text]
            done = subprocess.run(["openssl", *command], capture_output=True, check=False)
            return done.returncode == 0


def _der(data):
    """Returns (tag, value) of the elements that stand one after the other."""
    found = []
    while data:
        tag, size, head = data[0], data[1], 2
        if size >= 0x80:
            head = 2 + (size & 0x7F)
            size = int.from_bytes(data[2:head], "big")
        if len(data) < head + size:
            raise ValueError("cut off")
        found.append((tag, data[head : head + size]))
        data = data[head + size :]
    return found


class Part:
    """A primary key or subkey: fingerprint, time of creation, what was signed about it."""

    def __init__(self, body):
        self.created = int.from_bytes(body[1:5], "big")
        self.algorithm = body[5]
        self.fingerprint = hashlib.sha1(b"\x99" + struct.pack(">H", len(body)) + body).hexdigest().upper()
        self.bits = int.from_bytes(body[6:8], "big") if self.algorithm in block.RSA else 0
        self.curve = body[7 : 7 + body[6]] if self.algorithm in _OPENPGP_CURVES else None
        self.bindings = []  # (time, seconds that the key is valid from its creation, seconds of the binding)
        self.revocations = []  # (time, reason)

    def acceptable(self):
        """Reports whether algorithm, size and curve are those of SIG-21."""
        if self.curve is not None:
            return self.curve in _OPENPGP_CURVES[self.algorithm]
        return self.algorithm in block.ALGORITHMS and (not self.bits or 2048 <= self.bits <= 8192)

    def is_named(self, issuer):
        """Reports whether an issuer subpacket names this key, by key id or fingerprint."""
        raw = bytes.fromhex(self.fingerprint)
        return issuer == (raw[-8:] if len(issuer) == 8 else raw)

    def expired(self, at):
        """Reports whether the key, by its newest binding at a time, had expired at that time.

        None: at that time there was no binding.
        """
        known = [b for b in self.bindings if b[0] <= at]
        if not known:
            return None
        made, key_seconds, binding_seconds = max(known, key=lambda b: b[0])
        return bool(key_seconds and self.created + key_seconds < at
                    or binding_seconds and made + binding_seconds < at)  # fmt: skip

    def revoked(self, at):
        """Reports whether a revocation counts against what was signed at a time (VER-12)."""
        return any(reason not in (1, 3) or made < at for made, reason in self.revocations)


class OpenPGPKey:
    """A version 4 key in a folder of gpg's own, which close removes.

    gpg checks self-signatures on import and keeps those that are true; what they
    say is read from the packets that it exports, since gpg knows a key only as
    it is now, and VER-12 asks what it was.
    """

    openpgp = True

    def __init__(self, data):
        self.home = tempfile.mkdtemp(prefix="reader")
        try:
            self._import(data)
        except BaseException:
            self.close()
            raise
        self.fingerprint = self.parts[0].fingerprint

    def close(self):
        shutil.rmtree(self.home, ignore_errors=True)

    def _gpg(self, *arguments, stdin=b"", check=True):
        command = ["gpg", "--homedir", self.home, "--batch", "--no-tty", "--quiet", "--no-autostart",
                   "--no-auto-check-trustdb", "--trust-model", "always", *arguments]  # fmt: skip
        done = subprocess.run(command, input=stdin, capture_output=True, check=False)
        if check and done.returncode != 0:
            raise KeyRefused(f"gpg: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def _import(self, data):
        self._gpg("--import", "--import-options", "keep-ownertrust", stdin=data)
        listing = self._gpg("--with-colons", "--check-sigs").decode(errors="replace")
        true = {(int(f[10][:2], 16), int(f[5])) for f in (row.split(":") for row in listing.splitlines())
                if f[0] in ("sig", "rev") and f[1] == "!"}  # fmt: skip
        self.parts, strong, part = [], False, None
        for tag, body in packets(self._gpg("--export")):
            if tag in (6, 14):
                if body[0] != 4 or tag == 6 and self.parts:
                    raise KeyRefused("not one key of version 4")
                part = Part(body)
                self.parts.append(part)
            elif tag == 2 and part:
                try:
                    strong |= self._self_signature(part, body, true)
                except (Refused, IndexError):  # a packet that gpg keeps, and nobody reads
                    continue
        if not self.parts or not strong:
            raise KeyRefused("no name carries a self-signature with a sound hash")
        if not self.parts[0].acceptable():
            raise KeyRefused("an algorithm, curve or size that must not be accepted")

    def _self_signature(self, part, body, true):
        """Takes in what the key says about itself; reports whether it certifies a name soundly."""
        kind, hash_algorithm, size = body[1], body[3], int.from_bytes(body[4:6], "big")
        unhashed = int.from_bytes(body[6 + size : 8 + size], "big")
        hashed = block.subpackets(body[6 : 6 + size])
        known = {k: v for k, v, _ in reversed(hashed)}
        issuers = [v for k, v, _ in hashed + block.subpackets(body[8 + size : 8 + size + unhashed]) if k == 16]
        made = int.from_bytes(known.get(2, b""), "big")
        if (kind, made) not in true or bytes.fromhex(self.parts[0].fingerprint)[-8:] not in issuers:
            return False
        if kind in (0x20, 0x28):
            part.revocations.append((made, known.get(29, b"\0")[0]))
        elif kind == 0x18 or part is self.parts[0] and kind in (*_CERTIFICATIONS, 0x1F):
            seconds = [int.from_bytes(known.get(k, b""), "big") for k in (9, 3)]
            part.bindings.append((made, *seconds))
        return kind in _CERTIFICATIONS and hash_algorithm not in _WEAK_SELF_HASHES

    def part(self, b):
        """Returns the primary key or subkey that a block's last issuer names, or None (VER-10)."""
        for p in self.parts:
            if b.issuers and p.is_named(b.issuers[-1]):
                return p
        return None

    def made(self, b, part):
        """Reports whether a part of the key made a block, by gpg as of the block's own time."""
        if b.payload[-1:] == b"\0":  # which gpg takes for white space at the end of a line
            return False
        with tempfile.TemporaryDirectory() as folder:
            names = [os.path.join(folder, n) for n in ("signature", "text")]
            for name, data in zip(names, (b.packet, b.payload)):
                with open(name, "wb") as f:
                    f.write(data)
            at = time.strftime("%Y%m%dT%H%M%S!", time.gmtime(b.created))
            out = self._gpg("--status-fd", "1", "--faked-system-time", at, "--verify", *names, check=False)
        rows = [row.split() for row in out.decode(errors="replace").splitlines()]
        return any(len(r) > 2 and r[1] == "VALIDSIG" and r[2] == part.fingerprint for r in rows)


def packets(data):
    """Yields (tag, body) of the packets that gpg wrote."""
    while data:
        tag, first = data[0], data[1]
        if tag & 0x40:
            tag &= 0x3F
            if first < 192:
                head, size = 2, first
            elif first < 224:
                head, size = 3, ((first - 192) << 8) + data[2] + 192
            else:
                head, size = 6, int.from_bytes(data[2:6], "big")
        else:
            head = (2, 3, 5)[tag & 3]
            tag, size = tag >> 2 & 0x0F, int.from_bytes(data[1:head], "big")
        yield tag, data[head : head + size]
        data = data[head + size :]
