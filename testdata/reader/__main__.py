"""A second reader of images, written from SPEC.md alone. README.md says how to use it."""

import argparse
import json
import os
import sys
import time
from datetime import datetime

sys.dont_write_bytecode = True

import image  # noqa: E402
import keys  # noqa: E402
import meaning  # noqa: E402
import sif  # noqa: E402
import squashfs  # noqa: E402
import tree  # noqa: E402
import verify  # noqa: E402
from refused import Refused, malformed  # noqa: E402

EXIT = {"signed": 0, "not signed": 3, "altered": 4, "malformed": 4, "foreign": 4}


class File:
    """A squashfs file by itself, as squashfs.Layer reads it."""

    def __init__(self, file):
        self._file, self.size = file, os.fstat(file.fileno()).st_size

    def read(self, offset, size):
        self._file.seek(offset)
        return self._file.read(size)


class Keys:
    """Loaded keys by the names of their files, so that gpg reads each once."""

    def __init__(self):
        self._loaded = {}

    def load(self, names):
        for name in names:
            if name not in self._loaded:
                self._loaded[name] = keys.load(name)
        return [self._loaded[name] for name in names]

    def close(self):
        for key in self._loaded.values():
            key.close()


# Each command returns its exit status and what it prints.


def command_verify(o, ring):
    """Says whether an image is whole, and who signed it."""
    with open(o.file[0], "rb") as f:
        detached = [read_file(name) for name in o.signature]
        verdict, clause, report = verify.verify(f, ring.load(o.key), detached, o.now, o.foreign)
    return EXIT[verdict], {"verdict": verdict, "clause": clause, **report}


def command_check(o, _):
    """Checks layout and content, and all that a signer promises: SIG-3, MAN-6."""
    with open(o.file[0], "rb") as f:
        i = image.Image(sif.Container(f))
        i.check_content()
        for d, row in i.objects:
            if "layer" in row and "sha256:" + i.container.sha256(d) != row["digest"]:
                raise malformed("MAN-5", f"{row['name']}: another digest")
        for row, data in i.layers():
            layer = squashfs.Layer(data)
            root = layer.tree()
            if layer.time != i.date or layer.block_size != row["layer"]["blockSize"]:
                raise malformed("SQ-2", f"{row['name']}: time or block size of the superblock")
            found = tree.digest(root), *tree.numbers(root)
            if found != tuple(row["layer"][k] for k in ("content", "files", "bytes")):
                raise malformed("MAN-6", f"{row['name']}: content, files or bytes are {found}")
        return 0, {"contentId": i.content_id()}


def command_ls(o, _):
    """Lists what steps see, or one layer."""
    with open(o.file[0], "rb") as f:
        rows = []
        for path, n in tree.walk(open_tree(f, o.layer)):
            row = {"path": "/" + os.fsdecode(path), "kind": n.kind, "mode": f"{n.mode:04o}", "uid": n.uid,
                   "gid": n.gid, "size": n.size, "modified": n.time}  # fmt: skip
            if n.kind == "file":
                row["sha256"] = tree.file_digest(n)
            if n.kind == "symlink":
                row["target"] = os.fsdecode(n.target)
            rows.append(row)
    if o.json:
        return 0, rows
    lines = []
    for row in rows:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(row["modified"]))
        path = ascii(row["path"])[1:-1]
        lines.append(f"{row['mode']} {row['uid']}/{row['gid']} {row['size']:>10} {when} {path}")
    return 0, "\n".join(lines)


def command_extract(o, _):
    """Writes what steps see, or one layer, to a folder."""
    with open(o.file[0], "rb") as f:
        tree.extract(open_tree(f, o.layer), o.output)
    return 0, None


def command_squashfs(o, _):
    """Reads squashfs files whole and prints the content digest of their union, the last on top."""
    files = [open(name, "rb") for name in o.file]
    try:
        layers = [squashfs.Layer(File(f)) for f in files]
        roots = [layer.tree() for layer in layers]
        for layer in layers if o.meaning else ():
            meaning.check(layer)
        return 0, {"content": tree.digest(tree.union(roots) if len(roots) > 1 else roots[0])}
    finally:
        for f in files:
            f.close()


def command_block(o, ring):
    """Says what a signature is worth, given the payload that it should have."""
    payload = read_file(o.payload)
    found = verify.judge(read_file(o.file[0]), ring.load(o.key), lambda _: payload, o.now)
    return 0, [s.json() for s in found]


def open_tree(file, only):
    """Returns the tree of one layer, or the union of those that steps see."""
    i = image.Image(sif.Container(file))
    roots = []
    for row, data in i.layers():
        if row["name"] == only or not only and row["role"] == "layer":
            roots.append(squashfs.Layer(data).tree())
    if not roots:
        raise FileNotFoundError(f"{only}: no such layer")
    return roots[0] if only else tree.union(roots)


def read_file(name):
    with open(name, "rb") as f:
        return f.read(verify.block.MAX_BLOCK + 1)


def seconds(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def arguments():
    parser = argparse.ArgumentParser(prog="reader", description=__doc__)
    commands = parser.add_subparsers(required=True)
    batch_parser = commands.add_parser("batch", help="Runs commands, each a list of arguments as JSON on a line.")
    batch_parser.set_defaults(run=None)
    for name, function in list(globals().items()):
        if not name.startswith("command_"):
            continue
        p = commands.add_parser(name.removeprefix("command_"), help=function.__doc__)
        p.set_defaults(run=function)
        p.add_argument("file", nargs="+" if function is command_squashfs else 1)
        if function in (command_ls, command_extract):
            p.add_argument("--layer", help="only this layer")
        if function is command_squashfs:
            p.add_argument("--meaning", action="store_true", help="as verification does (SQ-41 to SQ-46)")
        if function is command_ls:
            p.add_argument("--json", action="store_true")
        if function is command_extract:
            p.add_argument("-o", "--output", required=True, metavar="FOLDER")
        if function in (command_verify, command_block):
            p.add_argument("--key", action="append", default=[], metavar="FILE", help="trust this key")
            p.add_argument("--now", type=seconds, default=int(time.time()), metavar="TIME")
        if function is command_verify:
            p.add_argument("--signature", action="append", default=[], metavar="FILE")
            p.add_argument("--foreign", action="store_true")
        if function is command_block:
            p.add_argument("--payload", required=True, metavar="FILE")
    return parser


def run(o, ring):
    """Runs one command; returns its exit status and what it prints."""
    try:
        return o.run(o, ring)
    except Refused as err:
        return EXIT[err.verdict], {"verdict": err.verdict, "clause": err.clause, "reason": str(err)}
    except (keys.KeyRefused, OSError) as err:
        return 1, {"error": str(err)}


def batch(parser, ring):
    """Answers each line of standard input with a line: exit status and what the command prints."""
    for line in sys.stdin:
        print(json.dumps(run(parser.parse_args(json.loads(line)), ring)), flush=True)


def main():
    parser, ring = arguments(), Keys()
    try:
        o = parser.parse_args()
        if o.run is None:
            batch(parser, ring)
            return 0
        status, value = run(o, ring)
        if isinstance(value, str):
            print(value)
        elif value is not None:
            json.dump(value, sys.stdout, indent=1)
            print()
        return status
    finally:
        ring.close()


if __name__ == "__main__":
    sys.exit(main())
