"""The manifest: part MAN. Its forms are tables; Form.check walks them."""

import re
from datetime import datetime, timezone

import canonical
import hashtree
import sif
from refused import malformed

ROOM_SIZE = 2**53  # IMG-6: what stands in place of sizes
ROOM_DIGEST = "sha256:" + "0" * 64
MAX_MANIFEST = 2_097_152
MAX_HEAD_OBJECT = 67_108_864
MAX_LAYERS = 32
PAGE = 4096

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_STEP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_LAYER = re.compile(r"[a-z0-9_-]{1,64}\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z", re.ASCII)
_HEAD = [("recipe", "repro.yaml"), ("inspect", "inspect-metadata.json"), ("sbom", "sbom.json")]


def fail(clause, text):
    raise malformed(clause, f"manifest.json: {text}")


def text(value):
    return isinstance(value, str)


def number(value):
    return isinstance(value, int) and not isinstance(value, bool)


def count(value):
    return number(value) and value >= 0


def seconds(value):
    return number(value) and value >= 1


def truth(value):
    return isinstance(value, bool)


def digest(value):
    return text(value) and bool(_DIGEST.match(value))


def texts(value):
    return isinstance(value, list) and all(map(text, value))


def command(value):
    return texts(value) and 1 <= len(value) <= 1000 and value[0] != "" and not any("\0" in w for w in value)


def environment(value):
    return isinstance(value, dict) and all(
        k and "=" not in k and text(v) and "\0" not in k + v for k, v in value.items()
    )


def relative_path(value):
    return text(value) and "\0" not in value and all(e not in ("", ".", "..") for e in value.split("/"))


def path(value):
    return text(value) and value[:1] == "/" and (value == "/" or relative_path(value[1:]))


def paths(value):
    return isinstance(value, list) and all(map(path, value))


def relative_paths(value):
    return isinstance(value, list) and all(map(relative_path, value))


def fixed(value):
    return texts(value) and set(value) <= {"addresses", "clock"} and len(set(value)) == len(value)


def name(value):
    return text(value) and bool(_STEP.match(value))


class Form:
    """The keys of an object: which must stand there, and what each value must be.

    A value is a function from the value to whether it is right, a Form, or a
    list of one of them for a list of such values. Keys that end in ? are
    optional: there, and not empty, or left out (DOC-4).
    """

    def __init__(self, clause, **keys):
        self.clause = clause
        self.keys = {k.rstrip("_"): v for k, v in keys.items()}

    def check(self, value, where):
        if not isinstance(value, dict):
            fail(self.clause, f"{where} is not an object")
        for key in value:
            if key not in self.keys and key + "?" not in self.keys:
                fail("MAN-1", f"{where}: unknown key {key!r}")
        for key, form in self.keys.items():
            bare = key.rstrip("?")
            if bare not in value:
                if key == bare:
                    fail(self.clause, f"{where}: no key {key}")
                continue
            inner = value[bare]
            # False is the empty truth value.
            if key != bare and (inner in ("", [], {}) or inner is False or inner == 0):
                fail("MAN-1", f"{where}.{bare}: empty, and not left out")
            self._value(form, inner, f"{where}.{bare}")

    def _value(self, form, value, where):
        if isinstance(form, Form):
            form.check(value, where)
        elif isinstance(form, list):
            if not isinstance(value, list):
                fail(self.clause, f"{where} is not a list")
            for i, item in enumerate(value):
                self._value(form[0], item, f"{where}[{i}]")
        elif not form(value):
            fail(self.clause, f"{where} is not of its form")


def optional(**keys):
    return {k + "?": v for k, v in keys.items()}


AUTHOR = Form("MAN-1", name=text, **optional(orcid=text, affiliation=text, email=text))
PAPER = Form("MAN-1", title=text, authors=[AUTHOR], date=text,
             **optional(licence=text, doi=text, keywords=texts, abstract=text))  # fmt: skip
ENVIRONMENT = Form("MAN-1", kind=text, **optional(source=text, digest=digest))
LAYER = Form("MAN-6", root=digest, content=digest, codec=lambda v: text(v) and 1 <= len(v.encode()) <= 64,
             blockSize=number, files=count, bytes=count)  # fmt: skip
OBJECT = Form("MAN-5", id=number, name=text, role=text, digest=digest,
              size=lambda v: count(v) and v <= 2**53, **optional(layer=LAYER))  # fmt: skip
