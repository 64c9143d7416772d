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


def command_verify(o):
    """Says whether an image is whole, and who signed it."""
    with open(o.image, "rb") as f:
        detached = [read_file(name) for name in o.signature]
        verdict, clause, report = verify.verify(f, load_keys(o), detached, o.now, o.foreign)
    show({"verdict": verdict, "clause": clause, **report})
    return EXIT[verdict]


def command_check(o):
    """Checks layout and content, and all that a signer promises: SIG-3, MAN-6."""
    with open(o.image, "rb") as f:
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
        show({"contentId": i.content_id()})
    return 0


def command_ls(o):
    """Lists what steps see, or one layer."""
    with open(o.image, "rb") as f:
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
        show(rows)
        return 0
    for row in rows:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(row["modified"]))
        print(row["mode"], f"{row['uid']}/{row['gid']}", row["size"], when, ascii(row["path"])[1:-1])
    return 0


def command_extract(o):
    """Writes what steps see, or one layer, to a folder."""
    with open(o.image, "rb") as f:
        tree.extract(open_tree(f, o.layer), o.output)
    return 0


def command_squashfs(o):
    """Reads one squashfs file whole and prints its content digest."""
    with open(o.image, "rb") as f:
        show({"content": tree.digest(squashfs.Layer(File(f)).tree())})
    return 0


def command_block(o):
    """Says what a signature is worth, given the payload that it should have."""
    payload = read_file(o.payload)
    found = verify.judge(read_file(o.image), load_keys(o), lambda _: payload, o.now)
    show([s.json() for s in found])
    return 0


def open_tree(file, only):
    """Returns the tree of one layer, or the union of those that steps see."""
    i = image.Image(sif.Container(file))
    roots = []
    for row, data in i.layers():
        if row["name"] == only or not only and row["role"] == "layer":
            roots.append(squashfs.Layer(data).tree())
    if not roots:
        raise SystemExit(f"{only}: no such layer")
    return roots[0] if only else tree.union(roots)


def load_keys(o):
    o.loaded = []
    for name in o.key:
        o.loaded.append(keys.load(name))
    return o.loaded


def read_file(name):
    with open(name, "rb") as f:
        return f.read(verify.block.MAX_BLOCK + 1)


def show(value):
    json.dump(value, sys.stdout, indent=1)
    print()


def seconds(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def arguments():
    parser = argparse.ArgumentParser(prog="reader", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in list(globals().items()):
        if name.startswith("command_"):
            p = commands.add_parser(name.removeprefix("command_"), help=run.__doc__)
            p.set_defaults(run=run)
            p.add_argument("image")
            if run in (command_ls, command_extract):
                p.add_argument("--layer", help="only this layer")
            if run is command_ls:
                p.add_argument("--json", action="store_true")
            if run is command_extract:
                p.add_argument("-o", "--output", required=True, metavar="FOLDER")
            if run in (command_verify, command_block):
                p.add_argument("--key", action="append", default=[], metavar="FILE", help="trust this key")
                p.add_argument("--now", type=seconds, default=int(time.time()), metavar="TIME")
            if run is command_verify:
                p.add_argument("--signature", action="append", default=[], metavar="FILE")
                p.add_argument("--foreign", action="store_true")
            if run is command_block:
                p.add_argument("--payload", required=True, metavar="FILE")
    return parser.parse_args()


def main():
    o = arguments()
    o.loaded = []
    try:
        return o.run(o)
    except Refused as err:
        show({"verdict": err.verdict, "clause": err.clause, "reason": str(err)})
        return EXIT[err.verdict]
    except (keys.KeyRefused, OSError) as err:
        print(f"reader: {err}", file=sys.stderr)
        return 1
    finally:
        for key in o.loaded:
            key.close()


if __name__ == "__main__":
    sys.exit(main())
