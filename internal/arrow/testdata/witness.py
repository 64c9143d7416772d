"""Tables as pyarrow writes them: types, missing values, batches, packing, files and streams."""
import itertools
import sys

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
from answers import array, says, texts

folder = sys.argv[1]
rng = np.random.default_rng(14)
INTS = [np.dtype(f"{k}{s}") for k in "iu" for s in (1, 2, 4, 8)]


def mark(missing):
    return np.array([b"N" if m else b"-" for m in missing], "S1")


def table(rows):
    columns, out = {}, []

    def add(name, values, missing, arrow_type, kind=None):
        columns[name] = pa.array([None if m else v for v, m in zip(values.tolist() if hasattr(values, "tolist") else values, missing)], arrow_type)
        if kind == "text":
            out.append(texts(name, ["" if m else v for v, m in zip(values, missing)]))
        else:
            v = np.where(missing, np.zeros((), values.dtype), values) if rows else values
            out.append(array(name, v.astype(values.dtype), kind))
        if any(missing):
            out.append(array(name + " missing", mark(missing)))

    for d in INTS:
        info = np.iinfo(d)
        add(f"int {d}", rng.integers(info.min, info.max, rows, dtype=d, endpoint=True), rng.random(rows) < .2 if d.itemsize > 1 else np.zeros(rows, bool), pa.from_numpy_dtype(d))
    for d in ("f4", "f8"):
        add(d, rng.standard_normal(rows).astype(d), rng.random(rows) < .3, pa.from_numpy_dtype(np.dtype(d)))
    words = ["wörd %d" % (i % 7) * (i % 4) for i in range(rows)]
    none = np.zeros(rows, bool)
    add("text", words, rng.random(rows) < .2, pa.string(), "text")
    add("long", words, none, pa.large_string(), "text")
    add("dictionary", words, none, pa.dictionary(pa.int16(), pa.string()), "text")
    add("truth", (rng.random(rows) < .5), none, pa.bool_(), "bytes")
    days = rng.integers(-9999, 9999, rows).astype("i4")
    columns["day"] = pa.array(days, pa.int32()).cast(pa.date32()); out.append(array("day", days))
    stamps = rng.integers(-2**50, 2**50, rows)
    columns["stamp"] = pa.array(stamps, pa.int64()).cast(pa.timestamp("us", tz="UTC")); out.append(array("stamp", stamps))
    return pa.table(columns), out


for n, (rows, packing, chunk) in enumerate(itertools.product((0, 1, 3000), ("uncompressed", "lz4", "zstd"), (7, 4096))):
    if rows == 3000 and chunk == 7:
        chunk = 999
    t, out = table(rows)
    path = f"{folder}/{n}.feather"
    feather.write_feather(t, path, compression=packing, chunksize=chunk)
    says(path, out)
    path = f"{folder}/{n}.arrows"
    with pa.OSFile(path, "wb") as f, pa.ipc.new_stream(f, t.schema, options=pa.ipc.IpcWriteOptions(compression=None if packing == "uncompressed" else packing)) as w:
        w.write_table(t.unify_dictionaries(), chunk)
    says(path, out)
