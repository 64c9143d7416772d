#!/usr/bin/env python3
"""Encodes files as the codec zstd-2/repro-4 does: encode.py FILE... makes FILE.zst

Written from SPEC.md, SQ-25 to SQ-33, and RFC 8878, with nothing but the
standard library: so the clauses suffice.
"""
import sys

STRETCH = 131072
SPAN = 32768
MASK = (1 << 64) - 1

# RFC 8878, section 3.1.1.3.2.1.1: (base, bits) of literals length codes from 16
# on, and of match length codes from 32 on.
LITERALS = [(16, 1), (18, 1), (20, 1), (22, 1), (24, 2), (28, 2), (32, 3), (40, 3), (48, 4), (64, 6)] + \
    [(1 << k, k) for k in range(7, 17)]
MATCHES = [(35, 1), (37, 1), (39, 1), (41, 1), (43, 2), (47, 2), (51, 3), (59, 3), (67, 4), (83, 4), (99, 5), (131, 7)] + \
    [((1 << k) + 3, k) for k in range(8, 17)]

# RFC 8878, section 3.1.1.3.2.2.
PREDEFINED = [
    [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
    [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
    [1, 4, 3, 2, 2, 2, 2, 2, 2] + [1] * 37 + [-1] * 7,
]
ACCURACY = [(6, 9), (5, 8), (6, 9)]  # predefined, and most of a compressed one


class Bits:
    """Numbers written from the lowest bit up."""

    def __init__(self):
        self.value, self.size = 0, 0
        self.out = bytearray()

    def add(self, value, size):
        self.value |= (value & ((1 << size) - 1)) << self.size
        self.size += size
        while self.size >= 8:
            self.out.append(self.value & 255)
            self.value >>= 8
            self.size -= 8

    def end(self):
        if self.size:
            self.out.append(self.value)
        return bytes(self.out)


class States:
    """The table of a distribution, RFC 8878, section 4.1.1, used for encoding."""

    def __init__(self, distribution, accuracy):
        self.accuracy = accuracy
        size = 1 << accuracy
        table, high = [None] * size, size - 1
        for kind, n in enumerate(distribution):
            if n == -1:
                table[high] = kind
                high -= 1
        at, step = 0, (size >> 1) + (size >> 3) + 3
        for kind, n in enumerate(distribution):
            for _ in range(max(n, 0)):
                table[at] = kind
                at = (at + step) % size
                while at > high:
                    at = (at + step) % size
        self.first = {}  # the lowest state of a kind
        self.before = {}  # kind → what state, with how many bits, leads to a state
        nexts = [max(n, -n) for n in distribution]
        for state, kind in enumerate(table):
            self.first.setdefault(kind, state)
            bits = accuracy - (nexts[kind].bit_length() - 1)
            base = (nexts[kind] << bits) - size
            nexts[kind] += 1
            self.before.setdefault(kind, []).append((base, bits, state))

    def start(self, kind):
        return self.first[kind]

    def step(self, out, state, kind):
        """Writes what leads from a state for kind to the given one."""
        for base, bits, before in self.before[kind]:
            if base <= state < base + (1 << bits):
                out.add(state - base, bits)
                return before
        raise AssertionError("no state")


class OneState:
    accuracy = 0

    def start(self, kind):
        return 0

    def step(self, out, state, kind):
        return 0


def distribute(counts, accuracy):
    """SQ-33"""
    total, size = sum(counts), 1 << accuracy
    out = []
    for n in counts:
        if n == 0:
            out.append(0)
        elif n * size < total:
            out.append(-1)
        else:
            out.append(max(1, (n * size + total // 2) // total))
    rest = size - sum(abs(n) for n in out)
    while rest:
        v = max(out)
        change = rest if rest > 0 else max(rest, -(v // 2))
        out[out.index(v)] += change
        rest -= change
    return out


def describe(distribution, accuracy):
    """RFC 8878, section 4.1.1: the description of a distribution."""
    out = Bits()
    out.add(accuracy - 5, 4)
    rest, at = (1 << accuracy) + 1, 0
    while rest > 1:
        n = distribution[at]
        at += 1
        width = rest.bit_length()
        low = (1 << width) - 1 - rest
        value = n + 1
        rest -= abs(n)
        if value < low:
            out.add(value, width - 1)
        elif value < 1 << (width - 1):
            out.add(value, width)
        else:
            out.add(value + low, width)
        if n == 0:
            zeros = 0
            while distribution[at + zeros] == 0:
                zeros += 1
            at += zeros
            while zeros >= 3:
                out.add(3, 2)
                zeros -= 3
            out.add(zeros, 2)
    return out.end()


class Finder:
    """SQ-26 and SQ-27"""

    def __init__(self, src):
        self.src = src
        self.short, self.long = [0] * 32768, [0] * 32768
        self.d0, self.d1 = 1, 4

    def b4(self, p):
        return self.src[p:p + 4]

    def b8(self, p):
        return self.src[p:p + 8]

    def entries(self, p):
        v = int.from_bytes(self.b8(p), "little")
        return ((v << 24 & MASK) * 0x9e3779b185ebca87 & MASK) >> 49, (v * 0xcf1bbcdcb7a56463 & MASK) >> 49

    def put(self, p, both=True):
        short, long = self.entries(p)
        self.short[short] = p
        if both:
            self.long[long] = p

    def length(self, i, d, end):
        n = 0
        while i + n < end and self.src[i + n] == self.src[i + n - d]:
            n += 1
        return n

    def find(self, start, end):
        """Returns sequences of literals, length of the match and offset value,
        and the literals behind them."""
        out = []
        i, a, limit = max(start, 1), start, end - 16
        while i < limit:
            s = i
            (short, long), (short1, long1) = self.entries(i), self.entries(i + 1)
            t, t1, l, l1 = self.short[short], self.short[short1], self.long[long], self.long[long1]
            self.put(i)
            self.put(i + 1)
            if i + 1 - self.d0 >= 0 and self.b4(i + 1 - self.d0) == self.b4(i + 1):
                n = self.length(i + 1, self.d0, end)
                out.append((self.src[a:i + 1], n, 1))
                i += 1 + n
            else:
                if self.b8(l) == self.b8(i):
                    d = i - l
                elif self.b8(l1) == self.b8(i + 1):
                    i += 1
                    d = i - l1
                elif self.b4(t) == self.b4(i):
                    d = i - t
                elif self.b4(t1) == self.b4(i + 1):
                    i += 1
                    d = i - t1
                else:
                    i += ((i - a) >> 7) + 2
                    continue
                while i > a and i > d and self.src[i - 1] == self.src[i - 1 - d]:
                    i -= 1
                n = self.length(i, d, end)
                out.append((self.src[a:i], n, d + 3))
                self.d0, self.d1 = d, self.d0
                i += n
            a = i
            if i >= limit:
                break
            self.put(s + 2)
            self.put(i - 2)
            self.put(i - 1, both=False)
            while i < limit and i >= self.d1 and self.b4(i) == self.b4(i - self.d1):
                self.put(i, both=False)
                n = self.length(i, self.d1, end)
                out.append((b"", n, 1))
                self.d0, self.d1 = self.d1, self.d0
                i += n
                a = i
        return out, self.src[a:end]


def code(value, first, table):
    """The code of a length, with the bits that it leaves open."""
    if value < first:
        return value - (first - min(first, 16 if table is LITERALS else 32)), 0, 0
    k = max(k for k, (base, _) in enumerate(table) if base <= value)
    return k + (16 if table is LITERALS else 32), value - table[k][0], table[k][1]


def codes(sequence):
    """Codes of literals length, offset and match length."""
    literals, length, offset = sequence
    bits = offset.bit_length() - 1
    return code(len(literals), 16, LITERALS), (bits, offset - (1 << bits), bits), code(length, 35, MATCHES)


# The whole part of 256·log2(1 + m/256), exactly: that of log2((256 + m)^256) - 2048.
LOG2 = [((256 + m) ** 256).bit_length() - 1 - 2048 for m in range(256)]


def lg(n):
    whole = n.bit_length() - 1
    return 256 * whole + LOG2[(n << 8 >> whole) & 255]


def entropy(counts):
    total = sum(counts.values())
    if total == 0:
        return 0
    return (total * lg(total) - sum(n * lg(n) for n in counts.values()) >> 8) + 4 * len(counts)


def tally(things):
    out = {}
    for x in things:
        out[x] = out.get(x, 0) + 1
    return out


def cost(span):
    sequences, literals = span
    all_codes = [codes(s) for s in sequences]
    return entropy(tally(literals)) + sum(entropy(tally(c[k][0] for c in all_codes)) for k in range(3))


def spans(sequences, rest):
    """SQ-28"""
    out, current, size = [], [], 0
    cuts = []
    for k, (literals, length, _) in enumerate(sequences):
        current.append(sequences[k])
        size += len(literals) + length
        if size >= SPAN and k < len(sequences) - 1:
            cuts.append(current)
            current, size = [], 0
    cuts.append(current)
    for k, cut in enumerate(cuts):
        literals = b"".join(s[0] for s in cut) + (rest if k == len(cuts) - 1 else b"")
        span = cut, literals
        if out:
            both = out[-1][0] + cut, out[-1][1] + literals
            if cost(both) <= cost(out[-1]) + cost(span) + 512:
                out[-1] = both
                continue
        out.append(span)
    return out


def code_lengths(counts):
    """SQ-30"""
    order = sorted(counts, key=lambda byte: (counts[byte], byte))
    nodes = [(counts[byte], [k]) for k, byte in enumerate(order)]
    leaves, joined, depth = nodes, [], [0] * len(order)
    while len(leaves) + len(joined) > 1:
        pair = []
        for _ in range(2):
            if leaves and (not joined or leaves[0][0] <= joined[0][0]):
                pair.append(leaves[0])
                leaves = leaves[1:]
            else:
                pair.append(joined.pop(0))
        below = pair[0][1] + pair[1][1]
        for k in below:
            depth[k] += 1
        joined.append((pair[0][0] + pair[1][0], below))
    c = [0] * 12
    for d in depth:
        c[min(d, 11)] += 1
    while sum(n << (11 - k) for k, n in enumerate(c) if k) > 2048:
        k = max(k for k in range(1, 11) if c[k])
        c[11] -= 1
        c[k] -= 1
        c[k + 1] += 2
    lengths, at = {}, 0
    for k in range(11, 0, -1):
        for byte in order[at:at + c[k]]:
            lengths[byte] = k
        at += c[k]
    return lengths


def describe_code(lengths):
    """SQ-31; None if it cannot be."""
    longest = max(lengths.values())
    weights = [longest + 1 - lengths[byte] if byte in lengths else 0 for byte in range(max(lengths))]
    w = len(weights)
    if w > 2 and min(weights) < max(weights):
        distribution = distribute([weights.count(k) for k in range(max(weights) + 1)], 6)
        states = States(distribution, 6)
        out, two = Bits(), [None, None]
        for k in range(w - 1, -1, -1):
            if k >= w - 2:
                two[k & 1] = states.start(weights[k])
            else:
                two[k & 1] = states.step(out, two[k & 1], weights[k])
        out.add(two[1], 6)
        out.add(two[0], 6)
        out.add(1, 1)
        packed = describe(distribution, 6) + out.end()
        if len(packed) < 128 and (w > 128 or len(packed) < (w + 1) // 2):
            return bytes([len(packed)]) + packed
    if w > 128:
        return None
    if w % 2:
        weights.append(0)
    return bytes([127 + w]) + bytes(a << 4 | b for a, b in zip(weights[::2], weights[1::2]))


def stream(lengths, literals):
    numbers, first = {}, 0
    for k in range(max(lengths.values()), 0, -1):
        mine = sorted(byte for byte in lengths if lengths[byte] == k)
        for n, byte in enumerate(mine):
            numbers[byte] = first + n
        first = (first + len(mine)) >> 1
    out = Bits()
    for byte in reversed(literals):
        out.add(numbers[byte], lengths[byte])
    out.add(1, 1)
    return out.end()


def plain_header(kind, n):
    if n < 32:
        return bytes([kind | n << 3])
    if n < 4096:
        return (kind | 1 << 2 | n << 4).to_bytes(2, "little")
    return (kind | 3 << 2 | n << 4).to_bytes(3, "little")


def literals_section(literals):
    """SQ-29"""
    n, counts = len(literals), tally(literals)
    if len(counts) == 1:
        return plain_header(1, n) + literals[:1]
    if n >= 32:
        lengths = code_lengths(counts)
        bits = sum(counts[byte] * lengths[byte] for byte in counts)
        tree = describe_code(lengths)
        if tree is not None and len(tree) + (bits >> 3) + 16 < n:
            if n < 1024:
                body, form, width, head = tree + stream(lengths, literals), 0, 10, 3
            else:
                quarter = (n + 3) // 4
                four = [stream(lengths, literals[k * quarter:(k + 1) * quarter]) for k in range(4)]
                body = tree + b"".join(len(s).to_bytes(2, "little") for s in four[:3]) + b"".join(four)
                form, width, head = (2, 14, 4) if n < 16384 else (3, 18, 5)
            return (2 | form << 2 | n << 4 | len(body) << (4 + width)).to_bytes(head, "little") + body
    return plain_header(0, n) + literals


def sequences_section(sequences):
    """SQ-32"""
    n = len(sequences)
    if n == 0:
        return b"\0"
    if n < 128:
        out = bytes([n])
    elif n < 32512:
        out = bytes([(n >> 8) + 128, n & 255])
    else:
        out = b"\xff" + (n - 32512).to_bytes(2, "little")
    all_codes = [codes(s) for s in sequences]
    modes, descriptions, tables = 0, b"", []
    for k, (predefined, most) in enumerate(ACCURACY):
        counts = tally(c[k][0] for c in all_codes)
        m, h = max(counts.values()), max(counts)
        if m == n and n > 2:
            mode, table = 1, OneState()
            descriptions += bytes([h])
        elif n < 1 << predefined or m < n >> (predefined - 1):
            mode, table = 0, States(PREDEFINED[k], predefined)
        else:
            accuracy = min(most, max(5, (n - 1).bit_length() - 3, h.bit_length() + 1))
            distribution = distribute([counts.get(c, 0) for c in range(h + 1)], accuracy)
            mode, table = 2, States(distribution, accuracy)
            descriptions += describe(distribution, accuracy)
        modes |= mode << (6 - 2 * k)
        tables.append(table)
    bits, states = Bits(), [None] * 3
    for i in range(n - 1, -1, -1):
        for k in (1, 2, 0):
            if i == n - 1:
                states[k] = tables[k].start(all_codes[i][k][0])
            else:
                states[k] = tables[k].step(bits, states[k], all_codes[i][k][0])
        for k in (0, 2, 1):
            bits.add(all_codes[i][k][1], all_codes[i][k][2])
    for k in (2, 1, 0):
        bits.add(states[k], tables[k].accuracy)
    bits.add(1, 1)
    return out + bytes([modes]) + descriptions + bits.end()


def block_head(kind, size, last):
    return (last | kind << 1 | size << 3).to_bytes(3, "little")


def encode(src):
    """SQ-25"""
    n = len(src)
    out = (0xFD2FB528).to_bytes(4, "little")
    if n < 256:
        out += bytes([1 << 5, n])
    elif n < 65792:
        out += bytes([1 << 5 | 1 << 6]) + (n - 256).to_bytes(2, "little")
    else:
        out += bytes([1 << 5 | 2 << 6]) + n.to_bytes(4, "little")
    finder = Finder(src)
    for start in range(0, max(n, 1), STRETCH):
        end = min(start + STRETCH, n)
        before = finder.d0, finder.d1
        pieces = spans(*finder.find(start, end))
        blocks = b""
        for k, (sequences, literals) in enumerate(pieces):
            body = literals_section(literals) + sequences_section(sequences)
            blocks += block_head(2, len(body), end == n and k == len(pieces) - 1) + body
        if len(blocks) >= end - start + 3:
            finder.d0, finder.d1 = before
            blocks = block_head(0, end - start, end == n) + src[start:end]
        out += blocks
    return out


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with open(name, "rb") as f, open(name + ".zst", "wb") as out:
            out.write(encode(f.read()))
