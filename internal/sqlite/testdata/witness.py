"""Databases as SQLite writes them: sizes of pages, encodings, deleted rows, long values."""
import itertools
import os
import sqlite3
import sys

import numpy as np
from answers import array, says, texts

folder = sys.argv[1]
rng = np.random.default_rng(14)


def column(name, values, kind):
    missing = [v is None for v in values]
    if kind is str:
        out = [texts(name, ["" if v is None else v for v in values])]
    else:
        out = [array(name, np.array([0 if v is None else v for v in values], {int: "<i8", float: "<f8"}[kind]))]
    if any(missing):
        out.append(array(name + " missing", np.array([b"N" if m else b"-" for m in missing], "S1")))
    return out


for n, (page, encoding, rows, vacuum) in enumerate(itertools.product((512, 1024, 65536), ("UTF-8", "UTF-16le", "UTF-16be"), (0, 3, 900), (False, True))):
    path = f"{folder}/{n}.sqlite"
    c = sqlite3.connect(path)
    c.execute(f"pragma page_size = {page}"), c.execute(f"pragma encoding = '{encoding}'"), c.execute(f"pragma user_version = {n}")
    c.execute("create table t (id integer primary key, x real, n int, word text, long text)")
    c.execute("create table u (word text, x double)")
    c.execute("create index i on t (n)")
    data = []
    for i in range(rows):
        data.append((i * 3 - 5, None if i % 7 == 1 else float(rng.integers(-9, 9)) if i % 2 else float(rng.standard_normal()), int(rng.integers(-2**62, 2**62)) >> int(rng.integers(0, 62)), f"wörd {i}", None if i % 5 else "ä<" * int(rng.integers(0, 1500))))
    c.executemany("insert into t values (?,?,?,?,?)", data)
    c.execute("delete from t where id % 6 = 1")
    data = [d for d in data if d[0] < 0 or d[0] % 6 != 1]
    loose = [(f"k{i:05}", float(i) / 2) for i in range(rows)]
    c.executemany("insert into u values (?,?)", [loose[i] for i in rng.permutation(rows)])
    c.commit()
    if vacuum:
        c.execute("vacuum")
    schema = dict(c.execute("select name, type || ' ' || sql from sqlite_schema"))
    c.close()
    out = [array("user version and application id", np.array([n, 0], "<i8"))] + [texts("schema of " + k, [v]) for k, v in schema.items()]
    for i, (name, kind) in enumerate((("id", int), ("x", float), ("n", int), ("word", str), ("long", str))):
        values = [d[i] for d in data]
        out += column("t." + name, values, kind if any(v is not None for v in values) else str)
    out += column("u.word", [d[0] for d in loose], str) + column("u.x", [d[1] for d in loose], float if rows else str)
    says(path, out)
