"""Trees of files: digest, union, listing, extraction (SQ-22 to SQ-24)."""

import hashlib
import os
import stat

OPAQUE = (b"trusted.overlay.opaque", b"user.overlay.opaque")


def walk(root):
    """Yields (path, node) for the root, b"", and all below it: each directory before
    what it holds, entries in byte order of names."""
    waiting = [(b"", root)]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        for name in sorted(node.children, reverse=True):
            waiting.append((path + b"/" + name if path else name, node.children[name]))


def file_digest(node):
    digest = hashlib.sha256()
    for part in node.layer.content(node):
        digest.update(part)
    return digest.hexdigest()


def records(root):
    """Yields the lines of the text that SQ-22 hashes, and reads every file for it."""
    first = {}
    yield b"repro tree 1\n"
    for path, n in walk(root):
        if id(n) in first:
            fields = [path, b"hardlink", first[id(n)]]
        else:
            first[id(n)] = path
            fields = [path, n.kind.encode(), b"%o" % n.mode, b"%d" % n.uid, b"%d" % n.gid, b"%d" % n.time]
            if n.kind == "file":
                fields += [b"%d" % n.size, file_digest(n).encode()]
            elif n.kind == "symlink":
                fields.append(n.target)
            elif n.kind in ("block", "char"):
                fields.append(b"%d" % n.device)
            for name, value in n.attributes:
                fields += [name, value.hex().encode()]
        yield b"".join(f + b"\0" for f in fields) + b"\n"


def digest(root):
    """Returns the content digest of a tree (SQ-22)."""
    total = hashlib.sha256()
    for record in records(root):
        total.update(record)
    return "sha256:" + total.hexdigest()


def numbers(root):
    """Returns how many inodes a tree has, and the sum of the sizes of its regular files (MAN-6)."""
    nodes = {id(n): n for _, n in walk(root)}
    return len(nodes), sum(n.size for n in nodes.values() if n.kind == "file")


def union(roots):
    """Returns the union of trees, the last on top (SQ-24). The trees become part of it."""
    root = roots[0]
    _clean(root)
    for upper in roots[1:]:
        root = _merge(root, upper)
    return root


def whiteout(node):
    return node.kind == "char" and node.device == 0


def _opaque(node):
    return any(name in OPAQUE and value == b"y" for name, value in node.attributes)


def _clean(root):
    """Removes what a layer says about those below it, where there is none."""
    for _, node in list(walk(root)):
        if node.kind == "directory":
            node.children = {k: v for k, v in node.children.items() if not whiteout(v)}
            node.attributes = [a for a in node.attributes if a[0] not in OPAQUE or a[1] != b"y"]


def _merge(lower, upper):
    """Returns upper over lower; both are directories."""
    waiting = [(lower, upper)]
    while waiting:
        below, above = waiting.pop()
        if _opaque(above):
            _clean(above)
            continue
        merged = dict(below.children)
        for name, node in above.children.items():
            old = merged.get(name)
            if whiteout(node):
                merged.pop(name, None)
                continue
            merged[name] = node
            if node.kind != "directory":
                continue
            if old and old.kind == "directory":
                waiting.append((old, node))
            else:
                _clean(node)
        above.children = merged
    return upper


def extract(root, folder):
    """Writes a tree to a folder that is not there, or empty. Owners, setuid bits,
    attributes and devices are left out; nothing is followed."""
    os.makedirs(folder, exist_ok=True)
    if os.listdir(folder):
        raise FileExistsError(f"{folder}: not empty")
    first, directories = {}, []
    for path, n in walk(root):
        target = os.path.join(os.fsencode(folder), path) if path else os.fsencode(folder)
        if id(n) in first:
            os.link(first[id(n)], target, follow_symlinks=False)
            continue
        first[id(n)] = target
        if n.kind == "directory":
            os.makedirs(target, mode=0o700, exist_ok=True)
            directories.append((target, n))
        elif n.kind == "symlink":
            os.symlink(n.target, target)
            os.utime(target, (n.time, n.time), follow_symlinks=False)
        elif n.kind == "file":
            with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as f:
                for part in n.layer.content(n):
                    f.write(part)
                os.fchmod(f.fileno(), n.mode & 0o1777)
            os.utime(target, (n.time, n.time))
    for target, n in reversed(directories):  # when nothing is written to them any more
        os.chmod(target, n.mode & 0o1777)
        os.utime(target, (n.time, n.time))


def mode_text(n):
    """Returns the mode as ls prints it."""
    types = {"directory": stat.S_IFDIR, "file": stat.S_IFREG, "symlink": stat.S_IFLNK, "block": stat.S_IFBLK,
             "char": stat.S_IFCHR, "fifo": stat.S_IFIFO, "socket": stat.S_IFSOCK}  # fmt: skip
    return stat.filemode(types[n.kind] | n.mode)