QUICK = Form("MAN-8", **optional(skip=truth, command=command, env=environment, time=seconds, takes=seconds))
STEP = Form("MAN-8", name=name, command=command, dir=path,
            **optional(env=environment, needs=texts, inputs=paths, outputs=paths,
                       cpu=lambda v: v in ("native", "portable-v2", "portable-v3"), cpus=count,
                       memory=count, time=count, ranks=count, takes=count, fixed=fixed,
                       quick=QUICK))  # fmt: skip
NUMBERS = dict(absolute=text, relative=text, ulp=number, digits=number, norm=text, numbers=text)


def columns(value):
    form = Form("MAN-9", **optional(**NUMBERS))
    for key, rule in value.items() if isinstance(value, dict) else [(None, value)]:
        form.check(rule, f"columns.{key}")
    return isinstance(value, dict)


COMPARE = Form("MAN-9", **optional(kind=text, whole=truth, omit=texts, blanks=text, cells=texts, keys=texts, columns=columns, signs=text, random=truth,
                                   spread=relative_path, score=text, ignore=texts, masks=texts,
                                   only=texts, from_=text, to=text, **NUMBERS))  # fmt: skip
COMPARE.keys["from?"] = COMPARE.keys.pop("from_?")
RESULT = Form("MAN-9", name=name, output=path, published=relative_path, compare=COMPARE,
              **optional(sets=relative_paths, setNames=texts, quick=relative_path, claim=text))  # fmt: skip
CLAIM = Form("MAN-11", name=name, value=text, output=path,
             **optional(text=text, cell=Form("MAN-11", row=text, column=text), pointer=text, pattern=text,
                        compare=Form("MAN-11", **optional(**NUMBERS))))  # fmt: skip
def objects(value):
    if not isinstance(value, list):
        fail("MAN-5", "objects is not a list")
    for o in value:
        OBJECT.check(o, "an object")
    return True


EXTERNAL = Form("EXT-1", path=path, source=text, digest=digest, **optional(size=count))
MANIFEST = Form("MAN-1", version=number, paper=PAPER, arch=text, environment=ENVIRONMENT, objects=objects,
                steps=[STEP], results=[RESULT], **optional(claims=[CLAIM], external=[EXTERNAL], draft=truth, notebooks=paths))  # fmt: skip


def parse(raw):
    """Returns the manifest that an object holds, checked (MAN), with its padding (IMG-6)."""
    body = raw.rstrip(b" \t\r\n")
    padding = raw[len(body) :]
    value = canonical.decode(body, "MAN-1")
    if padding != b" " * (len(padding) - 1) + b"\n":
        fail("IMG-6", "what follows it is not spaces and one line feed")
    MANIFEST.check(value, "manifest")
    check(value)
    if len(raw) != room(value):
        fail("IMG-6", f"the object has {len(raw)} bytes, not {room(value)}")
    return value


def check(m):
    """Checks what relates values of a manifest to each other."""
    if m["version"] != 1:
        fail("MAN-2", f"version {m['version']}")
    date(m)
    if m["arch"] not in sif.ARCHITECTURES:
        fail("MAN-4", f"architecture {m['arch']!r}")
    check_objects(m["objects"])
    if not m["steps"]:
        fail("MAN-8", "no steps")
    steps, outputs = set(), {}
    for s in m["steps"]:
        if s["name"] in steps or not set(s.get("needs", [])) <= steps:
            fail("MAN-8", f"step {s['name']}: stands there twice, or needs what does not come before it")
        steps.add(s["name"])
        for at in s.get("outputs", []):
            if at in outputs:
                fail("MAN-8a", f"{at} is an output twice")
            outputs[at] = s["name"]
        if "/" in s.get("inputs", []) + s.get("outputs", []):
            fail("MAN-8a", f"step {s['name']}: the whole root")
        quick = s.get("quick", {"skip": True})
        if "skip" in quick and len(quick) > 1 or not quick:
            fail("MAN-8", f"step {s['name']}: quick is not of its form")
    for at, step in outputs.items():
        if any(outputs.get(above, step) != step for above in _above(at)):
            fail("MAN-8a", f"{at} lies in an output of another step")
    results = set()
    for r in m["results"]:
        if r["name"] in results:
            fail("MAN-9", f"result {r['name']} stands there twice")
        results.add(r["name"])
    for c in m.get("claims", []):
        if c["name"] in results or sum(k in c for k in ("cell", "pointer", "pattern")) != 1:
            fail("MAN-11", f"claim {c['name']}")
        results.add(c["name"])
    for r in m["results"] + m.get("claims", []):
        if not any(at in outputs for at in _above(r["output"])):
            fail("MAN-9", f"{r['name']}: no step makes its output")
    if m["results"] and not any(o["role"] == "hidden" for o in m["objects"]):
        fail("MAN-9", "results without a layer of published files")
    check_external(m.get("external", []))


