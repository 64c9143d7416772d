"""Verification: part VER, for keys that are trusted without windows, and without a policy."""

import json

import block
import image
import sif
from refused import Refused, malformed

LEEWAY = 300  # seconds that a signer's clock may be ahead (VER-11)
MAX_FOREIGN_SIGNATURES = 256
HASH_TYPES = {8: 1, 9: 2, 10: 3}  # of SIG-5, by the numbers of RFC 4880
COUNTING = ("valid", "unanchored")


class Status:
    """What a signature is worth. other_payload: a trusted key made it, of something else. not_made: it names
    a trusted key, which did not make it."""

    def __init__(self, status, clause, text="", fingerprint="", other_payload=False, not_made=False):
        self.not_made = not_made
        self.status, self.clause, self.text = status, clause, text
        self.fingerprint, self.other_payload = fingerprint, other_payload

    def json(self):
        shown = {"status": self.status, "clause": self.clause, "fingerprint": self.fingerprint, "text": self.text}
        return {k: v for k, v in shown.items() if v}


def judge(data, keys, payload_of, now, hash_type=None, entity=None):
    """Returns the Status of each signature in a block (VER-8 to VER-22).

    payload_of returns the payload that a block should have. hash_type and entity
    are those of the object that holds the block, None where they are not compared.
    """
    try:
        b = block.parse(data)
    except block.Weak as err:
        return [Status("weak", "VER-9", str(err))]
    except Refused as err:
        return [Status("malformed", err.clause, str(err))]
    right = payload_of(b.payload) == b.payload
    if b.envelope:
        return [_envelope(b, key_id, value, keys, right, hash_type, entity) for key_id, value in b.signatures]
    return [_openpgp(b, keys, right, now, hash_type, entity)]


def _envelope(b, key_id, value, keys, right, hash_type, entity):
    keys = [k for k in keys if not k.openpgp]
    key = next((k for k in keys if k.made(b.signed(), value)), None)
    if key is None:
        named = next((k for k in keys if k.fingerprint == key_id), None)
        if named:
            return Status("invalid", "VER-11", "the key that it names did not make it", key_id, not_made=True)
        return Status("unknown signer", "VER-10")
    if key.fingerprint != key_id:
        return Status("malformed", "VER-8", "the key id is not that of the key that made it", key.fingerprint)
    if hash_type not in (None, 1) or entity not in (None, bytes(20)):
        return Status("malformed", "VER-8", "extra of the signature object", key.fingerprint)
    if not right:
        return Status("invalid", "VER-13", "made of something else", key.fingerprint, other_payload=True)
    return Status("valid", "VER-14", "", key.fingerprint)


def _openpgp(b, keys, right, now, hash_type, entity):
    for key in keys:
        part = key.part(b) if key.openpgp else None
        if part:
            break
    else:
        return Status("unknown signer", "VER-10")
    primary, who = key.parts[0], key.fingerprint
    parts = [primary] if part is primary else [primary, part]
    if part.bits and part.bits < 2048:
        return Status("weak", "VER-9", "an RSA key below 2048 bits", who)
    if not key.made(b, part):
        return Status("invalid", "VER-11", "the key that it names did not make it", who, not_made=True)
    if not all(part.is_named(i) for i in b.issuers):
        return Status("malformed", "VER-8", "an issuer that is not the key that signed", who)
    if not b.tag_is_right():
        return Status("malformed", "SIG-13", "its two bytes of the hash are not those of the hash", who)
    if hash_type not in (None, HASH_TYPES[b.hash]) or entity not in (None, bytes.fromhex(who)):
        return Status("malformed", "VER-8", "extra of the signature object", who)
    if b.created > now + LEEWAY or b.created < part.created:
        return Status("invalid", "VER-11", "dated in the future, or before its key", who)
    if any(p.expired(b.created) is None for p in parts):
        return Status("invalid", "VER-11", "the key had no self-signature at that time", who)
    if any(p.revoked(b.created) for p in parts):
        return Status("revoked", "VER-12", "", who)
    if any(p.expired(b.created) for p in parts) or b.lifetime and b.created + b.lifetime <= now:
        return Status("expired", "VER-12", "", who)
    if not right:
        return Status("invalid", "VER-13", "made of something else", who, other_payload=True)
    if any(p.expired(now) or p.revocations for p in parts):
        return Status("unanchored", "VER-22", "the key has lapsed since", who)
    return Status("valid", "VER-14", "", who)


