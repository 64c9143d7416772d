"""Canonical JSON: part DOC."""

import json

from refused import malformed

MAX_BYTES = 16_777_216
MAX_DEPTH = 64
MAX_NUMBER = 2**53


def encode(value):
    """Returns the one spelling of a value (DOC-1)."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda k: k.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(encode(k) + ":" + encode(value[k]) for k in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    # Escapes of the standard library are those of RFC 8785, 3.2.2.2.
    return json.dumps(value, ensure_ascii=False)


def decode(data, clause="DOC-2"):
    """Returns the value that canonical JSON describes, or refuses the bytes."""
    if len(data) > MAX_BYTES:
        raise malformed(clause, "JSON of more than 16 MiB")
    if _depth(data) > MAX_DEPTH:
        raise malformed(clause, "JSON nested more than 64 deep")
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_no_number,
            parse_constant=_no_number,
            parse_int=_integer,
        )
        same = encode(value).encode("utf-8") == data
    except ValueError as err:  # bad JSON, bad UTF-8, lone surrogates
        raise malformed(clause, f"not canonical JSON: {err}") from err
    if not same:
        raise malformed(clause, "JSON that is not in its canonical spelling")
    return value


def _depth(data):
    """Returns how deep arrays and objects are nested, at most one over the limit."""
    depth = deepest = 0
    in_text = escaped = False
    for c in data:
        if in_text:
            if escaped:
                escaped = False
            elif c == 0x5C:
                escaped = True
            elif c == 0x22:
                in_text = False
        elif c == 0x22:
            in_text = True
        elif c in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif c in b"]}":
            depth -= 1
    return deepest


def _object(pairs):
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _integer(text):
    if len(text) > 17 or abs(int(text)) > MAX_NUMBER:
        raise ValueError("a number beyond 2^53")
    return int(text)


def _no_number(text):
    raise ValueError(f"{text} is not a whole number")