def _above(path):
    """Yields an absolute path and the folders that it lies in, without the root."""
    while path != "/":
        yield path
        path = path.rpartition("/")[0] or "/"


def check_external(files):
    seen = set()
    for f in files:
        source = f["source"]
        if not f["path"].startswith("/paper/") or f["path"] in seen:
            fail("EXT-1", f"external file {f['path']!r}")
        if not 1 <= len(source.encode()) <= 4096 or any(ord(c) <= 0x20 or ord(c) == 0x7F for c in source):
            fail("EXT-1", f"source of external file {f['path']!r}")
        seen.add(f["path"])


def check_objects(objects):
    """Checks order, names, roles and sizes of the objects (MAN-5 to MAN-7)."""
    names = set()
    for i, o in enumerate(objects):
        if o["id"] != i + 2 or o["name"] in names:
            fail("MAN-5", f"object {o['name']!r}: its id is not its slot, or its name is not unique")
        names.add(o["name"])
    head = 3 if len(objects) > 2 and objects[2]["role"] == "sbom" else 2
    for o, (role, file_name) in zip(objects, _HEAD[:head]):
        if (o["role"], o["name"]) != (role, file_name) or o["size"] > MAX_HEAD_OBJECT or "layer" in o:
            fail("MAN-5", f"object {o['id']} is not the {role}")
    layers = objects[head:]
    if len(objects) < head or len(layers) % 2 or not 2 <= len(layers) <= 2 * MAX_LAYERS:
        fail("MAN-5", "objects are missing, or there are too many")
    for i in range(0, len(layers), 2):
        check_layer(layers[i], layers[i + 1], first=i == 0)


def check_layer(o, tree, first):
    if o["role"] not in ("layer", "hidden") or tree["role"] != "tree":
        fail("MAN-5", f"object {o['name']!r}: role {o['role']!r}, then {tree['role']!r}")
    where = f"layer {o['name']!r}"
    if not _LAYER.match(o["name"]) or (o["name"] == "environment") != first:
        fail("MAN-6", f"{where}: its name")
    if (o["role"] == "hidden") != (o["name"] == "published"):
        fail("MAN-6", f"{where}: its role")
    if "layer" not in o or o["size"] == 0 or o["size"] % PAGE:
        fail("MAN-6", f"{where}: its size, or no key layer")
    size = o["layer"]["blockSize"]
    if not 4096 <= size <= 1_048_576 or size & (size - 1):
        fail("MAN-6", f"{where}: block size {size}")
    if tree["name"] != o["name"] + ".verity" or tree["size"] != hashtree.size(o["size"]) or "layer" in tree:
        fail("MAN-7", f"{where}: its hash tree")


def date(m):
    """Returns the image's one time, in seconds since 1970 (MAN-3)."""
    written = m["paper"]["date"]
    try:
        if not _DATE.match(written):
            raise ValueError("not of its form")
        t = int(datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp())
    except ValueError as err:
        fail("MAN-3", f"date {written!r}: {err}")
    if not 0 <= t < 2**32:
        fail("MAN-3", f"date {written!r}")
    return t


def room(m):
    """Returns the size of the manifest object (IMG-6)."""
    objects = []
    for o in m["objects"]:
        o = {**o, "size": ROOM_SIZE, "digest": ROOM_DIGEST}
        if "layer" in o:
            o["layer"] = {"root": ROOM_DIGEST, "content": ROOM_DIGEST, "codec": "c" * 64,
                          "blockSize": 1_048_576, "files": ROOM_SIZE, "bytes": ROOM_SIZE}  # fmt: skip
        objects.append(o)
    length = len(canonical.encode({**m, "objects": objects}).encode()) + 1
    return -(-length // PAGE) * PAGE