def verify(file, keys, detached, now, accept_foreign=False):
    """Returns (verdict, clause, report) of an open file."""
    report = {"signatures": []}
    try:
        container = sif.Container(file)
        try:
            i = image.Image(container)
        except Refused as err:
            if err.verdict != "foreign":
                raise
            return _foreign(container, keys, detached, now, accept_foreign, report)
        report["contentId"] = i.content_id()
        i.check_content()
    except Refused as err:
        report["reason"] = str(err)
        return err.verdict, err.clause, report
    payload = i.payload()
    blocks = [(d.id, container.read(d.offset, d.size), d.extra[0], d.extra[4:24]) for d in i.signatures]
    blocks += [(None, data, None, None) for data in detached]
    beside = {d.id for d in i.signatures if d.link == 0}
    found, damaged = [], False
    for object_id, data, hash_type, entity in blocks:
        for s in judge(data, keys, lambda _: payload, now, hash_type, entity):
            found.append(s)
            if object_id and (object_id not in beside or block.begins(data)):
                damaged |= s.status == "malformed" or s.not_made
            report["signatures"].append({**({"objectId": object_id} if object_id else {}), **s.json()})
    if any(s.status in COUNTING for s in found):
        return "signed", "VER-4", report
    if any(s.other_payload for s in found):
        return "altered", "VER-5", report
    if damaged:
        return "malformed", "VER-5a", report
    return "not signed", "VER-6", report


def _foreign(c, keys, detached, now, accept, report):
    """Verifies a file of another program (VER-15 to VER-18)."""
    if sum(d.size for d in c.descriptors) > c.size:
        raise malformed("VER-15", "the objects together are larger than the file")
    signatures = [d for d in c.descriptors if d.type == sif.SIGNATURE][:MAX_FOREIGN_SIGNATURES]
    objects = {d.id for d in c.descriptors if d.type != sif.SIGNATURE}
    blocks = [(_groups(c, d.link), c.read(d.offset, min(d.size, block.MAX_BLOCK + 1)), d.extra[4:24])
              for d in signatures]  # fmt: skip
    blocks += [(_groups(c, 0), data, None) for data in detached]
    digests, covered, found = {}, {}, []
    for groups, data, entity in blocks:
        listed = set()

        def payload_of(text, groups=groups, listed=listed):
            for members in groups:
                if _group_payload(c, members, text, digests, listed) == text:
                    return text
            return None

        for s in judge(data, keys, payload_of, now, entity=entity):
            found.append(s)
            report["signatures"].append(s.json())
            if s.status in COUNTING:
                covered.setdefault(s.fingerprint, set()).update(listed)
    if objects and any(objects <= ids for ids in covered.values()):
        if accept:
            return "signed", "VER-17", report
        report["reason"] = "signed, but not an image: accept files of other programs to let it pass"
        return "malformed", "VER-17", report
    if any(s.other_payload for s in found):
        return "altered", "VER-5", report
    return "not signed", "VER-6", report


def _groups(c, link):
    """Returns the groups that a signature with this link may be over: the objects of each (VER-16)."""
    groups = {}
    for d in sorted(c.descriptors, key=lambda d: d.id):
        if d.type != sif.SIGNATURE and d.group & ~sif.GROUP:
            groups.setdefault(d.group & ~sif.GROUP, []).append(d)
    if link & sif.GROUP != sif.GROUP:
        return list(groups.values())
    return [members for number, members in groups.items() if number == link & ~sif.GROUP]


def _group_payload(c, members, text, digests, listed):
    """Returns the payload of a group for those objects that a payload lists (VER-16)."""
    try:
        wanted = {row["relativeId"] for row in json.loads(text)["objects"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    listed.clear()
    triples = []
    for d in members:
        relative = d.id - members[0].id
        if relative in wanted:
            if d.id not in digests:
                digests[d.id] = c.sha256(d)
            triples.append((d, digests[d.id], relative))
            listed.add(d.id)
    return sif.payload(c.header, triples) if triples else None
